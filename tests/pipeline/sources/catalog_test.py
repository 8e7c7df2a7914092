"""A data set's name -> its folders; the reports' two layouts, the rendered faces, and the words for what is missing."""

import os
import shutil

import pytest

from base.errors import UserError
from base.watch import SILENT
from pipeline.sources import catalog, tfds_source
from pipeline.sources.catalog import REALSENSE_FOLDERS, open_catalog
from pipeline.sources.folders import Folder
from rendered import faces as synthetic
from tests.helpers.storage import read_only


@pytest.fixture
def rendered(monkeypatch) -> list:
    """Replaces the renderer by empty folders; the list grows by one a call."""
    calls = []

    def write(directory, *_, **__):
        calls.append(directory)
        for folder in REALSENSE_FOLDERS.values():
            (directory / folder).mkdir(parents=True)

    monkeypatch.setattr(synthetic, "write_synthetic_faces", write)
    return calls


def make_catdog(root):
    """The six empty folders of the cats-and-dogs report."""
    for split in ("train", "validation", "test"):
        for name in ("cats", "dogs"):
            (root / split / name).mkdir(parents=True)
    return root


def refusal(*arguments) -> str:
    """The one line that open_catalog refuses with."""
    with pytest.raises(UserError) as caught:
        open_catalog(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_realsense_folders_have_the_report_s_labels(tmp_path, rendered):
    for folder in REALSENSE_FOLDERS.values():
        (tmp_path / "data" / folder).mkdir(parents=True)
    found = open_catalog("realsense", str(tmp_path / "data"), tmp_path / "cache")
    assert found.class_names == ("fake", "fadam", "woman")
    assert found.folders == (
        Folder(b"real_sense_fake100x100", 0),
        Folder(b"real_sense_fadam100x100", 1),
        Folder(b"real_sense_woman100x100", 2),
    )
    assert (found.root, found.data_origin) == (os.fsencode(tmp_path / "data"), "real")
    assert not rendered


def test_realsense_without_pictures_is_rendered_once(tmp_path, monkeypatch, rendered):
    monkeypatch.chdir(tmp_path)
    first = open_catalog("realsense", "", tmp_path / "cache")
    again = open_catalog("realsense", "", tmp_path / "cache")
    assert first == again
    assert first.data_origin == "synthetic"
    assert len(rendered) == 1
    assert os.path.isdir(os.path.join(first.root, first.folders[2].path))
    assert os.listdir(tmp_path / "cache") == [f"synthetic-faces-{synthetic.SYNTHETIC_VERSION}"]


def test_rendering_that_is_interrupted_leaves_nothing(tmp_path, monkeypatch):
    render = synthetic.render_face

    def interrupted(kind, number, seed):
        if number == 2:
            raise KeyboardInterrupt
        return render(kind, number, seed)

    monkeypatch.setattr(synthetic, "render_face", interrupted)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        open_catalog("realsense", "", tmp_path / "cache")
    assert os.listdir(tmp_path / "cache") == []


def test_a_data_dir_that_was_asked_for_is_never_replaced_by_rendered_faces(tmp_path, rendered):
    text = refusal("realsense", str(tmp_path / "absent"), tmp_path / "cache")
    assert f"--data_dir={tmp_path / 'absent'}" in text
    assert "'real_sense_fake100x100'" in text
    assert "leave the flag out" in text
    assert not rendered


@pytest.mark.parametrize("asked_for", [True, False])
def test_realsense_with_one_folder_missing_names_it(tmp_path, monkeypatch, rendered, asked_for):
    root = tmp_path / "data" / "realsense"
    for folder in list(REALSENSE_FOLDERS.values())[:2]:
        (root / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    text = refusal("realsense", str(root) if asked_for else "", tmp_path / "cache")
    assert "but not 'real_sense_woman100x100'" in text
    assert not rendered


def test_catdog_keeps_the_splits_of_its_folders(tmp_path, monkeypatch):
    make_catdog(tmp_path / "data" / "catdog_data")
    monkeypatch.chdir(tmp_path)
    found = open_catalog("catdog", "", tmp_path / "cache")
    assert found.class_names == ("cats", "dogs")
    assert found.folders[:3] == (
        Folder(b"train/cats", 0, "train"),
        Folder(b"train/dogs", 1, "train"),
        Folder(b"validation/cats", 0, "validation"),
    )
    assert len(found.folders) == 6
    assert found.root == os.fsencode(tmp_path / "data" / "catdog_data")


def test_catdog_without_pictures_tells_every_way_to_get_them(tmp_path):
    root = make_catdog(tmp_path / "data")
    shutil.rmtree(root / "validation" / "dogs")
    text = refusal("catdog", str(root), tmp_path / "cache")
    assert str(root / "validation" / "dogs") in text
    for way in ("--data_dir", "--dataset=folder:PATH", "--dataset=tfds:cats_vs_dogs"):
        assert way in text


def test_folder_and_tfds_hand_their_argument_on(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "catalog_of_folder", lambda root: ("folder", root))
    monkeypatch.setattr(tfds_source, "open_builder", lambda *arguments: arguments)
    odd = tmp_path / "c:[1] x"
    assert open_catalog(f"folder:{odd}", "", tmp_path) == ("folder", odd)
    assert open_catalog("tfds:mnist:3.0.1", "data", tmp_path) == ("mnist:3.0.1", "data", tmp_path, SILENT)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("catdgo", ["'catdgo'", "did you mean 'catdog'?", "folder:PATH"]),
        ("real_sense", ["did you mean 'realsense'?"]),
        ("pictures/mine", ["'pictures/mine'", "--dataset=folder:PATH"]),
        ("folder", ["--dataset=folder:", "colon", "folder:pictures"]),
        ("folder:", ["--dataset=folder:", "colon"]),
        ("tfds:", ["--dataset=tfds:", "tfds:cats_vs_dogs"]),
        ("", ["unknown dataset ''", "known: catdog"]),
    ],
)
def test_a_wrong_name_is_told_what_is_right(tmp_path, name, words):
    text = refusal(name, "", tmp_path)
    for word in words:
        assert word in text


def test_a_cache_folder_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    make_catdog(tmp_path / "data")
    text = refusal("catdog", str(tmp_path / "data"), tmp_path / "file" / "cache")
    assert f"--cache_dir={tmp_path / 'file' / 'cache'} cannot be a folder (Not a directory)" in text
    assert "give another folder" in text


def test_a_cache_folder_that_may_not_be_written_is_no_mistake(tmp_path, small_disk):
    make_catdog(tmp_path / "data")
    with read_only(small_disk):
        catalog = open_catalog("catdog", str(tmp_path / "data"), small_disk / "cache")
    assert catalog.class_names == ("cats", "dogs")
