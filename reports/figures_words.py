"""What a split says besides its scores: figures with their words."""

from collections.abc import Mapping

from evaluation.figures import WORDS
from reports.numbers import number, percent


def ranking_words(figures: Mapping) -> list[tuple[str, str]]:
    """(words, value) of what a split says besides its scores; a run of before has none."""
    known = {name: word for name, word in WORDS.items() if figures.get(name) is not None}
    return [
        (word, percent(figures[name], 2) if name.endswith("accuracy") else number(figures[name], 4))
        for name, word in known.items()
    ]
