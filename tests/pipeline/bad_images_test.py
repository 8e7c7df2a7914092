"""What a run does about bad files: --on_bad_image and --max_bad_fraction, before and after decoding."""

import pytest

from base.errors import UserError
from cli import prepare
from jobs.options import resolve
from pipeline import data
from pipeline.sources.folders import Catalog, Folder
from tests.helpers.run_fixtures import call_script, read_rows
from tests.pipeline.data_test import cut_in_half


@pytest.fixture
def tree(picture_tree):
    """Class a of four good files; class b of three good ones, one that its header and two that decoding refuses."""
    root = picture_tree({"a": 4, "b": 5})
    (root / "b" / "0005.jpg").write_text("no picture at all")
    for name in ("0001.png", "0002.jpg"):
        cut_in_half(root / "b" / name)
    return root


def test_bad_files_are_quarantined_and_half_of_a_class_may_be_bad(tree, load):
    loaded = load(tree)
    assert [path for path, _ in loaded.quarantine] == [b"b/0001.png", b"b/0002.jpg", b"b/0005.jpg"]


def test_fail_stops_before_anything_is_decoded_and_names_the_first(tree, load, monkeypatch):
    monkeypatch.setattr(data, "decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UserError) as caught:
        load(tree, on_bad_image="fail")
    text = str(caught.value)
    assert text.startswith("--on_bad_image=fail: 1 bad files, as 'b/0005.jpg': not a picture: none of the magic bytes")
    assert text.endswith("repair them or take them away, or leave them out with --on_bad_image=quarantine")


def test_fail_names_what_only_decoding_finds(tree, load):
    (tree / "b" / "0005.jpg").unlink()
    with pytest.raises(
        UserError, match=r"^--on_bad_image=fail: 2 bad files, as 'b/0001.png': .*; 'b/0002.jpg': cannot"
    ):
        load(tree, on_bad_image="fail", cache="none")
    (tree / "b" / "0001.png").unlink()
    (tree / "b" / "0002.jpg").unlink()
    assert load(tree, on_bad_image="fail").quarantine == ()


def test_fail_names_no_more_than_three(picture_tree, load):
    root = picture_tree({"a": 4, "b": 4})
    for number in range(5):
        (root / "a" / f"bad{number}.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"5 bad files, as .*bad0.*bad1.*bad2[^3]*$"):
        load(root, on_bad_image="fail")


LINE = (
    r"^class 'b': 3 of 6 files are bad \(50%\), more than --max_bad_fraction=0\.49 allows; the first is 'b/0001\.png': "
    r"cannot be decoded: .*: repair them or take them away, or allow more with --max_bad_fraction$"
)


def test_a_class_with_more_bad_files_than_allowed_stops_the_run(tree, load):
    with pytest.raises(UserError, match=LINE):
        load(tree, max_bad_fraction=0.49)
    assert len(load(tree, max_bad_fraction=0.5).quarantine) == 3


def test_the_share_is_of_a_class_and_not_of_all(tree, load, picture_tree):
    picture_tree({"a": 60})
    with pytest.raises(UserError, match=r"class 'b': 3 of 6 files are bad"):
        load(tree, max_bad_fraction=0.49)


def test_none_and_all_may_be_allowed(picture_tree, load):
    root = picture_tree({"a": 8, "b": 9})
    load(root, max_bad_fraction=0.0)
    for number in range(1, 9):
        (root / "b" / f"000{number}{'.png' if number % 2 else '.jpg'}").write_bytes(b"<html>")
    with pytest.raises(
        UserError, match=r"class 'b': 8 of 9 files are bad \(89%\).*first is 'b/0001.png': an HTML page"
    ):
        load(root)
    with pytest.raises(
        UserError, match=r"class 'b': 8 of 9 files are bad \(89%\), more than --max_bad_fraction=0 allows"
    ):
        load(root, max_bad_fraction=0.0)
    assert len(load(root, max_bad_fraction=1.0).quarantine) == 8


def test_most_of_a_class_is_seen_before_anything_is_decoded(picture_tree, load, monkeypatch):
    root = picture_tree({"a": 2, "b": 2})
    for number in range(3):
        (root / "b" / f"bad{number}.jpg").write_bytes(b"")
    monkeypatch.setattr(data, "decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UserError, match=r"class 'b': 3 of 5 files are bad \(60%\)"):
        load(root)


def test_a_bad_file_counts_for_its_class_however_deep_it_lies(picture_tree, load):
    root = picture_tree({"train/a": 3, "train/b": 3, "test/a": 3, "test/b": 3, "train/b/deep/er": 2})
    (root / "train" / "b" / "deep" / "bad.jpg").write_bytes(b"")
    (root / "test" / "b" / "bad.jpg").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"class 'b': 2 of 10 files are bad \(20%\).*'test/b/bad.jpg': cannot be read"):
        load(root, max_bad_fraction=0.19)
    # A catalog may give two folders of any depth to one class.
    folders = (Folder(b"train/a", 0), Folder(b"test/a", 0), Folder(b"train/b/deep", 1), Folder(b"test/b", 1))
    with pytest.raises(UserError, match=r"class 'two': 2 of 7 files"):
        load(Catalog(str(root).encode(), ("one", "two"), folders), max_bad_fraction=0.19)


def test_a_class_that_cannot_be_decoded_at_all_is_named_either_way(picture_tree, load):
    root = picture_tree({"a": 4, "b": 1})
    cut_in_half(root / "b" / "0000.jpg")
    with pytest.raises(UserError, match=r"class 'b': 1 of 1 files are bad \(100%\)"):
        load(root)
    with pytest.raises(UserError, match="class 'b' has no picture to train on"):
        load(root, max_bad_fraction=1.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"on_bad_image": "skip"}, "unknown --on_bad_image 'skip'.*fail, quarantine"),
        ({"max_bad_fraction": 1.5}, "--max_bad_fraction=1.5: it must be from 0 to 1"),
        ({"max_bad_fraction": -0.1}, "--max_bad_fraction=-0.1: it must be from 0 to 1"),
        ({"max_bad_fraction": float("nan")}, "--max_bad_fraction=nan: it must be from 0 to 1"),
    ],
)
def test_bad_values_are_refused(given, words):
    with pytest.raises(UserError, match=words):
        resolve("realsense", given)


