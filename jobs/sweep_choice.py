"""Which run of a sweep is chosen, by its validation split alone, and the table of all. Imports no TensorFlow."""

import dataclasses
from collections.abc import Mapping, Sequence

from evaluation.folds import shown
from jobs.several import end_in_words
from records.runs_folder import SweepRow

ACCURACY, LOSS = "validation accuracy, then validation loss", "validation loss, then validation accuracy"
TEST_NOTE = (
    "ranked and chosen by validation alone, where the best of several looks better than it is: its test score is the "
    "one to report; whoever chooses by test scores, which the runs' own reports have, needs other pictures to test on"
)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A run of a sweep, as it ended.

    Attributes:
      line: its number in the sweep's file.
      name: of its folder.
      flags: those of its line.
      code: its exit code, None where it has not begun.
      results: what its results.json holds; None where it is not finished.
      validated: what names the examples of its validation split.
      best_on: its --best_on.
    """

    line: int
    name: str
    flags: str
    code: int | None
    results: Mapping | None
    validated: str = ""
    best_on: str = "auto"


@dataclasses.dataclass(frozen=True)
class Choice:
    """`ranked` candidates, the best first, the first of which is chosen; none where nothing tells them apart, and then
    `why_none` says why. `by` is what they are ranked by."""

    by: str
    ranked: tuple[Candidate, ...] = ()
    why_none: str = ""

    @property
    def chosen(self) -> Candidate | None:
        """The best one."""
        return self.ranked[0] if self.ranked else None


def choose(candidates: Sequence[Candidate]) -> Choice:
    """Ranks the finished runs by what they reach on validation.

    The figure is that by which all of them chose their epochs, where they agree on the loss, else the accuracy; the
    other one, then the order of the lines, decides between equals. Runs that were validated on different examples are
    not ranked, and none is while one is still to be tried: its test score would be seen before the choice.
    """
    finished = [one for one in candidates if one.results]
    by = LOSS if finished and {one.best_on for one in finished} == {"validation_loss"} else ACCURACY
    if any(one.code is None for one in candidates):
        return Choice(by, why_none="not every run has been tried")
    if not finished:
        return Choice(by, why_none="no run is finished")
    if any(not one.results["validation"] for one in finished):
        return Choice(by, why_none="not every run has a validation split to choose by")
    if len({one.validated for one in finished}) > 1:
        return Choice(by, why_none="the runs were not validated on the same pictures")
    return Choice(by, tuple(sorted(finished, key=lambda one: _merit(one, by))))


def sweep_rows(candidates: Sequence[Candidate], choice: Choice) -> list[SweepRow]:
    """A row a line, in the order of the lines; test figures of the chosen run alone."""
    return [_row(one, choice) for one in candidates]


def sweep_lines(candidates: Sequence[Candidate], choice: Choice) -> list[str]:
    """The ranking in words, a line each."""
    unfinished = [f"{one.name}: {end_in_words(one.code)}" for one in candidates if not one.results]
    if not choice.chosen:
        return [f"none is chosen: {choice.why_none}", *unfinished]
    lines = [f"ranked by {choice.by}"]
    for rank, one in enumerate(choice.ranked, 1):
        validation = one.results["validation"]
        lines.append(
            f"{rank}. {one.name}: {shown(validation)}, loss {validation['loss']:.4f}, epoch {one.results['best_epoch']}"
        )
    lines += unfinished
    return [*lines, *_words_on(choice), f"note: {TEST_NOTE}"]


def _words_on(choice: Choice) -> list[str]:
    chosen = choice.chosen
    test = chosen.results["test"]
    words = [f"chosen: {chosen.name}" + (f", which reaches {shown(test)} on test" if test else "")]
    low = chosen.results["validation"]["accuracy_interval"][0]
    near = sum(one.results["validation"]["accuracy_interval"][1] >= low for one in choice.ranked[1:])
    if near:
        meets = "the interval of 1 other meets its own" if near == 1 else f"the intervals of {near} others meet its own"
        words.append(f"{meets}: so few validation pictures may not tell them apart")
    return words


def _merit(one: Candidate, by: str) -> tuple[float, float, int]:
    """Less is better."""
    accuracy, loss = -one.results["validation"]["accuracy"], one.results["validation"]["loss"]
    return (loss, accuracy, one.line) if by == LOSS else (accuracy, loss, one.line)


def _row(one: Candidate, choice: Choice) -> SweepRow:
    results = one.results or {}
    is_chosen = one is choice.chosen
    validation, test = results.get("validation") or {}, (results.get("test") or {}) if is_chosen else {}
    return SweepRow(
        one.line, one.name, one.flags, end_in_words(one.code),
        1 + choice.ranked.index(one) if one in choice.ranked else None, "yes" if is_chosen else "",
        results.get("best_epoch"), *_figures(validation), validation.get("loss"), *_figures(test),
        results.get("seconds"),
    )  # fmt: skip


def _figures(scores: Mapping) -> tuple[float | None, float | None, float | None]:
    return (scores.get("accuracy"), *scores.get("accuracy_interval", (None, None)))
