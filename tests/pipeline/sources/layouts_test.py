"""How people lay out their folders: what of it is used, and that what is not used is told."""

import itertools
import unicodedata

import numpy as np
import pytest

from base.errors import UserError
from pipeline.sources.entries import BESIDE_SPLITS, IN_NO_CLASS, IN_SYSTEM_FOLDER, LEADS_NOWHERE
from pipeline.sources.folders import NO_CLASS_FOLDER, catalog_of_folder, near_notes
from pipeline.sources.index import build_index
from pipeline.sources.splits import make_splits, split_notes
from tests.conftest import random_picture, write_picture

NONE = np.array([], np.int64)
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.fixture
def look(tmp_path, picture_tree):
    """look({"train/a": 4, ...}, loose={"test": 3}, empty=["test/a"], fractions=None) -> (catalog, counts by split, what
    is left aside with its reason, notes)."""

    number = itertools.count()

    def look(counts, loose=(), empty=(), fractions=None):
        root = picture_tree(counts, f"pictures{next(number)}", suffixes=(".png",))
        for folder, count in dict(loose).items():
            for one in range(count):
                write_picture(root / folder / f"loose{one}.png", random_picture(90_000 + one))
        for folder in empty:
            (root / folder).mkdir(parents=True)
        catalog = catalog_of_folder(root)
        manifest = build_index(catalog, tmp_path / "cache", 1)
        splits = make_splits(manifest, NONE, fractions, 1, catalog.named_splits)
        sizes = {name: len(ids) for name, ids in splits.ids.items()}
        aside = dict(catalog.aside + manifest.aside)
        return catalog, sizes, aside, [*catalog.notes, *split_notes(splits, manifest, fractions is not None)]

    return look


TRAIN = {"train/a": 20, "train/b": 20}
VALID = {"valid/a": 5, "valid/b": 5}
TEST = {"test/a": 3, "test/b": 3}
NO_TEST = "no test split, and so no test score"


def test_loose_pictures_of_a_test_folder_are_told_and_a_test_split_is_drawn_aloud(look):
    _, sizes, aside, notes = look(TRAIN | VALID, loose={"test": 15})
    assert sizes == {"train": 30, "validation": 10, "test": 10}
    assert aside.pop(b"test") == NO_CLASS_FOLDER
    assert set(aside.values()) == {IN_NO_CLASS}
    assert len(aside) == 15
    assert notes == ["test: drawn from train, 10 of 40 pictures, because test/ holds no class folder with a picture"]


def test_empty_class_folders_of_a_test_folder_are_no_test_split(look):
    _, sizes, _, notes = look(TRAIN | VALID, empty=["test/a", "test/b"])
    assert sizes == {"train": 30, "validation": 10, "test": 10}
    assert "test/ holds no class folder with a picture" in notes[0]


def test_who_names_train_and_validation_keeps_all_of_train(look):
    _, sizes, aside, notes = look(TRAIN | VALID)
    assert sizes == {"train": 40, "validation": 10, "test": 0}
    assert not aside
    (note,) = notes
    assert note.startswith(NO_TEST)
    assert "--split_fractions" in note


def test_a_test_split_can_be_asked_for_and_validation_can_be_declined(look):
    _, sizes, _, (note,) = look(TRAIN | VALID, fractions=(0.75, 0.0, 0.25))
    assert sizes == {"train": 30, "validation": 10, "test": 10}
    assert note.endswith("10 of 40 pictures, because the data names no test split")


def test_train_and_test_have_validation_drawn_aloud(look):
    _, sizes, _, notes = look(TRAIN | TEST)
    assert sizes == {"train": 30, "validation": 10, "test": 6}
    assert notes == ["validation: drawn from train, 10 of 40 pictures, because the data names no validation split"]


def test_train_alone_and_class_folders_alone_have_both_drawn_aloud(look):
    for counts, words in ((TRAIN, "drawn from train"), ({"a": 20, "b": 20}, "drawn")):
        _, sizes, _, notes = look(counts)
        assert sizes == {"train": 24, "validation": 8, "test": 8}
        assert [note.split(",")[0] for note in notes] == [f"validation: {words}", f"test: {words}"]


