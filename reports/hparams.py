"""TensorBoard's HParams tab: a row a run, of its options and its best epoch's figures, as an event file."""

import datetime
import io
from collections.abc import Iterator, Mapping

Plain = bool | int | float | str

# The tab shows the last value that a curve has, so a run's best epoch has events of its own, in a folder of their own:
# whatever lies beside or below the options there would be a column. No experiment is declared in advance: the tab then
# joins the options of all runs that it finds, and has those that differ first.
FILE_NAME = "events.out.tfevents.best"
# The tab has figures in the order of their names, and at first shows five of them.
_FIGURES = (("accuracy", "validation"), ("accuracy", "test"), ("accuracy", "train"), ("loss", "validation"))


def figures_of(results: Mapping) -> dict[str, float]:
    """What the tab compares, of what results.json holds: scores of those splits that there are, the best epoch and the
    seconds."""
    scores = {f"{name}_{split}": results[split][name] for name, split in _FIGURES if results.get(split)}
    return scores | {"best_epoch": results["best_epoch"], "seconds": results["seconds"]}


def session_bytes(options: Mapping[str, Plain], results: Mapping) -> bytes:
    """An event file of a finished run; `results` as results.json holds them."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    finished = datetime.datetime.fromisoformat(results["finished_at"]).timestamp()
    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(wall_time=finished, file_version="brain.Event:2").SerializeToString())
    for summary in _summaries(options, results, finished):
        event = Event(wall_time=finished, step=results["best_epoch"], summary=summary)
        writer.write(event.SerializeToString())
    return file.getvalue()


def _summaries(options: Mapping[str, Plain], results: Mapping, finished: float) -> Iterator:
    """The options, the figures, and that the run has ended well."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    # Named by its run: by default runs of equal options would share a row.
    yield hparams_pb(dict(options), trial_id="", start_time_secs=finished - results["seconds"])
    for name, value in figures_of(results).items():
        yield scalar_pb(name, value)
    ended = HParamsPluginData(session_end_info=SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=finished))
    about = metadata.create_summary_metadata(ended)
    yield Summary(value=[
        Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=about, tensor=metadata.NULL_TENSOR)
    ])  # fmt: skip
