"""Both themes can be read, and a PNG keeps their colors as they are in few bytes."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from reports import theme
from reports.theme import DARK, LIGHT, contrast, new_panel, png_of, style_panel


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_text_and_lines_stand_out(colors):
    """By WCAG 2: text 4.5, what is drawn 3."""
    assert contrast(to_rgb(colors.text), to_rgb(colors.background)) >= 4.5
    for line in (colors.train, colors.right, colors.wrong):
        assert contrast(to_rgb(line), to_rgb(colors.background)) >= 3.0


@pytest.mark.parametrize("dark", [False, True])
def test_a_png_has_the_themes_own_colors(dark):
    figure, axes, colors = new_panel(DARK if dark else LIGHT)
    axes.bar([1, 2], [3, 4], color=[colors.right, colors.wrong])
    style_panel(axes, colors, "title", "x", "y")
    image = Image.open(io.BytesIO(png_of(figure)))
    assert image.mode == "P"
    found = {color for _, color in image.convert("RGB").getcolors()}
    assert len(found) <= 256
    for color in (colors.background, colors.text, colors.right, colors.wrong):
        assert tuple(round(255 * channel) for channel in to_rgb(color)) in found


def test_each_pixel_has_the_nearest_of_the_colors_that_are_there_most():
    generator = np.random.default_rng(0)
    pixels = np.concatenate([np.repeat(generator.integers(0, 256, (256, 3)), 3, axis=0),
                             generator.integers(0, 256, (500, 3))]).astype(np.uint8)  # fmt: skip
    palette, places = theme._few_colors(pixels)
    assert len(palette) == 256
    assert (palette[places[: 3 * 256]] == pixels[: 3 * 256]).all()
    distances = ((pixels[:, None].astype(int) - palette[None].astype(int)) ** 2).sum(axis=2)
    assert (distances[np.arange(len(pixels)), places] == distances.min(axis=1)).all()