def test_an_empty_validation_folder_is_drawn_and_no_test_beside_it(look):
    _, sizes, _, notes = look(TRAIN, empty=["val"])
    assert sizes == {"train": 30, "validation": 10, "test": 0}
    assert "val/ holds no class folder" in notes[0]
    assert notes[1].startswith(NO_TEST)


def test_nothing_is_drawn_or_told_where_all_is_there(look):
    _, sizes, aside, notes = look(TRAIN | VALID | TEST)
    assert (sizes, aside, notes) == ({"train": 40, "validation": 10, "test": 6}, {}, [])


def test_a_class_that_a_split_lacks_is_told(look):
    _, _, _, notes = look(TRAIN | VALID | {"test/a": 3})
    assert notes == ["test has no picture of 'b'"]


def test_what_lies_beside_class_folders_is_told(look):
    _, sizes, aside, _ = look(
        {"a": 5, "b": 5, "a/deep/er": 5}, loose={"": 2, "@eaDir": 1, "__MACOSX": 1, "a/@eaDir": 1}
    )
    assert sum(sizes.values()) == 15
    assert aside == {
        b"loose0.png": IN_NO_CLASS, b"loose1.png": IN_NO_CLASS, b"@eaDir": IN_SYSTEM_FOLDER,
        b"__MACOSX": IN_SYSTEM_FOLDER, b"a/@eaDir": IN_SYSTEM_FOLDER,
    }  # fmt: skip


def test_loose_pictures_beside_and_in_split_folders_are_told(look):
    _, _, aside, _ = look(TRAIN | VALID | TEST, loose={"": 1, "train": 2})
    assert aside == dict.fromkeys([b"loose0.png", b"train/loose0.png", b"train/loose1.png"], IN_NO_CLASS)


def test_one_name_in_two_spellings_of_unicode_is_one_class(look):
    catalog, sizes, _, notes = look({f"train/{COMPOSED}": 4, "train/tea": 4, f"test/{DECOMPOSED}": 2, "test/tea": 2})
    assert catalog.class_names == (COMPOSED, "tea")
    assert sizes["test"] == 4
    assert notes[0] == (
        f"{COMPOSED!r} is one class, though Unicode spells its folders in two ways: "
        r"'test/cafe\u0301' and 'train/caf\xe9'"
    )


def test_labels_do_not_depend_on_the_system_that_made_the_folders(look):
    names = ["caf\u00e9", "cafz", "\u1e9b\u0323"]
    for form in ("NFC", "NFD"):
        catalog, *_ = look({f"{form}-{unicodedata.normalize(form, name)}": 1 for name in names})
        assert [name.partition("-")[2] for name in catalog.class_names] == sorted(
            (unicodedata.normalize("NFC", name) for name in names), key=str.encode
        )


@pytest.mark.parametrize("split", ["", "train/"])
def test_two_spellings_in_one_place_are_refused_and_both_shown(look, split):
    with pytest.raises(UserError, match=rf"'{split}cafe\\u0301' and '{split}caf\\xe9': rename one") as caught:
        look({f"{split}{COMPOSED}": 2, f"{split}{DECOMPOSED}": 2, f"{split}tea": 2})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("other", ["cats", "Cats ", "ＣＡＴＳ"])
def test_a_class_whose_near_name_has_the_pictures_is_told_that_name(look, other):
    with pytest.raises(UserError, match=f"class '{other}' has no picture to train on: .*; train has the class 'Cats'"):
        look({"train/Cats": 4, "train/dogs": 4, f"test/{other}": 2, "test/dogs": 2})


def test_near_names_side_by_side_are_told(look):
    _, _, _, notes = look({"Cats": 5, "cats": 5, "dogs": 5})
    assert notes[0] == "classes 'Cats', 'cats' differ by case, blanks or the like only, and count as 2"


def test_a_folder_of_pictures_and_a_table_is_told_of_labels_csv(look, tmp_path, picture_tree):
    root = picture_tree({".": 3})
    with pytest.raises(UserError, match="labels of pictures that lie in one folder can come from a table"):
        catalog_of_folder(root)
    (root / "labels.csv").write_text("path,label\n")
    with pytest.raises(UserError, match=f"--labels_csv={root}/labels.csv"):
        catalog_of_folder(root)


