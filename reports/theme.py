"""What all plots have in common: two themes that the color-blind can read, panels, and how a figure becomes a PNG.

They are drawn with matplotlib's objects, for which PNG means the Agg canvas. pyplot is never imported: it keeps every
figure of the process alive, looks for a screen, and would mix our figures with those of a user's notebook.
"""

import io
from collections import namedtuple
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image

from reports.letters import FONT, drawable

PIXELS_PER_INCH = 192  # two pixels for each of CSS's 96, so that text stays sharp on dense screens
LAYOUT = {"dpi": PIXELS_PER_INCH, "layout": "constrained"}
PANEL_INCHES = (4.2, 3.3)  # a page has two side by side, or one on a narrow screen, where it can still be read
# Margins that all panels' ticks fit into: to find each panel its own takes as long as to draw it.
_PANEL_MARGINS = {"left": 0.19, "right": 0.95, "bottom": 0.145, "top": 0.91}
PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.4g}%")

# Blue and orange, which all who do not see all colors tell apart; lines differ by their dashes too.
Theme = namedtuple("Theme", ("background", "text", "faint", "train", "right", "wrong"))
LIGHT = Theme("#ffffff", "#1f2328", "#d5dae1", "#7d8896", "#0b63ce", "#d9530b")
DARK = Theme("#161b22", "#e6edf3", "#39424e", "#98a3b2", "#4ea1ff", "#ff8a4c")


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """The contrast ratio of two colors, [3] sRGB in [0, 1], as WCAG 2 defines it: from 1 to 21; text needs 4.5."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def readable_on(ground: Sequence[float]) -> str:
    """Black or white, whichever stands out more: one of them has a contrast of 4.5 on any color."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(to_rgb(ink), ground))


def new_panel(theme: Theme = LIGHT, heights: Sequence[float] = (1,)) -> tuple[Figure, Axes | np.ndarray, Theme]:
    """A figure of one panel, or of some above each other; `style_panel` comes last."""
    figure = Figure(PANEL_INCHES, dpi=PIXELS_PER_INCH, facecolor=theme.background)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, gridspec_kw=_PANEL_MARGINS)
    return figure, axes, theme


def style_panel(axes: Axes, theme: Theme, title: str, x: str, y: str = "") -> None:
    """Title, names of the axes with their units, a faint grid, and a legend of what has a label."""
    axes.set_title(title, loc="left", color=theme.text, family=FONT, size=11, weight="bold")
    axes.set_xlabel(x, color=theme.text, family=FONT, size=9)
    axes.set_ylabel(y, color=theme.text, family=FONT, size=9)
    axes.set_facecolor(theme.background)
    axes.grid(color=theme.faint, linewidth=0.6, axis="y")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(theme.faint)
    axes.tick_params(which="both", colors=theme.text, labelsize=9, labelfontfamily=FONT, length=0)
    if axes.get_legend_handles_labels()[1]:
        legend = axes.legend(prop={"family": FONT, "size": 9}, frameon=False, labelcolor=theme.text)
        for text in legend.get_texts():
            text.set_parse_math(False)  # a class may be called $x^{$


def fitted(text: str, letters: int) -> str:
    """`text` in at most so many letters that the plots' font has; of a longer one both ends."""
    text, half = drawable(text), max(1, (letters - 1) // 2)
    return text if len(text) <= letters else f"{text[:half]}…{text[-half:]}"  # names differ at either end


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes, of the 256 colors that it has most of: a third of the bytes of all of them."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # not `savefig`, which draws everything a second time
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    palette, places = _few_colors(pixels.reshape(-1, 3))
    image = Image.fromarray(places.reshape(pixels.shape[:2]))
    image.putpalette(palette.ravel().tolist())
    image.save(file := io.BytesIO(), "png", optimize=True)
    return file.getvalue()


def _few_colors(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [at most 256, 3], uint8 [pixels]): the colors that are there most, and the nearest one to each pixel.

    Pillow's own takes colors together that are nearly alike, and white is white no more.
    """
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    colors, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    channels = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1)
    palette = channels[np.argsort(-counts, kind="stable")[:256]]
    # The nearest by |a|^2 - 2ab, of which |b|^2, that of the color itself, takes nothing away.
    nearest = (np.sum(palette**2, axis=1) - 2 * channels.astype(np.float32) @ palette.T).argmin(axis=1)
    return palette.astype(np.uint8), nearest.astype(np.uint8)[places]


def _luminance(color: Sequence[float]) -> float:
    channels = np.asarray(color, float)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