def test_what_is_done_about_bad_files_is_no_part_of_the_run():
    assert resolve("realsense", {}).data.on_bad_image == "quarantine"
    assert resolve("realsense", {}).data.max_bad_fraction == 0.5
    other = resolve("realsense", {"on_bad_image": "fail", "max_bad_fraction": 0.25})
    assert other.identity() == resolve("realsense", {}).identity()


def test_a_script_stops_with_one_line_and_the_list(tree, tmp_path, monkeypatch, capfd):
    arguments = [f"--dataset=folder:{tree}", "--image_size=16", f"--out_dir={tmp_path / 'out'}", "--on_bad_image=fail"]
    done = call_script(prepare, arguments, monkeypatch, capfd)
    assert done.code == 2
    assert done.stderr.startswith("error: --on_bad_image=fail: 1 bad files, as 'b/0005.jpg'")
    assert done.stderr.count("\n") == 1
    assert [row["path"] for row in read_rows(tmp_path / "out" / "quarantine.csv")] == ["b/0005.jpg"]
    (tree / "b" / "0002.jpg").unlink()  # of which libjpeg would say its own word, too
    arguments[-1] = "--max_bad_fraction=0.2"
    done = call_script(prepare, arguments, monkeypatch, capfd)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "class 'b': 2 of 5 files are bad (40%), more than --max_bad_fraction=0.2 allows" in done.stderr
    assert len(read_rows(tmp_path / "out" / "quarantine.csv")) == 2
