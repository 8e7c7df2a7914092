"""Labels that may be wrong are looked for where a model has not learnt, among copies too, and told with care."""

import dataclasses

import numpy as np
import pytest

from evaluation.label_issues import CONFIDENT, CONTRADICTED, LIKELIER
from jobs.answered import Answered
from jobs.label_issues import (
    SHOWN,
    doubt_examples,
    doubt_held_out,
    doubt_labels,
    held_out_sections,
    write_doubts,
)
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels
from pipeline.sources.splits import Splits
from records.prepared_folder import PreparedFolder

SPLITS = ("train", "validation", "test")


@pytest.fixture
def data(picture_tree, index_of) -> Data:
    """Two classes of 30, of which every third example trains, validates and tests; a test picture of cats, and one that
    trains, are copied to dogs, which train."""
    root = picture_tree({"cats": 30, "dogs": 30}, height=8, width=10)
    for copied, copy in (("0002.jpg", "0000.jpg"), ("0003.png", "0003.png")):
        (root / "dogs" / copy).write_bytes((root / "cats" / copied).read_bytes())
    manifest = index_of(root)
    ids = np.arange(60)
    splits = Splits({name: ids[ids % 3 == place] for place, name in enumerate(SPLITS)})
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    return Data(manifest, splits, PackedPixels(pixels, PixelFormat.square(8)), (), {})


def answered(data: Data, wrong: dict[int, float]) -> dict[str, Answered]:
    """By split: 0.9 for the label of each example, but for the `wrong` ones, which have what is given there."""
    labels = data.manifest.labels
    own = np.full(len(labels), 0.9, np.float32)
    own[list(wrong)] = list(wrong.values())
    rows = np.stack([1 - own, own], axis=1)[np.arange(len(labels))[:, None], 1 - (np.arange(2) != labels[:, None])]
    return {
        name: Answered(ids, labels[ids], rows[ids], rows[ids].argmax(axis=1)) for name, ids in data.splits.ids.items()
    }


def test_only_what_was_held_out_is_asked_about(data):
    doubts, ids = doubt_held_out(data, answered(data, {7: 0.02, 20: 0.01, 9: 0.001, 59: 0.4}))
    assert doubts.examples == len(ids) == 40
    assert [data.splits.ids["train"][3], *ids[doubts.places]] == [9, 2, 20, 7, 59]  # 9 trained, 2 has a copy
    paths = [data.manifest.shown_path(one) for one in (2, 20, 7, 59)]
    assert [row.path for row in doubts.rows] == paths
    assert [row.rank for row in doubts.rows] == [1, 2, 3, 4]
    assert [row.left_out_in for row in doubts.rows] == ["test", "test", "validation", "test"]
    assert [row.reason for row in doubts.rows] == [CONTRADICTED, CONFIDENT, CONFIDENT, LIKELIER]
    assert [(row.label, row.suggested_label) for row in doubts.rows] == [("cats", "dogs")] * 3 + [("dogs", "cats")]
    assert doubts.rows[1][4:6] == (0.01, 0.99)
    assert doubts.words == [
        "3 of 40 labels may be wrong; look at them; 1 of 3: the same bytes have another label, too",
        "1 more picture is likelier of another class: hard, or wrong",
    ]


@pytest.mark.parametrize(("wrong", "is_weak"), [(8, False), (9, True)])
def test_a_model_that_is_often_wrong_itself_proves_little(wrong, is_weak):
    labels, names = np.arange(40) % 2, ["cats", "dogs"]
    own = np.where(np.arange(40) < wrong, 0.2, 0.9)
    rows = np.where(np.arange(2) == labels[:, None], own[:, None], 1 - own[:, None])
    doubts = doubt_labels([str(one) for one in range(40)], names, labels, rows, ["test"] * 40, {})
    assert len(doubts.rows) == wrong
    assert (f"answers {wrong} otherwise than they say" in doubts.words[0]) == is_weak