def test_split_folders_inside_class_folders_are_splits(look):
    counts = {f"{name}/{split}": count for name in "ab" for split, count in (("Train", 8), ("val", 2), ("test", 3))}
    catalog, sizes, aside, notes = look(counts, loose={"a": 2, "b/more": 1})
    assert catalog.class_names == ("a", "b")
    assert sizes == {"train": 16, "validation": 4, "test": 6}
    assert set(aside.values()) == {IN_NO_CLASS, BESIDE_SPLITS}
    assert sorted(aside) == [b"a/loose0.png", b"a/loose1.png", b"b/more"]
    assert notes == ["the splits are the folders in each class folder, as 'a/Train'"]


def test_a_split_folder_in_one_class_alone_is_a_folder_of_pictures(look):
    _, sizes, _, _ = look({"a/train": 5, "a/test": 5, "b": 10})
    assert sizes == {"train": 12, "validation": 4, "test": 4}


def test_a_class_may_be_called_train_or_test_and_that_is_told(look):
    catalog, sizes, aside, notes = look({"bus": 10, "train": 10, "test": 10})
    assert catalog.class_names == ("bus", "test", "train")
    assert (sum(sizes.values()), aside) == (30, {})
    assert [note.partition(" though")[0] for note in notes[:2]] == [
        "'test' is a class like the others,", "'train' is a class like the others,"
    ]  # fmt: skip


def test_folders_called_like_splits_are_splits_or_refused_and_no_classes(look):
    _, sizes, _, _ = look({"training_set/a": 6, "training_set/b": 6, "Test Set/a": 3, "Test Set/b": 3})
    assert (sizes["test"], sizes["train"] + sizes["validation"]) == (6, 12)
    with pytest.raises(UserError, match="called like splits, seg_test, seg_train: rename them to train"):
        look({"seg_train/deep/a": 3, "seg_test/deep/a": 3})
    catalog, *_ = look({"steam train": 5, "test tube": 5})
    assert catalog.class_names == ("steam train", "test tube")


def test_folders_without_a_picture_beside_split_folders_are_no_reason_to_stop(look):
    _, _, aside, _ = look(TRAIN | TEST, empty=["annotations", "docs/more"])
    assert aside == {b"annotations": BESIDE_SPLITS, b"docs": BESIDE_SPLITS}
    with pytest.raises(UserError, match="holds split folders and 'stray' beside them: it must hold either class"):
        look(TRAIN, loose={"stray/deep": 1})


def test_a_folder_around_all_the_others_is_told_the_inner_one(look):
    with pytest.raises(UserError, match=r"those that '.*/inner/deep' holds may be meant: --dataset=folder:.*deep$"):
        look({"inner/deep/a": 2, "inner/deep/b": 2})


def test_a_class_that_is_a_link_to_nowhere_is_told_as_that(look, tmp_path, picture_tree):
    root = picture_tree({"a": 3, "b": 3}, "linked")
    (root / "c").symlink_to(tmp_path / "gone")
    assert catalog_of_folder(root).aside == ((b"c", LEADS_NOWHERE),)


@pytest.mark.parametrize("bin_name", ["#recycle", "@Recycle", "$RECYCLE.BIN"])
def test_what_a_disk_keeps_of_removed_pictures_is_no_class(look, bin_name):
    catalog, _, aside, _ = look({"a": 5, "b": 5, bin_name: 5})
    assert catalog.class_names == ("a", "b")
    assert aside == {bin_name.encode(): IN_SYSTEM_FOLDER}


@pytest.mark.parametrize(
    "other", ["golden  retriever", "golden_retriever", "Golden-Retriever", "golden\u200b retriever"]
)
def test_names_that_look_alike_are_told(look, other):
    *_, notes = look({"golden retriever": 5, other: 5})
    assert notes[0].startswith("classes ")
    assert "count as 2" in notes[0]


def test_of_many_names_the_first_are_told_and_the_others_counted():
    assert len(near_notes([f"{letter}{number}" for number in range(4) for letter in "qQ"])) == 4
    notes = near_notes([f"{letter}{number}" for number in range(500) for letter in "qQ"])
    assert [note[:9] for note in notes[:3]] == ["classes '"] * 3
    assert notes[3:] == ("and so it is with 497 other names of classes",)
