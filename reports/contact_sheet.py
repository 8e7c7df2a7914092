"""Contact sheets: pictures in rows above their captions, for the page piece by piece, for TensorBoard as one PNG.

A sheet needs Pillow alone: matplotlib took a second a sheet, twice, before the first step.
"""

import dataclasses
import functools
import io
import math
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageColor, ImageDraw, ImageFont

from reports.letters import FONT, drawable

# TensorBoard shows a picture some 350 pixels wide and high: more columns or rows than these would make captions dust.
COLUMNS = 4
PAGE_ROWS = 2
MIN_SIDE, MAX_SIDE = 128, 224  # pixels; smaller pictures are enlarged by a whole factor, larger ones reduced
GAP = 12  # pixels
NAME_LINES, PATH_LINES = 4, 3
_GROUND, _TEXT, _SOFT = "#161b22", "#e6edf3", "#a3adb8"


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A picture, [height, width, 3] uint8, and what stands below it.

    `path` is the user's: bytes that are no UTF-8 are surrogate escapes; `fallback` is drawn where the font has not the
    letters of the name.
    """

    image: np.ndarray
    name: str = ""
    path: str = ""
    fallback: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Band:
    """Tiles that begin on a new row, below their title; none of it where they need none."""

    tiles: Sequence[Tile]
    name: str = ""
    path: str = ""
    fallback: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """Bands, and a note on what they do not show; tiles are all of one size."""

    bands: Sequence[Band]
    note: str = ""


def small(image: np.ndarray) -> np.ndarray:
    """An image of at most MAX_SIDE pixels a side: it, or [height, width, 3] uint8 reduced by averaging."""
    if max(image.shape[:2]) <= MAX_SIDE:
        return image
    reduced = Image.fromarray(image)
    reduced.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return np.asarray(reduced)


def draw_pages(sheet: Sheet) -> np.ndarray:
    """A sheet cut into pages of PAGE_ROWS rows, uint8 [pages, height, width, 3]; a band that goes on is named again."""
    pages = [np.asarray(_draw(page)) for page in _pages_of(sheet)]
    height, width = (max(page.shape[axis] for page in pages) for axis in (0, 1))
    padded = np.empty((len(pages), height, width, 3), np.uint8)
    padded[:] = ImageColor.getrgb(_GROUND)
    for whole, page in zip(padded, pages, strict=True):
        whole[: page.shape[0], : page.shape[1]] = page
    return padded


def draw_sheet(sheet: Sheet) -> bytes:
    """A sheet as a PNG, on a dark ground: each picture pixel for pixel, or each pixel a square, and its caption in
    lines as wide as the picture. Of a name that is too long the start is kept, of a path the end.

    Raises ValueError where there is no tile, or tiles are of several sizes.
    """
    file = io.BytesIO()
    _draw(sheet).save(file, format="png")
    return file.getvalue()


def _pages_of(sheet: Sheet) -> list[Sheet]:
    pages, rows = [[]], 0
    for band in sheet.bands:
        for first in range(0, len(band.tiles), COLUMNS):
            if rows == PAGE_ROWS:
                pages.append([])
                rows = 0
            tiles = band.tiles[first : first + COLUMNS]
            if first and pages[-1]:
                tiles = [*pages[-1].pop().tiles, *tiles]
            pages[-1].append(dataclasses.replace(band, tiles=tiles))
            rows += 1
    return [Sheet(bands, sheet.note) for bands in pages]


def _draw(sheet: Sheet) -> Image.Image:
    sizes = {tile.image.shape for band in sheet.bands for tile in band.tiles}
    if len(sizes) != 1:
        raise ValueError(f"tiles of {len(sizes)} sizes {sorted(sizes)}: give some, and of one size")
    ((height, width, _),) = sizes
    scale = math.ceil(MIN_SIDE / max(height, width))
    columns = min(COLUMNS, max(len(band.tiles) for band in sheet.bands))
    tile_width = width * scale
    letters = max(14, tile_width // 8)  # pixels; in proportion, as a wide sheet is shrunk to the reader's screen
    writer = _Writer(letters)
    whole = columns * (tile_width + GAP) - GAP
    blocks = [writer.text(sheet.note, "", "", whole)] if sheet.note else []
    for band in sheet.bands:
        if band.name or band.path:
            blocks.append(writer.text(band.name, band.path, band.fallback, whole))
        for first in range(0, len(band.tiles), columns):
            blocks.append(_row(band.tiles[first : first + columns], scale, writer, whole))
    return _stacked(blocks, whole)


def _row(tiles: Sequence[Tile], scale: int, writer: "_Writer", whole: int) -> Image.Image:
    height, width = (side * scale for side in tiles[0].image.shape[:2])
    captions = [writer.text(tile.name, tile.path, tile.fallback, width) for tile in tiles]
    row = Image.new("RGB", (whole, height + max(caption.height for caption in captions)), _GROUND)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, pixels = number * (width + GAP), tile.image.repeat(scale, axis=0).repeat(scale, axis=1)
        row.paste(Image.fromarray(pixels), (left, 0))
        row.paste(caption, (left, height))
    return row


def _stacked(blocks: Sequence[Image.Image], whole: int) -> Image.Image:
    sheet = Image.new("RGB", (whole + 2 * GAP, sum(block.height + GAP for block in blocks) + GAP), _GROUND)
    top = GAP
    for block in blocks:
        sheet.paste(block, (GAP, top))
        top += block.height + GAP
    return sheet


class _Writer:
    """Writes captions in letters of one size."""

    def __init__(self, letters: int):
        self._letters = letters
        self._font = ImageFont.truetype(font_manager.findfont(FONT), letters)
        # Thousands of captions are made of the same few letters.
        self._width = functools.cache(self._font.getlength)

    def text(self, name: str, path: str, fallback: str, width: int) -> Image.Image:
        """A name and a path below it, `width` pixels wide and as high as their lines."""
        name, path = drawable(name), drawable(path)
        if "\ufffd" in name and fallback:
            name = fallback
        named = self._lines(name, width, NAME_LINES, "start")
        lines = [(line, _TEXT) for line in named] + [
            (line, _SOFT) for line in self._lines(path, width, PATH_LINES, "end")
        ]
        step = round(1.3 * self._letters)
        block = Image.new("RGB", (width, step * len(lines) + (self._letters // 2 if lines else 0)), _GROUND)
        draw = ImageDraw.Draw(block)
        for number, (line, color) in enumerate(lines):
            draw.text((0, number * step + 0.3 * self._letters), line, color, self._font)
        return block

    def _lines(self, text: str, width: int, most: int, keep: Literal["start", "end"]) -> list[str]:
        lines = self._wrapped(text, width)
        while len(lines) > most:
            kept = "".join(lines[:most]) if keep == "start" else "".join(lines[-most:])
            text = f"{kept[:-2]}…" if keep == "start" else f"…{kept[2:]}"
            lines = self._wrapped(text, width)
        return lines

    def _wrapped(self, text: str, width: int) -> list[str]:
        """Lines that fit into `width` pixels; broken after a separator where there is one, else anywhere."""
        lines = [""]
        for part in re.findall(r"[^\s/_.,-]*[\s/_.,-]*", text):
            if lines[-1] and self._width(lines[-1] + part.rstrip()) > width:
                lines.append("")
            for letter in part:
                if self._width(lines[-1] + letter) > width and not letter.isspace():
                    lines.append("")
                lines[-1] += letter
        return [line for line in lines if line.strip()]
