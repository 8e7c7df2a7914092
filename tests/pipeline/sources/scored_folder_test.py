"""Which pictures of a folder are meant to be scored, where its split folders are not as one expects them."""

import pytest

from base.errors import UserError
from pipeline.sources.entries import IN_NO_CLASS
from pipeline.sources.folders import NO_CLASS_FOLDER
from pipeline.sources.scored_folder import find_scored


def _folder(root, *places):
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(b"")
    return root


@pytest.mark.parametrize(
    ("places", "split", "told"),
    [
        (["train/disk/1.jpg", "valid/disk/1.jpg", "test/1.jpg"], "", "holds the splits train, validation: say with"),
        (["train/disk/1.jpg", "test/1.jpg"], "test", "--split=test: .* holds the splits train: say with"),
        (["test/1.jpg"], "", "holds no class folder but 'test/1.jpg' and the like"),
        (["valid/disk/1.jpg", "val/disk/2.jpg"], "", "holds two folders for one split: val, valid"),
        (["disk/1.jpg"], "test", "holds no split folders"),
    ],
)
def test_a_split_that_cannot_be_scored_is_an_error_that_says_why(places, split, told, tmp_path):
    with pytest.raises(UserError, match=told):
        find_scored(_folder(tmp_path, *places), split, ["disk", "square"])


def test_a_test_folder_without_class_folders_leaves_the_only_split_that_has_some(tmp_path):
    found = find_scored(_folder(tmp_path, "test/1.jpg", "Validation/disk/1.jpg"), "", ["disk"])
    assert (found.split, [folder.path for folder in found.catalog.folders]) == ("validation", [b"Validation/disk"])
    assert found.catalog.aside == ((b"test", NO_CLASS_FOLDER), (b"test/1.jpg", IN_NO_CLASS))


def test_split_folders_inside_class_folders_are_known(tmp_path):
    places = [f"{name}/{split}/1.jpg" for name in ("disk", "square") for split in ("train", "Test")]
    root = _folder(tmp_path, *places, "disk/loose.jpg")
    found = find_scored(root, "", ["disk", "square"])
    assert (found.split, [folder.path for folder in found.catalog.folders]) == ("test", [b"disk/Test", b"square/Test"])
    assert found.catalog.aside == ((b"disk/loose.jpg", IN_NO_CLASS),)
    assert find_scored(root, "train", ["disk"]).catalog.folders[0].path == b"disk/train"


def test_a_class_that_is_called_as_a_split_is_that_class(tmp_path):
    found = find_scored(_folder(tmp_path, "test/1.jpg", "disk/1.jpg"), "", ["disk", "test"])
    assert (found.split, found.catalog.class_names) == ("", ("disk", "test"))
