"""The page begins with what its rules say of the run's files, and shows what was fitted when training was over."""

import pytest

from records.tables import SplitRow
from tests.helpers.report_fixtures import SCORES, make_run, report_of


@pytest.mark.usefixtures("_fast_plots")
def test_it_begins_with_a_verdict_and_with_what_to_try(tmp_path):
    """The rules have their own tests; here is that they are given what the files hold."""
    known = {"input_bottleneck": "input keeps up: well", "epochs_asked": 12, "best_epoch": 3,
             "train": SCORES | {"accuracy": 1.0, "examples": 500}}  # fmt: skip
    folder = make_run(tmp_path, predictions=[(0, 0)] * 40 + [(0, 1)] * 10 + [(1, 1)] * 29 + [(1, 0)], **known)
    rows = folder.history.read() * 3
    folder.history.write([row | {"epoch": n + 1, "validation_loss": 1 / (n + 1)} for n, row in enumerate(rows)])
    words = report_of(folder)[1].words("headline")
    for sentence in ("69 of 80 test pictures are right", "better than always saying “cats”", "takes “cats” for “dogs”",
                     "of train and 75.0% of validation are right", "the validation loss fell over the last 5 epochs",
                     "was 3 of 12", "Its probabilities are", "Input keeps up: well.", "Train longer: --epochs=24",
                     "--weights=imagenet", "--augment=medium"):  # fmt: skip
        assert sentence in words, sentence
    rows = [SplitRow(f"{split}.jpg", "cats", split, "same") for split in ("train", "test")]
    folder.split.write(rows)
    assert "2 files have the same bytes as a file of another split: the figures" in report_of(folder)[1].words(
        "headline"
    )


@pytest.mark.usefixtures("_fast_plots")
def test_flags_stand_apart_and_do_not_break(tmp_path):
    text, _ = report_of(make_run(tmp_path))
    assert "<code>--model=mobilenet_v2_035</code> <code>--weights=imagenet</code>." in text


@pytest.mark.usefixtures("_fast_plots")
def test_a_temperature_and_a_threshold_are_shown_where_they_were_fitted(tmp_path):
    asked = {"calibrate": True, "threshold_for": "recall:0.95", "positive_class": "cats"}
    point = {"threshold": 0.25, "recall": 0.9625, "recall_interval": [0.9, 0.99], "precision": 0.8125,
             "precision_interval": [0.7, 0.9]}  # fmt: skip
    fitted = {"temperature": {"value": 1.25, "loss": [0.5, 0.4321], "calibration_error": [0.1, 0.05]},
              "threshold": 0.25, "words": "'cats' is answered from a probability of 0.2500 on, else 'dogs'",
              "validation": point, "test": point | {"recall": 0.875}}  # fmt: skip
    _, parsed = report_of(make_run(tmp_path / "with", decision={"asked": asked} | fitted))
    for words in (
        "a temperature of 1.25",
        "0.4321",
        "'cats' is answered from a probability of 0.2500 on",
        "96.2%",
        "87.5%",
    ):
        assert words in parsed.words("decision")
    assert "of cats :" in parsed.words("ranking")
    assert "asked" not in parsed.words("run")
    for without in ({"asked": asked, "temperature": None, "threshold": None, "words": ""}, None):
        assert "decision" not in report_of(make_run(tmp_path / "without", decision=without))[1].sections
