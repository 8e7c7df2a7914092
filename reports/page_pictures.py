"""Pictures as a page holds them: within itself, in a light and a dark variant, small."""

import io
from collections.abc import Callable

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from reports.contact_sheet import Sheet, small
from reports.plots import data_uri
from reports.svg import svg_of, to_dark
from reports.theme import PIXELS_PER_INCH

PNG_MAX_SIDE = 96  # pixels; larger pictures are photographs, which JPEG keeps in a tenth of the bytes


def themed(draw: Callable[[bool], bytes]) -> dict:
    """A picture of cells in both themes; `draw` makes a PNG, a dark one where it is given true."""
    return {"light": _plot(draw(False)), "dark": _plot(draw(True))}


def themed_svg(figure: Figure) -> dict:
    """A plot that is drawn in the light theme, in both."""
    svg = svg_of(figure)
    css_width, css_height = (round(96 * inches) for inches in figure.get_size_inches())
    size = {"width": css_width, "height": css_height, "css_width": css_width}
    return {name: {"uri": Markup(data_uri(one.encode(), "svg+xml"))} | size
            for name, one in (("light", svg), ("dark", to_dark(svg)))}  # fmt: skip


def photo(pixels: np.ndarray) -> dict:
    """A picture, [height, width, channels] uint8, in a size for screens."""
    image = Image.fromarray(small(pixels))
    is_small = max(image.size) <= PNG_MAX_SIDE
    settings = {"format": "png"} if is_small else {"format": "jpeg", "quality": 90, "subsampling": 0}
    image.save(file := io.BytesIO(), **settings)
    uri = Markup(data_uri(file.getvalue(), settings["format"]))
    return {"uri": uri, "width": image.width, "height": image.height, "small": is_small}


def shown_sheet(sheet: Sheet) -> dict:
    """A sheet with its pictures as the page has them."""
    bands = [(band, [(tile, photo(tile.image)) for tile in band.tiles]) for band in sheet.bands]
    return {"bands": bands, "note": sheet.note}


def _plot(png: bytes) -> dict:
    width, height = Image.open(io.BytesIO(png)).size  # of its header alone
    css_width = round(width * 96 / PIXELS_PER_INCH)
    return {"uri": Markup(data_uri(png)), "width": width, "height": height, "css_width": css_width}
