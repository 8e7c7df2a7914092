"""The draw: stratified, seeded, blind to names, duplicates together; and what the folders say stands."""

import os

import numpy as np
import pytest

from base.errors import UserError
from base.splits import SPLIT_NAMES
from pipeline.data import Data
from pipeline.sources.manifest import Manifest
from pipeline.sources.source import Files
from pipeline.sources.splits import Splits, make_splits, train_on_validation

THIRDS = (0.6, 0.2, 0.2)
NONE = np.array([], np.int64)


def make_manifest(labels, *, given="", contents=None, names=None, class_names=None) -> Manifest:
    """A manifest without files. `given` has a letter an example (t, v, e for test, - for none); equal `contents` are
    equal files."""
    labels = np.sort(np.asarray(labels, np.int32))
    contents = np.arange(len(labels)) if contents is None else np.asarray(contents)
    facts = np.zeros(len(labels), [("sha256", np.uint8, 32)])
    for row, content in enumerate(contents):
        facts["sha256"][row] = np.random.default_rng(int(content)).integers(0, 256, 32, np.uint8)
    classes = int(labels.max()) + 1
    return Manifest(
        source=Files(b"/data", tuple(names or (b"%d/%06d.jpg" % (label, row) for row, label in enumerate(labels)))),
        class_names=class_names or tuple(f"class_{label}" for label in range(classes)),
        labels=labels,
        given_splits=np.array(["tve".find(letter) for letter in given or "-" * len(labels)], np.int8),
        facts=facts,
        quarantine=(),
        data_origin="real",
    )


def code_of(manifest: Manifest, splits: Splits) -> np.ndarray:
    """Split name by example, "" for none; fails where an example is in two."""
    codes = np.full(len(manifest), "", object)
    for name, ids in splits.ids.items():
        assert (codes[ids] == "").all()
        assert (np.diff(ids) > 0).all()
        codes[ids] = name
    return codes


def test_every_example_is_in_one_split_and_every_class_is_cut_alike():
    manifest = make_manifest([0] * 300 + [1] * 300 + [2] * 50 + [3] * 7)
    splits = make_splits(manifest, NONE, THIRDS, seed=1)
    assert (code_of(manifest, splits) != "").all()
    assert splits.counts(manifest) == {
        "train": [180, 180, 30, 4],
        "validation": [60, 60, 10, 2],
        "test": [60, 60, 10, 1],
    }
    assert len(splits.shared) == 0


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("fractions", [THIRDS, (0.8, 0.2, 0.0), (0.9, 0.0, 0.1), (0.98, 0.01, 0.01), (1.0, 0.0, 0.0)])
def test_small_classes_train_first_and_then_fill_what_is_asked_for(count, fractions):
    manifest = make_manifest([0] * count + [1] * count)
    counts = make_splits(manifest, NONE, fractions, seed=3).counts(manifest)
    asked = [name for name, fraction in zip(SPLIT_NAMES, fractions, strict=True) if fraction]
    assert sum(counts[name][0] for name in SPLIT_NAMES) == count
    assert counts["train"][0] >= 1
    for name, fraction in zip(SPLIT_NAMES, fractions, strict=True):
        if not fraction:
            assert counts[name] == [0, 0]
        elif count >= len(asked):
            assert counts[name][0] >= 1
            assert abs(counts[name][0] - fraction * count) <= 2


