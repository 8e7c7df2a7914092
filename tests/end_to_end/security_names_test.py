"""Names that are markup, formulas and templates, from the folders to the report, the tables and TensorBoard."""

import os
import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.helpers.report_fixtures import Parsed
from tests.helpers.run_fixtures import BROKEN, SHAPES, finished_run, read_rows, run_script, session_dir, write_shapes

CLASSES = ("<img src=x onerror=alert(1)>", '"><script>alert(2)', "=1+1 {{ 7 * 7 }}")
# A slash ends a name, but not a path: closing tags come as folder and file.
FILES = ("<svg onload=alert(3)>{}.png", "\"' onmouseover=alert(4) x='{}.png", "new\nline ]]> {}.png",
         "=cmd|calc!A{}.png", "&lt;i&gt;{}.png", "a</td><script>alert(5)<{}.png", "{}</script>.png")  # fmt: skip


def hostile_tree(root: Path) -> Path:
    """24 pictures a class, under hostile names, and one that is no picture."""
    plain = write_shapes(root.parent / "plain", dict.fromkeys(SHAPES, 24))
    for shape, name in zip(SHAPES, CLASSES, strict=True):
        for number, path in enumerate(sorted((plain / shape).iterdir())):
            target = root / name / FILES[number % len(FILES)].format(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    broken = root / CLASSES[0] / "<b>broken</b>.jpg"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(BROKEN)
    return root


@pytest.fixture(scope="module")
def hostile() -> tuple[Path, Path]:
    """(the pictures, the folder of a run on them)."""
    root, run_dir = hostile_tree(session_dir() / "<i>hostile</i>"), session_dir() / "hostile-run"
    done = run_script(
        "train.py", f"--dataset=folder:{root}", f"--run_dir={run_dir}", "--model=catdog_1", "--filters=4", "--units=4",
        "--image_size=16", "--epochs=1", "--threads=2",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    return root, run_dir


def shapes_of(page: Parsed) -> set[tuple]:
    """The tags of a page, each with the names of its attributes."""
    return {(tag, tuple(attributes)) for tag, attributes in page.tags}


def test_the_report_holds_no_markup_but_its_own(hostile):
    text = (hostile[1] / "report.html").read_text("utf-8")
    page = Parsed(text)
    assert shapes_of(page) <= shapes_of(Parsed((finished_run() / "report.html").read_text("utf-8")))
    assert all(re.match("data:image/(png|svg.xml);base64,", address) for address in page.attributes("src"))
    assert all(address.startswith("#") for address in page.attributes("href"))
    assert page.open_tags == []
    assert "default-src 'none'" in text


def test_the_report_shows_every_name_as_text(hostile):
    page = Parsed((hostile[1] / "report.html").read_text("utf-8"))
    for section in ("classes", "data"):
        assert all(name in page.sections[section] for name in CLASSES)
    assert "<b>broken</b>.jpg" in page.sections["data"]
    assert "<i>hostile</i>" in page.sections["options"]
    rows = read_rows(hostile[1] / "predictions_test.csv")
    wrong = [row["path"].replace("\n", "\\n") for row in rows if row["label"] != row["prediction"]]
    assert wrong
    assert [path for path in wrong[:24] if path not in page.sections["mistakes"]] == []


def test_tables_hold_the_names_as_they_are(hostile):
    # No apostrophe before a formula: a path that is not the file's is of no use to any program.
    root, run_dir = hostile
    for name in ("split.csv", "predictions_test.csv"):
        rows = read_rows(run_dir / name)
        assert rows
        assert all(os.path.isfile(root / row["path"]) for row in rows)
        assert {row["label"] for row in rows} == set(CLASSES)
    assert list(read_rows(run_dir / "predictions_test.csv")[0])[3:] == [f"p({name})" for name in sorted(CLASSES)]


def test_tensorboard_gets_pictures_and_our_own_words(hostile):
    for split in ("train", "validation", "test"):
        events = EventAccumulator(str(hostile[1] / split), size_guidance={"tensors": 0})
        events.Reload()
        for tag in events.Tags()["tensors"]:
            assert tag.startswith("precision_recall/class_") or tag in (
                           "loss", "accuracy", "learning_rate", "images_per_second", "input_wait_fraction", "samples",
                           "augmented", "input", "confusion", "calibration", "worst_mistakes", "options", "curves",
                           "run", "verdict")  # fmt: skip
            for event in events.Tensors(tag):
                values = tf.make_ndarray(event.tensor_proto)
                texts = [value.decode("utf-8", "replace") for value in values.ravel()] if values.dtype == object else []
                assert not [text for text in texts if "<" in text and not text.startswith("\ufffdPNG")]


def test_names_come_out_of_the_model_as_they_went_in(hostile):
    loaded = tf.saved_model.load(str(hostile[1] / "saved_model"))
    assert [name.decode() for name in loaded.class_names().numpy()] == sorted(CLASSES)
