"""The report stands alone, escapes every name, and says what is not there instead of failing."""

import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from evaluation import metrics
from jobs.report import draw_report, read_record
from records.history import COLUMNS
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports import plots
from tests.helpers.report_fixtures import SCORES, SHEET, make_run, mistake, report_of

SECTIONS = ("headline", "curves", "confusion", "classes", "pairs", "ranking", "calibration", "mistakes", "data",
            "samples", "augmentation", "run", "options")  # fmt: skip
HOSTILE = ("<b>bold</b>", "\"quoted\" & 'single'", "猫 </td>", "\udcff\nnew", "$x$ {{ 7 * 7 }}", "n" * 400)


def _without_pictures(text: str) -> str:
    return re.sub(r"data:image/(png|jpeg|svg.xml);base64,[\w+/=]+", "", text)


def test_page_stands_alone_and_has_every_section(tmp_path):
    text, parsed = report_of(make_run(tmp_path), [mistake()], (SHEET, SHEET))
    assert not re.search(
        r"https?://|//\w+\.\w+/|url\(|@import", re.sub(r"data:image/(png|jpeg|svg.xml);base64,[\w+/=]+", "", text)
    )
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    for address in parsed.attributes("src"):
        assert re.match("data:image/(png|jpeg|svg.xml);base64,", address)
    ids = parsed.attributes("id")
    assert tuple(ids) == SECTIONS
    assert {address.removeprefix("#") for address in parsed.attributes("href")} == set(SECTIONS)
    assert parsed.open_tags == []


@pytest.mark.usefixtures("_fast_plots")
def test_page_can_be_read_without_eyes_and_in_the_dark(tmp_path):
    text, parsed = report_of(make_run(tmp_path), [mistake()])
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    plots_of = [attributes.get("class") for tag, attributes in parsed.tags if tag == "img"]
    assert plots_of.count("light") == plots_of.count("dark") > 8
    assert all(attributes.get("scope") in ("col", "row", "rowgroup") for tag, attributes in parsed.tags if tag == "th")
    assert ("html", {"lang": "en"}) in parsed.tags
    assert "prefers-color-scheme: dark" in text
    assert any("width=device-width" in content for content in parsed.attributes("content"))


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize("origin", ["real", "synthetic"])
def test_synthetic_data_is_said_loudly_and_only_then(tmp_path, origin):
    text, parsed = report_of(make_run(tmp_path, data_origin=origin))
    assert ("SYNTHETIC DATA" in text) == (origin == "synthetic")
    assert ("banner" in parsed.attributes("class")) == (origin == "synthetic")


@pytest.mark.usefixtures("_fast_plots")
def test_figures_on_the_page_are_those_of_metrics(tmp_path):
    predictions = [(0, 0)] * 40 + [(0, 1)] * 10 + [(1, 1)] * 29 + [(1, 0)]
    _, parsed = report_of(make_run(tmp_path, predictions=predictions))
    low, high = metrics.wilson_interval(40, 50)
    classes = parsed.words("classes")
    assert f"0 cats 50 97.6% 87.4% to 99.6% 80.0% {100 * low:.1f}% to {100 * high:.1f}% 87.9%" in classes
    assert parsed.words("pairs").endswith("cats dogs 10 20.0% dogs cats 1 3.3%")
    assert "69 of 80 test examples are on the diagonal" in parsed.sections["confusion"]
    assert "not of the same run" not in parsed.sections["confusion"]
    assert "86.25%" in parsed.sections["headline"]
    assert "88.33%" in parsed.sections["headline"]  # balanced: the mean of 40/50 and 29/30


@pytest.mark.usefixtures("_fast_plots")
def test_how_well_it_ranks_and_whether_it_is_calibrated_is_said_where_it_is_known(tmp_path):
    said = {"top_5_accuracy": 0.98765, "roc_area": 0.87654, "average_precision": None, "brier_score": 0.25,
            "calibration_error": 0.0625}  # fmt: skip
    _, parsed = report_of(make_run(tmp_path / "new", test=SCORES | {"examples": 60} | said))
    words = parsed.words("headline")
    assert "accuracy of the five likeliest 98.77% area under the ROC curve 0.8765 Brier score 0.25" in words
    assert "expected calibration error 0.0625" in words
    assert "average precision" not in words
    _, parsed = report_of(make_run(tmp_path / "old"))
    assert "Brier" not in parsed.words("headline")


