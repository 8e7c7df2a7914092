"""TensorBoard: scalars an epoch for train, validation and test, and pictures."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from base import durable, kill_points
from base.errors import UserError
from base.watch import Watch
from records.run_folder import RunFolder
from reports.hparams import FILE_NAME, Plain, session_bytes


class Summaries:
    """Event files in `run_dir/train`, `validation` and `test`; the same tag in each, so that curves overlay.

    They only show a run: where they cannot be written, one line says so and the run goes on without them.
    """

    def __init__(self, folder: RunFolder, watch: Watch):
        """Raises UserError where tensorboard, which TensorFlow 2.21 does not bring, is not there."""
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            raise UserError("tensorboard is not installed: run make setup") from None
        self._folder = folder
        self._watch = watch
        self._failed = False
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def scalars(self, split: str, epoch: int, values: Mapping[str, float | None]) -> None:
        """Writes the values that are not None at x = `epoch` (counted from 1), and flushes."""

        def write() -> None:
            for tag, value in values.items():
                if value is not None:
                    tf.summary.scalar(tag, value)
            kill_points.reach("summary.written")

        self._write(split, epoch, write)

    def text(self, split: str, tag: str, epoch: int, words: str) -> None:
        """Writes text, which may be Markdown, at `epoch`, and flushes."""
        self._write(split, epoch, lambda: tf.summary.text(tag, words))

    def pictures(self, split: str, tag: str, pixels: np.ndarray) -> None:
        """Writes uint8 [pictures, height, width, 3], all of them, and flushes."""
        self._write(split, 0, lambda: tf.summary.image(tag, pixels, max_outputs=len(pixels)))

    def precision_recall(self, split: str, tag: str, name: str, epoch: int, table: np.ndarray) -> None:
        """Writes a curve called `name` at `epoch`, and flushes; `table` as `reports.precision_recall` makes it."""
        from tensorboard.plugins.pr_curve.metadata import create_summary_metadata

        about = create_summary_metadata(name, "", table.shape[1])
        self._write(split, epoch, lambda: tf.summary.write(tag, table, metadata=about))

    def session(self, options: Mapping[str, Plain], results: Mapping) -> None:
        """Writes the run's row of the HParams tab, in place of one that is there; see `reports.hparams`."""
        content = session_bytes(options, results)
        self._going_on(lambda: durable.write_bytes(self._folder.best_events / FILE_NAME, content))

    def close(self) -> None:
        """Closes the event files."""
        for writer in self._writers.values():
            self._going_on(writer.close)

    def _write(self, split: str, step: int, write: Callable[[], object]) -> None:
        def write_and_flush() -> None:
            writer, before = self._writer(split), self._bytes(split)
            # as_default flushes when its block ends.
            with writer.as_default(step=step):
                write()
            if self._bytes(split) == before:  # TensorFlow says nothing of a full disk
                raise OSError("what is written does not arrive; is the disk full?")

        if not self._failed:
            self._going_on(write_and_flush)

    def _going_on(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (OSError, tf.errors.OpError) as error:
            if not self._failed:
                cause = " ".join(str(error).split())[:200]
                self._watch.say(f"curves      warning: {self._folder.path} takes no more TensorBoard events ({cause})")
            self._failed = True

    def _bytes(self, split: str) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._folder.events(split)))

    def _writer(self, split: str) -> tf.summary.SummaryWriter:
        if split not in self._writers:
            self._writers[split] = tf.summary.create_file_writer(str(self._folder.events(split)))
        return self._writers[split]


@contextlib.contextmanager
def open_summaries(folder: RunFolder, watch: Watch) -> Iterator[Summaries]:
    """Summaries that are closed at the end of the block."""
    summaries = Summaries(folder, watch)
    try:
        yield summaries
    finally:
        summaries.close()
