"""Where a model looked: pictures beside themselves in gray, with a map of what spoke for the answer in color."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps

from pipeline.decoding.pixel_format import LUMA
from reports.contact_sheet import MIN_SIDE, Band, Sheet, Tile, small
from reports.numbers import percent
from reports.page_pictures import photo
from reports.shown_answer import ShownAnswer
from reports.templates import Section

_STRENGTH = 0.55  # of the map's color over the gray picture


@dataclasses.dataclass(frozen=True, slots=True)
class Looked(ShownAnswer):
    """What spoke for an answer; its `image` has 3 channels."""

    map: np.ndarray  # [height, width] float, in [0, 1]


def overlaid(image: np.ndarray, map: np.ndarray) -> np.ndarray:
    """An `image`, [height, width, 3] uint8, in gray, under the colors of `map`, [height, width] in [0, 1]; uint8.

    The colors are matplotlib's viridis, dark violet for 0 and yellow for 1, whose lightness grows evenly: who sees no
    red or no green, or no color, reads the same map.
    """
    colors = np.array(colormaps["viridis"].colors)[np.round(255 * map).astype(int)]
    gray = (image @ np.array(LUMA) / 255)[..., None]
    return np.round(255 * ((1 - _STRENGTH) * gray + _STRENGTH * colors)).astype(np.uint8)


def attention_section(mistakes: Sequence[Looked], right: Sequence[Looked], place: str) -> Section:
    """Of a page; `place` says which layer of the model was looked at."""
    groups = [("Worst mistakes", mistakes), ("Right answers", right)]
    shown = [
        (title, [(one, photo(one.image), photo(overlaid(one.image, one.map))) for one in looked])
        for title, looked in groups if looked
    ]  # fmt: skip
    return Section("attention", "Where it looked", "attention.html", {"groups": shown, "place": place})


def attention_sheet(mistakes: Sequence[Looked], right: Sequence[Looked]) -> Sheet:
    """The same as a sheet: a picture and its map a tile."""
    bands = [Band([_tile(one) for one in looked], title)
             for title, looked in (("Mistakes", mistakes), ("Right answers", right)) if looked]  # fmt: skip
    return Sheet(bands)


def _tile(one: Looked) -> Tile:
    larger = math.ceil(MIN_SIDE / max(one.image.shape[:2]))  # each of the pair by itself as large as any tile
    pair = np.hstack([small(one.image), small(overlaid(one.image, one.map))])
    return Tile(pair.repeat(larger, axis=0).repeat(larger, axis=1), f"{percent(one.probability)} {one.words}", one.path)