@pytest.mark.usefixtures("_fast_plots")
def test_page_warns_of_predictions_that_are_of_another_run(tmp_path):
    _, parsed = report_of(make_run(tmp_path, test=SCORES | {"accuracy": 0.123, "examples": 60}))
    assert "not of the same run" in parsed.sections["confusion"]


def test_hostile_names_are_shown_as_they_are(tmp_path):
    folder = make_run(tmp_path, class_names=HOSTILE, dataset="folder:/<i>&")
    folder.quarantine.write([RefusedRow("a\udcfe<x>.jpg", "not a <picture>")])
    text, parsed = report_of(folder, [mistake(name) for name in HOSTILE])
    for section in ("classes", "pairs", "data", "mistakes"):
        for name in HOSTILE:
            assert name.replace("\udcff\nnew", "\\xff\\nnew") in parsed.sections[section]
    assert "a\\xfe<x>.jpg" in parsed.sections["data"]
    assert "not a <picture>" in parsed.sections["data"]
    assert parsed.open_tags == []
    assert "<b>bold" not in text
    assert "$x$ 49" not in text
    assert "folder:/<i>&" in parsed.sections[""]


@pytest.mark.usefixtures("_fast_plots")
def test_run_without_test_split_says_so(tmp_path):
    folder = make_run(tmp_path, predictions=[])
    _, parsed = report_of(folder)
    assert "no test split" in parsed.sections["headline"]
    assert "validation accuracy" in parsed.sections["headline"]
    assert not {"confusion", "classes", "pairs", "mistakes"} & set(parsed.attributes("id"))
    (tmp_path / "predictions_test.csv").unlink()
    assert report_of(folder)[1].sections == parsed.sections


@pytest.mark.usefixtures("_fast_plots")
def test_run_without_mistakes_says_so(tmp_path):
    _, parsed = report_of(make_run(tmp_path, predictions=[(0, 0)] * 5 + [(1, 1)] * 6))
    assert "No mistake: all 11 test examples were right." in parsed.sections["mistakes"]
    assert "No test example was taken for another class." in parsed.sections["pairs"]


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize(("classes", "epochs"), [(43, 1), (2, 0)])
def test_many_classes_one_epoch_and_none(tmp_path, classes, epochs):
    names = [f"{number:05d}" for number in range(classes)]
    _, parsed = report_of(make_run(tmp_path, class_names=names, epochs=epochs))
    assert all(name in parsed.sections["classes"] for name in names)
    assert ("curves" in parsed.sections) == (epochs > 0)


@pytest.mark.usefixtures("_fast_plots")
def test_full_training_has_no_validation(tmp_path):
    folder = make_run(tmp_path, validation=None)
    folder.history.write(
        [dict.fromkeys(COLUMNS, 0.5) | {"epoch": 1, "step": 9, "validation_loss": None, "validation_accuracy": None}]
    )
    _, parsed = report_of(folder)
    assert "validation" not in parsed.sections["headline"]
    assert "1 0.5000 50.00% – – 0.5" in parsed.words("curves")


@pytest.mark.usefixtures("_fast_plots")
def test_facts_say_what_is_known_and_leave_out_what_is_not(tmp_path):
    known = {"seconds": 3725.4, "images_per_second": 2104.6, "input_wait_fraction": 0.031, "parameters": 1234567,
             "weights_sha256": "0f" * 32, "versions": {"keras": "3.15.1", "python": "3.11"}, "seed": 12345,
             "something_new": {"deep": 3}}  # fmt: skip
    text = report_of(make_run(tmp_path, **known))[1].words("run")
    for fact in ("duration 1:02:05", "images per second 2,105", "input wait 3.1% of", "parameters 1,234,567",
                 "0f" * 32, "keras 3.15.1, python 3.11", "something new.deep 3",
                 "epochs 4, best: 1"):  # fmt: skip
        assert fact in text
    bare = report_of(make_run(tmp_path))[1].sections["run"]
    assert "duration" not in bare
    assert "None" not in bare


