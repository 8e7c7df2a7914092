"""TensorBoard: scalars an epoch for train, validation and test, and pictures."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

import faults
from sources.errors import UserError


class Summaries:
    """Event files in `run_dir/train`, `validation` and `test`; the same tag in each, so that curves overlay."""

    def __init__(self, run_dir: Path):
        """Raises UserError where tensorboard, which TensorFlow 2.21 does not bring, is not there."""
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            raise UserError("tensorboard is not installed: run make setup") from None
        self._run_dir = run_dir
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def scalars(self, split: str, epoch: int, values: Mapping[str, float | None]) -> None:
        """Writes the values that are not None at x = `epoch` (counted from 1), and flushes."""
        # as_default flushes when its block ends.
        with self._writer(split).as_default(step=epoch):
            for tag, value in values.items():
                if value is not None:
                    tf.summary.scalar(tag, value)
            faults.reach("summary.written")

    def text(self, split: str, tag: str, epoch: int, words: str) -> None:
        """Writes a line of text at `epoch`, and flushes."""
        with self._writer(split).as_default(step=epoch):
            tf.summary.text(tag, words)

    def picture(self, split: str, tag: str, pixels: np.ndarray) -> None:
        """Writes a uint8 [height, width, 3] picture, and flushes."""
        with self._writer(split).as_default(step=0):
            tf.summary.image(tag, pixels[None])

    def close(self) -> None:
        """Closes the event files."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, split: str) -> tf.summary.SummaryWriter:
        if split not in self._writers:
            self._writers[split] = tf.summary.create_file_writer(str(self._run_dir / split))
        return self._writers[split]


@contextlib.contextmanager
def open_summaries(run_dir: Path) -> Iterator[Summaries]:
    """Summaries that are closed at the end of the block."""
    summaries = Summaries(run_dir)
    try:
        yield summaries
    finally:
        summaries.close()
