"""Class folders and split folders: what they become, and what each wrong layout is told."""

import os

import pytest

from base.errors import UserError
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import Catalog, Folder, catalog_of_folder, check_outside, data_folder


def make(root, *folders: str | bytes):
    """Empty folders under `root`; the catalog reads names only."""
    for folder in (b"", *folders):
        os.makedirs(os.path.join(os.fsencode(root), os.fsencode(folder)), exist_ok=True)
    return root


def test_class_folders_are_labelled_in_byte_order(tmp_path):
    root = make(tmp_path / "data", "zebra", "Ant", "bee")
    expected = (Folder(b"Ant", 0), Folder(b"bee", 1), Folder(b"zebra", 2))
    assert catalog_of_folder(root) == Catalog(os.fsencode(root), ("Ant", "bee", "zebra"), expected, "real")


def test_a_relative_root_becomes_absolute(tmp_path, monkeypatch):
    make(tmp_path / "data", "a", "b")
    monkeypatch.chdir(tmp_path)
    assert catalog_of_folder(tmp_path.__class__("data")).root == os.fsencode(tmp_path / "data")


def test_files_and_hidden_folders_are_no_classes(tmp_path):
    root = make(tmp_path, "a", "b", ".git")
    (root / "readme.txt").write_text("x")
    assert catalog_of_folder(root).class_names == ("a", "b")


def test_a_link_to_a_folder_is_a_class(tmp_path):
    root = make(tmp_path / "data", "a")
    (root / "b").symlink_to(make(tmp_path / "elsewhere"))
    assert catalog_of_folder(root).class_names == ("a", "b")


@pytest.mark.parametrize(
    ("link", "target"), [("all", "."), ("all", ".."), ("all", "../data"), ("train/all", "."), ("train/all", "..")]
)
def test_a_link_to_a_folder_in_which_it_lies_is_refused(link, target, tmp_path):
    root = make(tmp_path / "data", *(("train/a", "train/b") if "/" in link else ("a", "b")))
    (root / link).symlink_to(target)
    (tmp_path / "other-name").symlink_to(root)
    for place in (root, tmp_path / "other-name"):
        with pytest.raises(UserError, match=f"{place}/{link}' is a link to '.*', in which it lies itself: ") as caught:
            catalog_of_folder(place)
        assert len(str(caught.value).splitlines()) == 1


def test_a_link_to_what_only_begins_with_the_folders_name_is_a_class(tmp_path):
    root = make(tmp_path / "data-full", "a")
    (root / "b").symlink_to(make(tmp_path / "data"))
    (root / "c").symlink_to(make(root / ".store" / "c"))
    assert catalog_of_folder(root).class_names == ("a", "b", "c")


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("Training", "VAL", "testing"), ("train", "valid")])
def test_split_folders_are_known_by_every_usual_name(tmp_path, names):
    root = make(tmp_path, *(f"{name}/{label}" for name in names for label in ("dogs", "cats")))
    catalog = catalog_of_folder(root)
    assert catalog.class_names == ("cats", "dogs")
    found = {(folder.split, folder.label) for folder in catalog.folders}
    assert found == {(split, label) for split in ("train", "validation", "test")[: len(names)] for label in (0, 1)}


def test_a_class_missing_from_one_split_keeps_its_label_in_the_others(tmp_path):
    root = make(tmp_path, "train/a", "train/b", "train/c", "test/a", "test/c")
    folders = {folder.path: folder.label for folder in catalog_of_folder(root).folders}
    assert folders == {b"train/a": 0, b"train/b": 1, b"train/c": 2, b"test/a": 0, b"test/c": 2}


def test_folders_named_test_without_train_are_classes(tmp_path):
    root = make(tmp_path, "test/deep", "test/test", "real")
    (root / "test" / "real").write_text("a file")
    assert catalog_of_folder(root).class_names == ("real", "test")


def test_odd_names_are_kept_as_bytes_and_shown_as_text(tmp_path):
    root = make(tmp_path, b"caf\xe9", "c[1]", "-dash", "with space", "line\nbreak")
    catalog = catalog_of_folder(root)
    assert [folder.path for folder in catalog.folders] == [b"-dash", b"c[1]", b"caf\xe9", b"line\nbreak", b"with space"]
    assert catalog.class_names[2] == "caf\\xe9"
    "".join(catalog.class_names).encode()


