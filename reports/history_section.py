"""The section of a page on how a run learnt: curves over the epochs, and their table."""

from collections.abc import Iterator, Mapping, Sequence

from reports.numbers import number, percent
from reports.page_pictures import themed_svg
from reports.plots import PANELS, first_of_all, plot_history
from reports.templates import Section


def history_section(history: Sequence[Mapping], best_epoch: int | None) -> Iterator[Section]:
    """Of history.csv; nothing where no epoch was finished."""
    if not history:
        return
    pictures = [(themed_svg(plot_history(history, panel, best_epoch)), _words(history, panel)) for panel in PANELS]
    values = {"history": history, "first_of_all": first_of_all(history), "pictures": pictures}
    yield Section("curves", "Curves", "curves.html", values)


def _words(history: Sequence[Mapping], panel: str) -> str:
    """For who does not see the picture."""
    title, column, _ = PANELS[panel]
    form = percent if column == "accuracy" else number
    first, last = history[0], history[-1]
    series = [("of train ", column), ("of validation ", f"validation_{column}")]
    series = [(name, key) for name, key in series if first.get(key) is not None and last.get(key) is not None]
    if column == "learning_rate":
        series = [("", column)]
    ways = ", ".join(f"{name}from {form(first[key])} to {form(last[key])}" for name, key in series)
    return f"{title} over {len(history)} epochs, {ways}. The same numbers are in the table below.".capitalize()
