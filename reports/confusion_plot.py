"""A confusion matrix as PNG bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from reports.letters import FONT
from reports.numbers import percent
from reports.theme import DARK, LIGHT, PIXELS_PER_INCH, Theme, fitted, new_panel, png_of, readable_on, style_panel

MOST_COUNTED = 60  # classes, up to which counts are written
_MOST_NAMED = 100
_MOST_CELLS = 200  # of a side of the overview


def plot_confusion(
    confusion: np.ndarray,
    class_names: Sequence[str],
    dark: bool = False,
    title: str = "",
    block: Sequence[int] | None = None,
) -> bytes:
    """Draws a confusion matrix as a PNG: right in blue, wrong in orange, stronger with the share of the row.

    Up to 60 classes have their counts written, up to 100 their names. `confusion` are [classes, classes] counts, row =
    true class; `block` are the numbers of the classes to draw, where these are not all; a name that the font cannot
    write becomes "class 7". Raises ValueError where the shapes do not agree.
    """
    confusion, classes = np.asarray(confusion), len(class_names)
    if confusion.shape != (classes, classes):
        raise ValueError(f"confusion is {confusion.shape}: {classes} class names need {classes, classes}")
    block = range(classes) if block is None else block
    support, counts = confusion.sum(axis=1)[block], confusion[np.ix_(block, block)]
    theme = DARK if dark else LIGHT
    labels = [fitted(class_names[number], 24) for number in block]
    labels = [f"class {number}" if "\ufffd" in label else label for number, label in zip(block, labels, strict=True)]
    side = float(np.clip(1.15 * len(block), 2.3, max(6.5, min(0.25 * len(block), 14.0))))
    longest = 0.08 * max(map(len, labels))  # inches
    upright = longest > side / len(block)
    inches = (side + 0.6 + longest, side + 0.5 + (longest if upright else 0.2))
    figure = Figure(inches, dpi=PIXELS_PER_INCH, layout="compressed", facecolor=theme.background)
    axes = figure.subplots()
    cells = _cell_colors(counts, support, theme)
    axes.imshow(cells, interpolation="nearest")
    _label_classes(axes, labels, upright, theme)
    if title:
        figure.suptitle(fitted(title, int(inches[0] / 0.09)), color=theme.text, fontsize=9)
    if len(block) <= MOST_COUNTED:
        _write_counts(axes, counts, support, cells, 72 * side / len(block))
    return png_of(figure)


def plot_overview(confusion: np.ndarray, dark: bool = False) -> bytes:
    """Draws a matrix of very many classes, [classes, classes] counts, from afar: neighbouring classes share a cell."""
    classes = len(confusion)
    starts = np.unique(np.linspace(0, classes, min(classes, _MOST_CELLS), endpoint=False).astype(int))
    cells = np.add.reduceat(np.add.reduceat(confusion, starts, axis=0), starts, axis=1)
    figure, axes, theme = new_panel(DARK if dark else LIGHT)
    colors = _cell_colors(cells, cells.sum(axis=1), theme)
    axes.imshow(colors, interpolation="nearest", extent=(0, classes, classes, 0))
    style_panel(axes, theme, "all classes", "answer, by class number", "true class, by class number")
    axes.grid(visible=False)
    return png_of(figure)


def _cell_colors(confusion: np.ndarray, support: np.ndarray, theme: Theme) -> np.ndarray:
    share = confusion / np.maximum(support, 1)[:, None]
    diagonal = np.eye(len(confusion), dtype=bool)
    # Mistakes are rare, and rare ones are what one looks for: the root lifts 2% of a row to a visible 14%.
    strength = np.where(diagonal, share, np.sqrt(share))[..., None]
    hue = np.where(diagonal[..., None], to_rgb(theme.right), to_rgb(theme.wrong))
    return (1 - strength) * np.array(to_rgb(theme.background)) + strength * hue


def _label_classes(axes: Axes, labels: Sequence[str], upright: bool, theme: Theme) -> None:
    classes = len(labels)
    axes.set_xlabel("predicted class", color=theme.text, family=FONT, size=10)
    axes.set_ylabel("true class", color=theme.text, family=FONT, size=10)
    axes.spines[:].set_color(theme.faint)
    shown = labels if classes <= _MOST_NAMED else []
    style = {"family": FONT, "size": 9 if classes <= 25 else 7, "color": theme.text, "parse_math": False}
    axes.set_xticks(range(len(shown)), shown, rotation=90 if upright else 0, **style)
    axes.set_yticks(range(len(shown)), shown, **style)
    if classes <= MOST_COUNTED:
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=theme.faint, linewidth=0.5)
    axes.tick_params(which="both", length=0)


def _write_counts(
    axes: Axes, confusion: np.ndarray, support: np.ndarray, cells: np.ndarray, cell_points: float
) -> None:
    few = len(confusion) <= 10
    digits = len(f"{confusion.max(initial=0):,}")
    size = float(np.clip(cell_points / max(3.0, 0.85 * digits), 3.0, 10.0))
    for row, column in np.argwhere(confusion):
        count = int(confusion[row, column])
        text = f"{count:,}\n{percent(count / support[row], 0)}" if few else f"{count:,}"
        color = readable_on(cells[row, column])
        axes.text(column, row, text, family=FONT, size=size, color=color, ha="center", va="center")