@pytest.mark.parametrize(
    ("folders", "value", "fix"),
    [
        (["only"], "'only'", "two or more folders"),
        ([], "no class folder", "two or more folders"),
        (["cats", "dogs", "val/cats", "val/dogs"], "'cats' and, in 'val',", "into a folder called train"),
        (["a", "b", "Testing/b"], "'b' and, in 'Testing',", "into a folder called train"),
        (["train/a", "training/a"], "train, training", "two folders for one split"),
    ],
)
def test_a_wrong_layout_is_named_with_the_rule(tmp_path, folders, value, fix):
    root = make(tmp_path / "data")
    make(root, *folders)
    with pytest.raises(UserError) as caught:
        catalog_of_folder(root)
    text = str(caught.value)
    assert str(root) in text
    assert value in text
    assert fix in text
    assert len(text.splitlines()) == 1


def test_no_folder_and_a_file_are_told_apart(tmp_path):
    with pytest.raises(UserError, match=r"absent' does not exist: --dataset=folder:PATH"):
        catalog_of_folder(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"file' is a file: --dataset=folder:PATH"):
        catalog_of_folder(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_root_is_named(tmp_path):
    root = make(tmp_path / "data", "a", "b")
    root.chmod(0)
    try:
        with pytest.raises(UserError, match="cannot be read: Permission denied; check its permissions"):
            catalog_of_folder(root)
    finally:
        root.chmod(0o700)


@pytest.mark.parametrize("place", ["data", "data/runs", "data/a/deep/run", "link/new", "data/../data/runs"])
def test_what_is_written_into_the_data_folder_is_refused(place, tmp_path):
    root = make(tmp_path / "data", "a", "b")
    (tmp_path / "link").symlink_to(root / "a")
    with pytest.raises(UserError, match=r"^--run_dir '.*' lies in the data folder '.*data', where every folder is a"):
        check_outside("--run_dir", tmp_path / place, f"folder:{root}", "")
    with pytest.raises(UserError, match="lies in the data folder"):
        check_outside("--run_dir", tmp_path / place, "catdog", str(root))


@pytest.mark.parametrize("place", ["data2/run", "data/../run", "data/.cache/penstock", "data/a/.hidden", "."])
def test_beside_the_data_folder_and_in_hidden_ones_there_is_room(place, tmp_path):
    root = make(tmp_path / "data", "a", "b")
    check_outside("--run_dir", tmp_path / place, f"folder:{root}", "")


def test_beside_data_sets_in_their_usual_place_there_is_room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset in ("catdog", "realsense", "tfds:mnist", "folder:", "folder"):
        check_outside("--run_dir", tmp_path / "runs", dataset, "")


@pytest.mark.parametrize(("dataset", "usual"), [("catdog", "data/catdog_data"), ("realsense", "data/realsense")])
def test_what_is_written_into_a_data_sets_usual_place_is_refused(dataset, usual, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    inside = tmp_path / usual / "train" / "cats" / "prep"
    with pytest.raises(UserError, match=f"prep' lies in the data folder '{usual}'"):
        check_outside("--out_dir", inside, dataset, "")
    with pytest.raises(UserError, match=f"lies in the data folder '{usual}'"):
        open_catalog(dataset, "", inside)
    check_outside("--out_dir", inside, dataset, "other")
    assert not inside.exists()


def test_the_folder_given_is_the_data_folder_before_any_other():
    assert data_folder("catdog", "given") == data_folder("folder:named", "given") == "given"
    assert data_folder("folder:a:b", "") == "a:b"
    assert data_folder("tfds:mnist", "") == data_folder("folder:", "") == data_folder("", "") == ""


def test_two_folders_that_are_shown_alike_are_refused(tmp_path):
    root = make(tmp_path / "data", b"a\n", rb"a\n", "b")
    with pytest.raises(UserError, match=r"two folders that are both shown as 'a.+n': rename one of them"):
        catalog_of_folder(root)


def test_split_folders_without_one_to_train_on_are_no_classes(tmp_path):
    root = make(tmp_path / "data", "test/a", "test/b", "val/a", "val/b")
    with pytest.raises(UserError, match=r"holds test, val and no train: a split folder to train on is needed"):
        catalog_of_folder(root)
