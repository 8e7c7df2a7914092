"""What every line is told."""

import dataclasses
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
      data_dir: the catdog folders, absolute.
      scratch: an empty folder for whatever a line writes; removed when the lines are done.
      rounds: how often the rivals take turns.
      quick: the smallest sizes that still run everything; its figures mean nothing.
      largest: how many files the growth line goes up to.
    """

    data_dir: Path
    scratch: Path
    rounds: int = 5
    quick: bool = False
    largest: int = 1_000_000
