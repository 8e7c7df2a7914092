"""A sheet shows every picture pixel for pixel, begins a band on a new row, and writes captions that can be read."""

import numpy as np
import pytest

from reports import contact_sheet
from reports.contact_sheet import COLUMNS, GAP, MAX_SIDE, Band, Sheet, Tile, draw_pages, draw_sheet, small
from reports.plots import png_pixels


def tiles_of(count: int, side: int, **words) -> list[Tile]:
    images = np.random.default_rng(side).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return [Tile(image, **words) for image in images]


def places_of(tile: Tile, sheet: np.ndarray) -> list[tuple[int, int]]:
    """(column, top) where a tile stands, whole and enlarged by a whole factor."""
    scale = max(1, -(-128 // tile.image.shape[1]))
    enlarged = tile.image.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = enlarged.shape[:2]
    places = []
    for column in range(COLUMNS):
        left = GAP + column * (width + GAP)
        strip = sheet[:, left : left + width]
        places += [(column, top) for top in range(sheet.shape[0] - height + 1)
                   if np.array_equal(strip[top], enlarged[0]) and np.array_equal(strip[top : top + height], enlarged)
                   ]  # fmt: skip
    return places


@pytest.mark.parametrize(
    ("side", "words"), [(32, {"name": "a"}), (100, {"name": "a", "path": "b"}), (131, {}), (160, {})]
)
def test_every_pixel_is_shown(side, words):
    tiles = tiles_of(5, side, **words)
    sheet = png_pixels(draw_sheet(Sheet([Band(tiles)])))
    places = [places_of(tile, sheet) for tile in tiles]
    assert all(len(place) == 1 for place in places)
    assert [place[0][0] for place in places] == [0, 1, 2, 3, 0]


def test_every_band_begins_a_row():
    tiles = tiles_of(8, 20)
    bands = [Band(tiles[:2], "a"), Band(tiles[2:7], "b"), Band(tiles[7:])]
    sheet = png_pixels(draw_sheet(Sheet(bands, "2 of 9 classes")))
    tops = []
    for band in bands:
        places = [places_of(tile, sheet)[0] for tile in band.tiles]
        assert [column for column, _ in places] == [number % COLUMNS for number in range(len(places))]
        tops.append({top for _, top in places})
    assert [len(rows) for rows in tops] == [1, 2, 1]
    assert max(tops[0]) < min(tops[1])
    assert max(tops[1]) < min(tops[2])


def test_pages_hold_two_rows_and_all_tiles_in_order():
    tiles = tiles_of(30, 20)
    bands = [Band(tiles[:9], "nine"), Band(tiles[9:11], "two"), Band(tiles[11:30])]
    pages = draw_pages(Sheet(bands, "3 of 9 classes"))
    found = []
    for number, page in enumerate(pages):
        for place, tile in enumerate(tiles):
            found += [(number, top, column, place) for column, top in places_of(tile, page)]
    assert [place for *_, place in sorted(found)] == list(range(30))
    assert [len({top for number, top, *_ in found if number == page}) for page in range(len(pages))] == [2, 2, 2, 2, 1]


def test_a_page_fills_the_place_that_tensorboard_gives_it():
    """Which is about as high as it is wide: a tower would become a thread."""
    for side in (16, 100, 224):
        bands = [Band(tiles_of(8, side, name="cats", path="train/cats/IMG.jpg"), f"class_{n}") for n in range(12)]
        _, height, width, _ = draw_pages(Sheet(bands)).shape
        assert height <= 1.1 * width


@pytest.fixture
def written(monkeypatch):
    """The lines that are written, with their widths in pixels."""
    lines, draw = [], contact_sheet.ImageDraw.ImageDraw.text

    def text(self, place, line, color, font):
        lines.append((line, font.getlength(line)))
        draw(self, place, line, color, font)

    monkeypatch.setattr(contact_sheet.ImageDraw.ImageDraw, "text", text)
    return lines


@pytest.mark.parametrize("name", ["cats", "real_sense_woman", "HOUSE CAT", "x" * 45, "a-b.c/d e_f" * 3])
def test_names_are_wrapped_and_whole(name, written):
    draw_sheet(Sheet([Band(tiles_of(1, 128, name=name))]))
    assert "".join(line for line, _ in written) == name
    assert all(width <= 128 for _, width in written)


def test_what_is_too_long_keeps_the_start_of_a_name_and_the_end_of_a_path(written):
    name, path = "first" + "n" * 300 + "last", "folder/" + "p" * 300 + "/IMG_2034.jpg"
    draw_sheet(Sheet([Band(tiles_of(1, 128, name=name, path=path))]))
    text = "".join(line for line, _ in written)
    shown_name, shown_path = text.split("……")
    assert name.startswith(shown_name)
    assert len(shown_name) > 20
    assert path.endswith(shown_path)
    assert shown_path.endswith("/IMG_2034.jpg")
    assert all(width <= 128 for _, width in written)


@pytest.mark.parametrize("side", [16, 96, 100, 112, 224])
def test_a_caption_can_be_read_where_tensorboard_shows_it(side, monkeypatch):
    """Some 350 pixels wide: there letters of 9 pixels are the least."""
    sizes, draw = set(), contact_sheet.ImageDraw.ImageDraw.text

    def text(self, place, line, color, font):
        sizes.add(font.size)
        draw(self, place, line, color, font)

    monkeypatch.setattr(contact_sheet.ImageDraw.ImageDraw, "text", text)
    width = draw_pages(Sheet([Band(tiles_of(8, side, name="cats", path="1.jpg"), "cats")], "2 of 9 classes")).shape[2]
    assert min(sizes) * 350 / width >= 9


def test_a_name_without_letters_of_the_font_is_told_by_its_fallback(written):
    draw_sheet(Sheet([Band(tiles_of(1, 128), "猫", "猫/1.jpg", "class 3")]))
    assert [line for line, _ in written] == ["class 3", "\ufffd/1.jpg"]


@pytest.mark.parametrize("name", ["$x^{$", "猫", "a\nb", "\udcff", "<b>&", "n" * 300, "", "\u202egnp", " ", "W" * 40])
def test_names_can_be_anything(name):
    draw_sheet(Sheet([Band(tiles_of(1, 32, name=name, path=name), name, name)], name))


def test_large_pictures_are_reduced_and_small_ones_are_left():
    image = np.random.default_rng(1).integers(0, 256, (500, 300, 3), np.uint8)
    assert small(image).shape == (MAX_SIDE, round(MAX_SIDE * 300 / 500), 3)
    assert abs(small(image).mean() - image.mean()) < 1
    np.testing.assert_array_equal(small(image[:MAX_SIDE, :MAX_SIDE]), image[:MAX_SIDE, :MAX_SIDE])


@pytest.mark.parametrize("tiles", [[], [*tiles_of(1, 8), *tiles_of(1, 9)]])
def test_no_tile_and_several_sizes_are_refused(tiles):
    with pytest.raises(ValueError, match="give some, and of one size"):
        draw_sheet(Sheet([Band(tiles)]))