@pytest.mark.usefixtures("_fast_plots")
def test_options_and_the_command_that_replays_the_run(tmp_path):
    text = report_of(make_run(tmp_path / "my runs; rm"))[1].words("options")
    assert f"python train.py '--flagfile={tmp_path}/my runs; rm/flags.txt'" in text
    for line in (
        "seed 12345",
        "rotate_degrees 20 ",
        "model catdog_2",
        "filters –",
        "learning_rate 0.0001",
        "data_dir –",
    ):
        assert line in text
    assert "null" not in text
    assert "None" not in text


@pytest.mark.usefixtures("_fast_plots")
def test_data_counts_and_leaks(tmp_path):
    folder = make_run(tmp_path)
    assert "No two splits hold a file with the same bytes." in report_of(folder)[1].sections["data"]
    rows = [("a", "cats", "train", "1"), ("b", "cats", "train", "1"), ("c", "cats", "test", "1"),
            ("d", "dogs", "validation", "2"), ("e", "dogs", "test", ""), ("f", "dogs", "train", "")]  # fmt: skip
    rows = [SplitRow(*row) for row in rows]
    folder.split.write(rows)
    text = report_of(folder)[1].words("data")
    assert "cats 2 0 1 3 dogs 1 1 1 3 all 3 1 2 6" in text
    assert "3 files have the same bytes as a file of another split" in text
    assert "another class" not in text
    folder.split.write([*rows, SplitRow("g", "dogs", "train", "1")])
    text = report_of(folder)[1].words("data")
    assert "4 files have the same bytes as a file of another split" in text
    assert "4 files have the same bytes as a file of another class" in text


@pytest.mark.usefixtures("_fast_plots")
def test_long_quarantine_list_is_cut_and_counted(tmp_path):
    folder = make_run(tmp_path)
    folder.quarantine.write([RefusedRow(f"bad{n}.jpg", "no") for n in range(250)])
    text = report_of(folder)[1].sections["data"]
    assert "250 files quarantined" in text
    assert "The other 50 are in quarantine.csv." in text
    assert text.count("bad") == 200


@pytest.mark.usefixtures("_fast_plots")
def test_mistakes_show_their_pixels(tmp_path):
    shown = mistake(side=40)
    _, parsed = report_of(make_run(tmp_path), [shown, mistake(side=500)])
    images = [attributes for tag, attributes in parsed.tags if tag == "img" and ", taken for" in attributes["alt"]]
    assert images[0]["src"] == plots.data_uri(_png_of(shown.image))
    assert len(images[1]["src"]) < 300_000  # reduced
    assert images[1]["src"].startswith("data:image/jpeg;")
    assert "98.8%" in parsed.sections["mistakes"]
    assert "test/cats/1.jpg" in parsed.sections["mistakes"]


def _png_of(image: np.ndarray) -> bytes:
    Image.fromarray(image).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("_fast_plots")
def test_foreign_predictions_and_missing_files_are_refused(tmp_path):
    folder = make_run(tmp_path)
    folder.predictions.write((), [PredictionRow("a.jpg", "cats", "wolves", np.zeros(0, np.float32))])
    with pytest.raises(ValueError, match="names the class 'wolves'"):
        draw_report(read_record(folder))
    folder.results.path.unlink()
    with pytest.raises(FileNotFoundError, match=r"results\.json"):
        draw_report(read_record(folder))


@pytest.mark.usefixtures("_fast_plots")
def test_class_that_is_called_as_a_column(tmp_path):
    names = ("label", "prediction", "path")
    folder = make_run(tmp_path, class_names=names)
    text = report_of(folder)[1].sections["classes"]
    assert all(name in text for name in names)
    assert folder.results.read()["class_names"] == list(names)
