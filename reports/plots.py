"""The curves of a run, and pictures as screens show them."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from PIL import Image

from reports.theme import PERCENT, Theme, new_panel, style_panel
from training.history import best_row

# What is drawn of a history: title with its unit, column of history.csv, and whether the axis is logarithmic.
PANELS = {"loss": ("loss in nats", "loss", False), "accuracy": ("accuracy", "accuracy", False),
          "loss_log": ("loss in nats, logarithmic", "loss", True),
          "learning_rate": ("learning rate", "learning_rate", False)}  # fmt: skip


def plot_history(history: Sequence[Mapping], panel: str, best_epoch: int | None = None) -> Figure:
    """Draws one of `PANELS` over the epochs, of train and validation, with the best epoch marked; and a line where all
    of the model begins to learn, after its head.

    `history` has a mapping an epoch, with the columns of history.csv; what is None or not finite is a gap. Without
    `best_epoch` the one of `history.best_row` is marked. No epoch is a ValueError.
    """
    if not history:
        raise ValueError("history has 0 epochs: draw it after the first one")
    best_epoch = best_row(history)["epoch"] if best_epoch is None else best_epoch
    figure, axes, theme = new_panel()
    title, column, is_logarithmic = PANELS[panel]
    _plot_column(axes, history, column, theme)
    if (first := first_of_all(history)) is not None:
        axes.axvline(first - 0.5, label=f"all learns from epoch {first}", color=theme.train, linewidth=1.0)
    axes.axvline(best_epoch, label=f"best: epoch {best_epoch:g}", color=theme.wrong, linewidth=1.2, linestyle=":")
    style_panel(axes, theme, title, "epoch")
    _scale(axes, column, is_logarithmic)
    return figure


def first_of_all(history: Sequence[Mapping]) -> int | None:
    """The epoch in which all of the model begins to learn, where its head learnt alone before; else None."""
    phases = [row.get("phase") for row in history]
    return history[phases.index("all")]["epoch"] if "head" in phases and "all" in phases else None


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


def data_uri(picture: bytes, kind: str = "png") -> str:
    """A PNG, JPEG or SVG file's bytes as a `data:` address, for a page that needs no other file."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode("ascii")


def png_pixels(png: bytes) -> np.ndarray:
    """The pixels of a PNG file's bytes, [height, width, 3] uint8, for a TensorBoard image summary."""
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGB"))


def _plot_column(axes: Axes, history: Sequence[Mapping], column: str, theme: Theme) -> None:
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(history) <= 3 else None  # a line through a single epoch would be invisible
    series = (("train", column, theme.train, "--"), ("validation", "validation_" + column, theme.right, "-"))
    if column == "learning_rate":  # which is neither's
        series = ((None, column, theme.right, "-"),)
    for split, name, color, dash in series:
        values = np.array([row.get(name) for row in history], float)  # None becomes NaN, and what is not finite a gap
        if not np.all(np.isnan(values)):
            axes.plot(epochs, values, dash, color=color, label=split, linewidth=1.8, marker=marker)


def _scale(axes: Axes, column: str, is_logarithmic: bool) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if column == "accuracy":
        low, high = axes.get_ylim()
        margin = max(0.0, 0.05 - (high - low)) / 2  # never less than five points high: half a point is no mountain
        axes.set_ylim(low - margin, high + margin)
        axes.yaxis.set_major_formatter(PERCENT)
    if column == "learning_rate":
        axes.set_ylim(bottom=0.0)  # else a rate that stays fills the panel
    if is_logarithmic:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 5 * low else MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axes.yaxis.set_minor_locator(NullLocator())
