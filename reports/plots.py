"""The plots of a run, as PNG bytes: curves and confusion matrix.

They are drawn with matplotlib's objects, for which PNG means the Agg canvas. pyplot is never imported: it keeps every
figure of the process alive, looks for a screen, and would mix our figures with those of a user's notebook.
"""

import base64
import io
from collections import namedtuple
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from reports.letters import FONT, drawable
from reports.numbers import percent
from training.history import best_row

PIXELS_PER_INCH = 192  # two pixels for each of CSS's 96, so that text stays sharp on dense screens
LAYOUT = {"dpi": PIXELS_PER_INCH, "layout": "constrained"}

_Theme = namedtuple("_Theme", ("background", "text", "faint", "train", "right", "wrong"))
LIGHT = _Theme("#ffffff", "#1f2328", "#d5dae1", "#7d8896", "#0b63ce", "#d9530b")
_DARK = _Theme("#161b22", "#e6edf3", "#39424e", "#98a3b2", "#4ea1ff", "#ff8a4c")


def plot_curves(history: Sequence[Mapping], best_epoch: int | None = None, dark=False, stacked=False) -> bytes:
    """Draws loss and accuracy of train and validation over the epochs, with the best epoch marked, as a PNG; and a
    line where all of the model begins to learn, after its head.

    `history` has a mapping an epoch, with the columns of history.csv; what is None or not finite is a gap. Without
    `best_epoch` the one of `history.best_row` is marked; `stacked` is for narrow screens. No epoch is a ValueError.
    """
    if not history:
        raise ValueError("history has 0 epochs: draw it after the first one")
    theme = _DARK if dark else LIGHT
    best_epoch = best_row(history)["epoch"] if best_epoch is None else best_epoch
    figure = Figure((4.2, 5.8) if stacked else (10.6, 3.7), **LAYOUT, facecolor=theme.background)
    panels = figure.subplots(2, 1) if stacked else figure.subplots(1, 2)
    for axes, column in zip(panels, ("loss", "accuracy"), strict=True):
        _plot_column(axes, history, column, theme)
        if (first := first_of_all(history)) is not None:
            axes.axvline(first - 0.5, label=f"all learns from epoch {first}", color=theme.train, linewidth=1.0)
        axes.axvline(best_epoch, label=f"best: epoch {best_epoch:g}", color=theme.wrong, linewidth=1.2, linestyle=":")
        _style_panel(axes, column, theme)
    return png_of(figure)


def first_of_all(history: Sequence[Mapping]) -> int | None:
    """The epoch in which all of the model begins to learn, where its head learnt alone before; else None."""
    phases = [row.get("phase") for row in history]
    return history[phases.index("all")]["epoch"] if "head" in phases and "all" in phases else None


def plot_confusion(confusion: np.ndarray, class_names: Sequence[str], dark: bool = False, title: str = "") -> bytes:
    """Draws a confusion matrix as a PNG: right in blue, wrong in orange, stronger with the share of the row.

    Up to 60 classes have their counts written, up to 100 their names. `confusion` are [classes, classes] counts, row =
    true class; a name that the font cannot write becomes "class 7". Raises ValueError where the shapes do not agree.
    """
    confusion, classes = np.asarray(confusion), len(class_names)
    if confusion.shape != (classes, classes):
        raise ValueError(f"confusion is {confusion.shape}: {classes} class names need {classes, classes}")
    theme = _DARK if dark else LIGHT
    labels = [fitted(name, 24) for name in class_names]
    labels = [f"class {number}" if "\ufffd" in label else label for number, label in enumerate(labels)]
    side = float(np.clip(1.15 * classes, 2.3, max(6.5, min(0.25 * classes, 14.0))))
    longest = 0.08 * max(map(len, labels))  # inches
    upright = longest > side / classes
    inches = (side + 0.6 + longest, side + 0.5 + (longest if upright else 0.2))
    figure = Figure(inches, **LAYOUT, facecolor=theme.background)
    axes = figure.subplots()
    cells = _cell_colors(confusion, theme)
    axes.imshow(cells, interpolation="nearest")
    _label_classes(axes, labels, upright, theme)
    if title:
        figure.suptitle(fitted(title, int(inches[0] / 0.09)), color=theme.text, fontsize=9)
    if classes <= 60:
        _write_counts(axes, confusion, cells, 72 * side / classes)
    return png_of(figure)