def test_the_seed_decides_and_the_same_seed_repeats():
    manifest = make_manifest([0] * 100 + [1] * 100)
    first, again, other = (code_of(manifest, make_splits(manifest, NONE, THIRDS, seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    # Two draws of 60/20/20 agree by chance on 44 of 100.
    assert 0.3 < (first == other).mean() < 0.6


def test_a_renamed_file_stays_in_its_split():
    labels, contents = [0] * 40 + [1] * 40, np.arange(80)
    manifest = make_manifest(labels, contents=contents)
    shuffled = np.concatenate([np.random.default_rng(0).permutation(40), 40 + np.random.default_rng(1).permutation(40)])
    renamed = make_manifest(labels, contents=contents[shuffled])
    before = dict(zip(contents, code_of(manifest, make_splits(manifest, NONE, THIRDS, 1)), strict=True))
    after = dict(zip(contents[shuffled], code_of(renamed, make_splits(renamed, NONE, THIRDS, 1)), strict=True))
    assert before == after


def test_an_added_class_moves_nothing_in_the_others():
    small, large = make_manifest([0] * 30 + [1] * 30), make_manifest([0] * 30 + [1] * 30 + [2] * 30)
    one, two = (code_of(m, make_splits(m, NONE, THIRDS, 1)) for m in (small, large))
    assert (one == two[:60]).all()


@pytest.mark.parametrize("seed", range(8))
def test_duplicates_stay_together_within_and_across_classes(seed):
    contents = np.random.default_rng(seed).integers(0, 60, 120)
    manifest = make_manifest([0] * 60 + [1] * 60, contents=contents)
    splits = make_splits(manifest, NONE, THIRDS, seed)
    codes = code_of(manifest, splits)
    for content in np.unique(contents):
        assert len(set(codes[contents == content])) == 1
    assert len(splits.shared) == 0
    assert min(map(sum, splits.counts(manifest).values())) >= 8


@pytest.mark.parametrize("seed", range(6))
def test_refused_examples_are_in_no_split_and_do_not_count(seed):
    manifest = make_manifest([0] * 20 + [1] * 20)
    refused = np.array([0, 7, 39])
    splits = make_splits(manifest, refused, THIRDS, seed)
    codes = code_of(manifest, splits)
    assert set(np.flatnonzero(codes == "")) == set(refused)
    kept = np.delete(np.arange(40), refused)
    without = make_manifest(manifest.labels[kept], contents=kept)
    assert (codes[kept] == code_of(without, make_splits(without, NONE, THIRDS, seed))).all()


def test_given_splits_stand():
    manifest = make_manifest([0] * 6 + [1] * 6, given="ttvvee" * 2)
    splits = make_splits(manifest, np.array([0]), THIRDS, 1)
    assert splits.ids["train"].tolist() == [1, 6, 7]
    assert splits.ids["validation"].tolist() == [2, 3, 8, 9]
    assert splits.ids["test"].tolist() == [4, 5, 10, 11]


@pytest.mark.parametrize(("given", "drawn"), [("e", "validation"), ("v", "test")])
def test_a_split_that_the_folders_lack_is_drawn_from_train(given, drawn):
    manifest = make_manifest([0] * 50 + [1] * 50, given=("t" * 40 + given * 10) * 2)
    splits = make_splits(manifest, NONE, THIRDS, 1)
    kept = {"e": "test", "v": "validation"}[given]
    assert splits.ids[kept].tolist() == [*range(40, 50), *range(90, 100)]
    assert splits.counts(manifest)[drawn] == [10, 10]  # 0.2 of (0.6 + 0.2), of 40 a class
    assert splits.counts(manifest)["train"] == [30, 30]


def test_train_folders_alone_are_cut_in_three():
    manifest = make_manifest([0] * 50 + [1] * 50, given="t" * 100)
    counts = make_splits(manifest, NONE, THIRDS, 1).counts(manifest)
    assert counts == {"train": [30, 30], "validation": [10, 10], "test": [10, 10]}


def test_nothing_is_drawn_where_nothing_is_asked_for():
    manifest = make_manifest([0] * 5 + [1] * 5, given="t" * 10)
    counts = make_splits(manifest, NONE, (1.0, 0.0, 0.0), 1).counts(manifest)
    assert counts == {"train": [5, 5], "validation": [0, 0], "test": [0, 0]}


def test_the_same_bytes_in_two_given_splits_are_counted():
    contents = [0, 1, 2, 0, 4, 5, 1, 7]
    manifest = make_manifest([0] * 4 + [1] * 4, contents=contents, given="ttte" + "ttve")
    # File 0 is in train and test, file 1 in train and validation: four files.
    assert make_splits(manifest, NONE, THIRDS, 1).shared.tolist() == [0, 1, 3, 6]


def test_the_same_bytes_under_two_classes_are_counted_and_refused_ones_are_not():
    contents = [0, 1, 2, 0, 4, 5, 1, 2]
    manifest = make_manifest([0] * 4 + [1] * 4, contents=contents)
    # File 0 is there twice, of one class; files 1 and 2 are there as both.
    assert make_splits(manifest, NONE, THIRDS, 1).contradicting.tolist() == [1, 2, 6, 7]
    assert make_splits(manifest, np.array([6]), THIRDS, 1).contradicting.tolist() == [2, 7]


def test_a_class_without_training_pictures_is_named():
    manifest = make_manifest([0] * 4 + [1] * 4, class_names=("cats", "dogs"))
    with pytest.raises(UserError, match=r"class 'dogs' has no picture to train on: every class needs at least one"):
        make_splits(manifest, np.arange(4, 8), THIRDS, 1)
    given = make_manifest([0] * 4 + [1] * 4, given="tttt" + "eeee", class_names=("cats", "dogs"))
    with pytest.raises(UserError, match="'dogs'"):
        make_splits(given, NONE, THIRDS, 1)


def test_full_training_joins_validation_to_train():
    manifest = make_manifest([0] * 20 + [1] * 20)
    splits = make_splits(manifest, NONE, THIRDS, 1)
    full = train_on_validation(splits)
    assert full.ids["train"].tolist() == sorted([*splits.ids["train"], *splits.ids["validation"]])
    assert full.ids["validation"].tolist() == []
    assert full.ids["test"].tolist() == splits.ids["test"].tolist()
    assert full.counts(manifest)["validation"] == [0, 0]


def test_a_row_says_of_an_example_where_it_is_and_what():
    names = [b"a/x.jpg", b"a/line\nbreak.jpg", b"a/3.jpg", b"b/caf\xe9\xff.jpg", "b/日本.jpg".encode(), b"b/1.jpg"]
    manifest = make_manifest([0] * 3 + [1] * 3, names=names, class_names=("a, b", "d\re"))
    splits = make_splits(manifest, NONE, (0.5, 0.25, 0.25), 1)
    rows = Data(manifest, splits, None, (), {}).split_rows()
    ids = [names.index(os.fsencode(row.path)) for row in rows]
    assert ids == np.concatenate([splits.ids[split] for split in SPLIT_NAMES]).tolist()
    codes = code_of(manifest, splits)
    for example_id, row in zip(ids, rows, strict=True):
        assert row.label == manifest.class_names[manifest.labels[example_id]]
        assert row.split == codes[example_id]
        assert bytes.fromhex(row.sha256) == manifest.facts["sha256"][example_id].tobytes()
