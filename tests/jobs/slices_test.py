"""Slices of a run's test split, of files, and of a table's columns; what is said of the worst one."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from base.errors import UserError
from base.watch import SILENT
from evaluation.appearance import brightness_and_sharpness
from evaluation.picture_columns import COPIED, ONLY_ONE
from evaluation.slices import TOO_FEW, WORSE, Column, find_slices
from jobs.answered import Answered
from jobs.slices import appearance_of_files, columns_of, slice_rows, slice_words, slices_of_run
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.sources.splits import Splits
from tests.conftest import random_picture, write_picture
from tests.helpers.watches import Recording


@pytest.fixture
def data(tmp_path, index_of) -> Data:
    """240 pictures of two classes, every second one of which tests; a third of the cats are dark; two are alike."""
    root = tmp_path / "pictures"
    for place, name in enumerate(("cats", "dogs")):
        for number in range(120):
            picture = random_picture(1000 * place + number, 12, 16)
            dark = name == "cats" and number % 3 == 0
            write_picture(root / name / f"{number:03d}.png", picture // 4 if dark else picture)
    (root / "dogs" / "001.png").write_bytes((root / "dogs" / "000.png").read_bytes())
    manifest, ids = index_of(root), np.arange(240)
    splits = Splits({"train": ids[1::2], "validation": ids[:0], "test": ids[::2]})
    return Data(manifest, splits, StreamedPixels(manifest, PixelFormat.square(16), 2), (), {})


def answered(data: Data, wrong) -> Answered:
    ids = data.splits.ids["test"]
    labels = data.manifest.labels[ids]
    answers = np.where(np.isin(ids, wrong), 1 - labels, labels)
    return Answered(ids, labels, np.eye(2, dtype=np.float32)[answers], answers)


def test_dark_pictures_that_are_wrong_are_found_in_a_run(data):
    is_dark = (np.arange(240) < 120) & (np.arange(240) % 3 == 0)
    slices = slices_of_run(data, answered(data, np.flatnonzero(is_dark)), SILENT)
    by_column = {one.column: [other for other in slices if other.column == one.column] for one in slices}
    dark, *others = by_column["brightness, 0 to 1"]
    assert dark.name.startswith("below ")
    assert dark.verdict == WORSE
    assert dark.right < 0.3 * dark.examples
    assert WORSE not in {one.verdict for one in others}
    assert all(sum(one.examples for one in own) == 120 for own in by_column.values())
    assert [(one.name, one.right, one.examples) for one in by_column["class"]] == [("cats", 40, 60), ("dogs", 60, 60)]
    # The copy of the one that tests trains.
    assert {one.name: one.examples for one in by_column["copies"]} == {ONLY_ONE: 119, COPIED: 1}
    assert [one.name for one in by_column["size"]] == ["192 pixels"]
    assert [one.name for one in by_column["format"]] == ["PNG"]
    assert {"file size", "width / height", "sharpness, variance of the Laplacian"} < set(by_column)


def test_they_do_not_depend_on_whether_there_is_a_pack(data):
    test = answered(data, np.arange(0, 240, 7))
    packed = PackedPixels(data.pixels.read(np.arange(240)), data.pixels.pixel_format)
    assert slices_of_run(dataclasses.replace(data, pixels=packed), test, SILENT) == slices_of_run(data, test, SILENT)


def test_an_empty_test_split_has_none_and_a_stop_is_heard(data):
    nothing = answered(data, []).rows(np.arange(0))
    assert slices_of_run(data, nothing, SILENT) == []
    asked = []
    slices_of_run(data, answered(data, []), Recording(lambda: asked.append(1)))
    assert len(asked) == 2  # a block of 64 each


def test_rows_have_every_figure_and_nothing_where_nothing_was_asked():
    is_right = np.concatenate([np.arange(100) < 30, np.arange(900) < 800, np.zeros(5, bool)])
    slices = find_slices(is_right, [Column("x", np.array(["a"] * 100 + ["b"] * 900 + ["c"] * 5, object))])
    first, _, last = slice_rows(slices)
    assert first[:5] == ("x", "a", 100, 30, "0.3000")
    assert first[5:9] == tuple(f"{end:.4f}" for end in (*slices[0].interval, *slices[0].corrected))
    assert first.verdict == WORSE
    assert last[2:] == (5, 0, "0.0000", "0.0000", f"{slices[2].interval[1]:.4f}", "", "", TOO_FEW)


def test_the_worst_is_said_with_its_interval_and_how_many_were_asked():
    is_right = np.concatenate([np.arange(100) < 30, np.arange(900) < 800])
    values = np.array(["a"] * 100 + ["b"] * 900, object)
    slices = find_slices(is_right, [Column("x", values)])
    low, high = slices[0].interval
    told = f"x: a: 0.3000 ({low:.4f} to {high:.4f}) of 100 examples"
    assert slice_words(slices) == f"1 of 2 is worse than the whole; the worst is {told}"
    even = find_slices(np.tile([True, False], 500), [Column("x", values)])
    assert slice_words(even).startswith("none of 2 is shown to be worse than the whole; the least accurate is x: ")
    assert slice_words(find_slices(is_right[:5], [Column("x", values[:5])])) == ""


def test_a_tables_columns_are_numbers_or_texts_that_repeat():
    ids = [f"id {number}" for number in range(60)]
    columns, notes = columns_of({"format": ["a", "b"] * 30, "depth": list(map(str, range(60))), "id": ids}, ["format"])
    assert [(one.name, one.values.dtype.kind) for one in columns] == [("format of the table", "O"), ("depth", "f")]
    (note,) = notes
    assert note.startswith("slices: column 'id' has 60 different texts, so it is left out: 50 are the most, as more ")
    with pytest.raises(UserError, match="--slices: column 'id' has 60 different texts: 50 are the most") as caught:
        columns_of({"id": ids}, [])
    assert "\n" not in str(caught.value)


def test_files_are_measured_as_the_model_is_given_them(tmp_path):
    class Predictor:
        full_scale = 200

        def decode(self, path):
            if path.endswith(b"bad"):
                return None, "it is broken"
            return np.asarray(Image.open(path)), ""

    paths = []
    for number in range(5):
        write_picture(path := tmp_path / f"{number}.png", random_picture(number))
        paths.append(str(path).encode())
    measured = appearance_of_files(Predictor(), [*paths[:2], b"bad", *paths[2:]])
    assert np.isnan(measured[2]).all()
    stacked = np.stack([random_picture(number) for number in range(5)])
    np.testing.assert_allclose(np.delete(measured, 2, axis=0), brightness_and_sharpness(stacked, 200), rtol=1e-4)
