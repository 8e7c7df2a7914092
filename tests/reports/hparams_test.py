"""The HParams tab, as its own plugin reads it: a row a run, every figure that of results.json, plain options."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context

from records.run_folder import RunFolder
from reports.hparams import figures_of, session_bytes
from reports.summaries import open_summaries
from tests.helpers.watches import Recording, Silence

OPTIONS = {"model": "catdog_1", "learning_rate": 0.001, "epochs": 3, "horizontal_flip": True, "filters": "4,8"}
SCORES = {"accuracy": 0.9, "loss": 0.3, "accuracy_interval": [0.8, 0.95], "examples": 40}


def results_of(accuracy: float = 0.75, **more) -> dict:
    validation = {"accuracy": accuracy, "loss": 1 / 3}
    return {"best_epoch": 2, "seconds": 61.5, "finished_at": "2026-01-31T12:00:00+01:00", "train": SCORES,
            "validation": validation, "test": SCORES} | more  # fmt: skip


def write(path: Path, options=OPTIONS, results=None, watch=None) -> None:
    with open_summaries(RunFolder(path), watch or Silence()) as summaries:
        summaries.session(options, results or results_of())
        summaries.scalars("train", 1, {"loss": 9.0})  # what lies beside it is no column


def tab(logdir: Path) -> tuple[dict[str, bool], dict[str, tuple[dict, dict]]]:
    """(option -> whether it differs, in the tab's order; row -> (options, figures)), as the tab is given them."""
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    context = Context(TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(logdir))))
    experiment = get_experiment.Handler(RequestContext(), context, "", api_pb2.GetExperimentRequest()).run()
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        aggregation_type=api_pb2.AGGREGATION_AVG,
        allowed_statuses=[api_pb2.STATUS_SUCCESS],
    )
    groups = list_session_groups.Handler(RequestContext(), context, "", request).run().session_groups
    rows = {}
    for group in groups:
        options = {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()}
        rows[group.name] = options, {one.name.tag: (one.value, one.training_step) for one in group.metric_values}
        assert {one.name.group for one in group.metric_values} == {""}
    return {info.name: info.differs for info in experiment.hparam_infos}, rows


def test_a_row_has_the_options_and_the_figures_of_results_json(tmp_path):
    write(tmp_path / "one")
    _, rows = tab(tmp_path)
    ((name, (options, figures)),) = rows.items()
    assert name == "one/best"
    assert options == OPTIONS
    assert {name: type(value) for name, value in options.items()} == {
        "model": str, "learning_rate": float, "epochs": float, "horizontal_flip": bool, "filters": str
    }  # fmt: skip
    expected = {"accuracy_validation": 0.75, "loss_validation": 1 / 3, "accuracy_test": 0.9, "accuracy_train": 0.9,
                "best_epoch": 2.0, "seconds": 61.5}  # fmt: skip
    assert figures_of(results_of()) == expected
    assert figures == {name: (float(np.float32(value)), 2) for name, value in expected.items()}


def test_runs_of_equal_options_have_a_row_each_and_what_differs_comes_first(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", results=results_of(accuracy=0.5))
    write(tmp_path / "c", OPTIONS | {"epochs": 5, "mixup_alpha": 0.2})
    differs, rows = tab(tmp_path)
    assert sorted(rows) == ["a/best", "b/best", "c/best"]
    assert [rows[f"{name}/best"][1]["accuracy_validation"][0] for name in "abc"] == [0.75, 0.5, 0.75]
    assert next(iter(differs)) == "epochs"
    assert {name for name, does in differs.items() if does} == {"epochs"}
    assert set(differs) == {*OPTIONS, "mixup_alpha"}


def test_a_run_that_goes_on_has_its_new_row_alone(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "a", OPTIONS | {"epochs": 9}, results_of(accuracy=0.8))
    _, rows = tab(tmp_path)
    assert rows["a/best"][0]["epochs"] == 9
    assert rows["a/best"][1]["accuracy_validation"][0] == pytest.approx(0.8)
    assert [path.name for path in (tmp_path / "a" / "best").iterdir()] == ["events.out.tfevents.best"]


def test_a_split_without_examples_has_no_figure():
    names = figures_of(results_of(validation=None))
    assert "accuracy_validation" not in names
    assert "accuracy_test" in names


def test_a_folder_that_takes_nothing_is_said_and_no_reason_to_stop(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "best").write_text("in the way")
    watch = Recording()
    with open_summaries(RunFolder(tmp_path / "run"), watch) as summaries:
        summaries.session(OPTIONS, results_of())
    (line,) = watch.lines
    assert line.startswith("curves      warning: ")


def test_the_file_is_a_function_of_what_it_says():
    assert session_bytes(OPTIONS, results_of()) == session_bytes(dict(OPTIONS), results_of())