def displayable(images: np.ndarray) -> np.ndarray:
    """Turns any pictures of the pipeline into ones that a screen shows.

    Args:
      images: [n, height, width, channels] with 1 or 3 channels. uint8 stays. Floats in [0, 1] are scaled, what
        lies outside is cut, NaN is black. uint16, mostly depth in a fraction of its range, is stretched from the
        least value to the 99.5th percentile of all the pictures together, so that they stay comparable.

    Returns:
      [n, height, width, 3] uint8.

    Raises:
      ValueError: another shape or type.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images has shape {images.shape}: give [n, height, width, channels], 1 or 3 channels")
    if images.dtype == np.uint16 and images.size:
        low, high = float(images.min()), float(np.percentile(images, 99.5))
        images = (images - low) / max(high - low, 1.0)
    if np.issubdtype(images.dtype, np.floating):
        images = np.round(np.clip(np.nan_to_num(images), 0.0, 1.0) * 255.0).astype(np.uint8)
    if images.dtype != np.uint8:
        raise ValueError(f"images is {images.dtype}: give uint8, uint16, or floats in [0, 1]")
    return np.broadcast_to(images, (*images.shape[:3], 3))


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """The contrast ratio of two colors, [3] sRGB in [0, 1], as WCAG 2 defines it: from 1 to 21; text needs 4.5."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def readable_on(ground: Sequence[float]) -> str:
    """Black or white, whichever stands out more: one of them has a contrast of 4.5 on any color."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(to_rgb(ink), ground))


def data_uri(picture: bytes, kind: str = "png") -> str:
    """A PNG or JPEG file's bytes as a `data:` address, for a page that needs no other file."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode("ascii")


def png_pixels(png: bytes) -> np.ndarray:
    """The pixels of a PNG file's bytes, [height, width, 3] uint8, for a TensorBoard image summary."""
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGB"))


def _plot_column(axes: Axes, history: Sequence[Mapping], column: str, theme: _Theme) -> None:
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(history) <= 3 else None  # a line through a single epoch would be invisible
    series = (("train", column, theme.train, "--"), ("validation", "validation_" + column, theme.right, "-"))
    for split, name, color, dash in series:
        values = np.array([row[name] for row in history], float)  # None becomes NaN, and what is not finite a gap
        if not np.all(np.isnan(values)):
            axes.plot(epochs, values, dash, color=color, label=split, linewidth=1.8, marker=marker)


def _style_panel(axes: Axes, column: str, theme: _Theme) -> None:
    axes.set_title(column, loc="left", color=theme.text, family=FONT, size=11, weight="bold")
    axes.set_xlabel("epoch", color=theme.text, family=FONT, size=9)
    axes.set_facecolor(theme.background)
    axes.grid(color=theme.faint, linewidth=0.6, axis="y")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(theme.faint)
    axes.tick_params(colors=theme.text, labelsize=9, labelfontfamily=FONT, length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if column == "accuracy":
        low, high = axes.get_ylim()
        margin = max(0.0, 0.05 - (high - low)) / 2  # never less than five points high: half a point is no mountain
        axes.set_ylim(low - margin, high + margin)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))
    axes.legend(prop={"family": FONT, "size": 9}, frameon=False, labelcolor=theme.text)


def _cell_colors(confusion: np.ndarray, theme: _Theme) -> np.ndarray:
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(len(confusion), dtype=bool)
    # Mistakes are rare, and rare ones are what one looks for: the root lifts 2% of a row to a visible 14%.
    strength = np.where(diagonal, share, np.sqrt(share))[..., None]
    hue = np.where(diagonal[..., None], to_rgb(theme.right), to_rgb(theme.wrong))
    return (1 - strength) * np.array(to_rgb(theme.background)) + strength * hue


def _luminance(color: Sequence[float]) -> float:
    channels = np.asarray(color, float)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _label_classes(axes: Axes, labels: Sequence[str], upright: bool, theme: _Theme) -> None:
    classes = len(labels)
    axes.set_xlabel("predicted class", color=theme.text, family=FONT, size=10)
    axes.set_ylabel("true class", color=theme.text, family=FONT, size=10)
    axes.spines[:].set_color(theme.faint)
    shown = labels if classes <= 100 else []
    style = {"family": FONT, "size": 9 if classes <= 25 else 7, "color": theme.text, "parse_math": False}
    axes.set_xticks(range(len(shown)), shown, rotation=90 if upright else 0, **style)
    axes.set_yticks(range(len(shown)), shown, **style)
    if classes <= 60:
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=theme.faint, linewidth=0.5)
    axes.tick_params(which="both", length=0)


def _write_counts(axes: Axes, confusion: np.ndarray, cells: np.ndarray, cell_points: float) -> None:
    support, few = confusion.sum(axis=1), len(confusion) <= 10
    digits = len(f"{confusion.max(initial=0):,}")
    size = float(np.clip(cell_points / max(3.0, 0.85 * digits), 3.0, 10.0))
    for row, column in np.argwhere(confusion):
        count = int(confusion[row, column])
        text = f"{count:,}\n{percent(count / support[row], 0)}" if few else f"{count:,}"
        color = readable_on(cells[row, column])
        axes.text(column, row, text, family=FONT, size=size, color=color, ha="center", va="center")


def fitted(text: str, letters: int) -> str:
    """`text` in at most so many letters that the plots' font has; of a longer one both ends."""
    text, half = drawable(text), max(1, (letters - 1) // 2)
    return text if len(text) <= letters else f"{text[:half]}…{text[-half:]}"  # names differ at either end


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes."""
    file = io.BytesIO()
    # Not `savefig`, which draws everything a second time. No Software entry: it would put matplotlib's web address and
    # version into every picture.
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()
