"""The page of other pictures stands alone, says which pictures and which model, and has what a run's has of them."""

import re

import numpy as np
import pytest

from evaluation.figures import all_figures
from evaluation.metrics import class_figures
from records.tables import RefusedRow
from reports.assessment_page import ASSESSMENT_BEGINNING, render_assessment
from reports.numbers import percent, percent_interval
from tests.helpers.evidence import predicted_of_counts
from tests.helpers.report_fixtures import Parsed


def page_of(
    run_path, confusion=((40, 2), (5, 40)), class_names=("cats", "<b>dogs</b>"), **changed
) -> tuple[str, Parsed]:
    predicted = predicted_of_counts(confusion, class_names=class_names)
    figures = all_figures(predicted.labels, predicted.probabilities, class_names, predicted.answers)
    figures["date"] = "2026-01-31T20:15:22+01:00"
    paths = [f"/pictures/<i>{number}</i>.jpg" for number in range(len(predicted.labels))]
    given = {"run_path": run_path, "what": "folder:/pictures/<new>, all of it", "split": "", "figures": figures,
             "predicted": predicted, "paths": paths}  # fmt: skip
    text = render_assessment(**given | changed)
    return text, Parsed(text)


def test_it_stands_alone_and_begins_as_no_other_page(tmp_path):
    text, parsed = page_of(tmp_path / "run-7")
    assert text.startswith(ASSESSMENT_BEGINNING)
    assert not re.search(r"https?://|//\w+\.\w+/|url\(|@import", re.sub(r"base64,[\w+/=]+", "", text))
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert parsed.open_tags == []
    sections = ["headline", "confusion", "classes", "pairs", "ranking", "calibration", "mistakes", "data"]
    assert parsed.attributes("id") == sections
    assert [address.removeprefix("#") for address in parsed.attributes("href")] == sections


@pytest.mark.usefixtures("_fast_plots")
def test_it_says_which_model_and_which_pictures(tmp_path):
    _, parsed = page_of(tmp_path / "run-7", notes=["3 pictures were trained on"],
                        refused=[RefusedRow("a<x>.jpg", "no <picture>")])  # fmt: skip
    head = parsed.words("")
    assert "run-7, scored again" in head
    assert "folder:/pictures/<new>, all of it, scored 2026-01-31 20:15:22 UTC+01:00" in head
    assert str(tmp_path / "run-7") in head
    assert "80 of 87 scored pictures are right" in parsed.sections["headline"]
    assert "80 of 87 scored examples are on the diagonal" in parsed.sections["confusion"]
    for words in ("3 pictures were trained on", "1 file refused", "a<x>.jpg", "no <picture>"):
        assert words in parsed.words("data")


@pytest.mark.usefixtures("_fast_plots")
def test_the_surest_mistakes_are_listed_with_their_files(tmp_path):
    _, parsed = page_of(tmp_path, confusion=[[2, 1], [0, 3]])
    assert parsed.words("mistakes").endswith("cats <b>dogs</b> 90.0% /pictures/<i>2</i>.jpg")
    assert "No picture was taken for another class." in page_of(tmp_path, np.diag([3, 3]))[1].sections["mistakes"]


@pytest.mark.usefixtures("_fast_plots")
def test_precision_recall_and_f1_stand_with_their_intervals(tmp_path):
    counts = np.array([[45, 5], [3, 27]])
    words = page_of(tmp_path, confusion=counts)[1].words("classes")
    for one in class_figures(counts):
        for value, interval in ((one.precision, one.precision_interval), (one.recall, one.recall_interval),
                                (one.f1, one.f1_interval)):  # fmt: skip
            assert f"{percent(value)} {percent_interval(interval)}" in words


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize("positive", ["", "cats", "dogs"])
def test_of_two_classes_the_curves_are_of_the_positive_one(tmp_path, positive):
    words = page_of(tmp_path, class_names=("cats", "dogs"), positive_class=positive)[1].words("ranking")
    assert f"of {positive or 'dogs'}" in words


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize(
    ("split", "words"), [("train", "trained on these"), ("validation", "chosen on these"), ("test", ""), ("", "")]
)
def test_pictures_that_the_model_knows_are_warned_of(tmp_path, split, words):
    _, parsed = page_of(tmp_path, split=split)
    assert words in parsed.words("headline")
    assert ("warning" in parsed.attributes("class")) == bool(words)
    assert f"80 of 87 {split or 'scored'} pictures are right" in parsed.sections["headline"]


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize("is_synthetic", [False, True])
def test_synthetic_pictures_are_said_loudly_and_only_then(tmp_path, is_synthetic):
    text, _ = page_of(tmp_path, is_synthetic=is_synthetic)
    assert ("SYNTHETIC DATA" in text) == is_synthetic