def test_copies_are_looked_for_only_among_the_examples_that_are_given(data):
    rows = np.concatenate([one.probabilities for one in answered(data, {}).values()])
    order = np.concatenate(list(data.splits.ids.values()))
    probabilities = rows[np.argsort(order)]
    ids = np.sort(np.concatenate([data.splits.ids["train"], data.splits.ids["validation"]]))
    found = doubt_examples(data, ids, probabilities[ids], ["fold 1"] * 40, among=ids)
    # Both copies of 3 train; the other copy of 30 tests, and a probe knows nothing of that.
    assert sorted(ids[found.places]) == [3, 33]
    assert {row.left_out_in for row in found.rows} == {"fold 1"}
    everywhere = doubt_examples(data, ids, probabilities[ids], ["fold 1"] * 40, among=order)
    assert sorted(ids[everywhere.places]) == [3, 30, 33]


def test_the_section_shows_the_first_and_is_missing_where_nothing_was_held_out(data):
    doubts, ids = doubt_held_out(data, answered(data, {7: 0.02, 20: 0.01, 59: 0.4}))
    (section,) = held_out_sections(data, doubts, ids)
    assert [row for row, _ in section.values["shown"]] == doubts.rows[:3]  # not the one that is only likelier
    assert section.values["words"] == doubts.words
    assert "validation and the test split" in section.values["rests_on"]
    nothing = dataclasses.replace(
        data, splits=Splits({"train": np.arange(60), "validation": np.arange(0), "test": np.arange(0)})
    )
    doubts, ids = doubt_held_out(nothing, answered(nothing, {7: 0.02}))
    assert (doubts.rows, doubts.words, len(ids)) == ([], [], 0)
    assert list(held_out_sections(nothing, doubts, ids)) == []


def test_the_pictures_are_those_of_their_rows(data, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "jobs.label_issues.shown_pictures", lambda data, ids: asked.append(ids.tolist()) or [None] * len(ids)
    )
    monkeypatch.setattr("jobs.label_issues.suspicious_section", lambda suspects, *_: [one.row.path for one in suspects])
    doubts, ids = doubt_held_out(data, answered(data, {7: 0.02, 20: 0.01}))
    (paths,) = held_out_sections(data, doubts, ids)
    assert asked == [[2, 20, 7]]
    assert paths == [data.manifest.shown_path(one) for one in asked[0]]


def test_as_many_are_shown_as_a_reader_looks_at():
    labels = np.array([0] * 50 + [1] * 50)
    own = np.where(np.arange(100) % 50 < 30, 0.01, 0.99)
    probabilities = np.where(np.arange(2) == labels[:, None], own[:, None], 1 - own[:, None])
    doubts = doubt_labels([str(n) for n in range(100)], ("a", "b"), labels, probabilities, ["test"] * 100, {})
    assert len(doubts.rows) == 60
    assert doubts.shown.tolist() == doubts.places[:SHOWN].tolist()


def test_a_probe_writes_a_table_and_a_sheet_and_takes_an_old_sheet_away(data, tmp_path):
    folder, ids = PreparedFolder(tmp_path / "out"), np.arange(60)
    (tmp_path / "out").mkdir()
    rows = np.concatenate([one.probabilities for one in answered(data, {7: 0.02}).values()])
    order = np.concatenate(list(data.splits.ids.values()))
    doubts = doubt_examples(data, ids, rows[np.argsort(order)], ["fold 2"] * 60, among=ids)
    (section,), names = write_doubts(folder, data, doubts, ids)
    assert names == ["suspicious_labels.png"]
    assert folder.suspicious_sheet.read_bytes().startswith(b"\x89PNG")
    table = folder.suspicious_labels.read()
    assert {(row.path, row.left_out_in) for row in table} >= {("cats/0007.png", "fold 2")}
    assert len(section.values["shown"]) == len(table) == 5
    assert "fold that it was not fitted on" in section.values["rests_on"]

    none = doubt_examples(
        data, ids[4:30], rows[np.argsort(order)][ids[4:30]] * 0 + [0.9, 0.1], ["fold 1"] * 26, ids[4:30]
    )
    (section,), names = write_doubts(folder, data, none, ids[4:30])
    assert (names, section.values["shown"]) == ([], [])
    assert section.values["words"] == ["none of 26 labels looks wrong"]
    assert folder.suspicious_labels.read() == []
    assert not folder.suspicious_sheet.exists()
