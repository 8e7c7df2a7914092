"""The report of a data set stands alone, escapes every name, and shows a probe where there is one."""

import re

import numpy as np
import pytest

from records.prepared_folder import REPORT_BEGINNING
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.data_page import render_data_report
from tests.helpers.report_fixtures import SHEET, Parsed

NAMES = ("cats", "<b>dogs</b>")
PROBE = {
    "accuracy": 0.75, "accuracy_interval": [0.5, 0.9], "balanced_accuracy": 0.7321, "loss": 0.5, "examples": 8,
    "model": "mobilenet_v2", "weights": "imagenet", "image_size": [192, 224], "folds": 5,
    "strengths": [0.01, 0.1, 0.01],
    "largest_class": {"name": "cats", "share": 0.5}, "seconds": {"features": 61.2, "probe": 3.4},
    "versions": {"keras": "3"}, "notes": ["'cats' has <4> pictures"],
}  # fmt: skip


def page_of(probe=None, predictions=(), **changed) -> tuple[str, Parsed]:
    split = [
        SplitRow(f"{name}/{number}.jpg", name, "train", f"{name}{number}") for name in NAMES for number in range(4)
    ]
    given = {"dataset": "folder:/pictures/pets", "data_origin": "real", "class_names": NAMES, "split": split,
             "quarantine": [RefusedRow("a<x>.jpg", "not a <picture>")], "aside": [], "notes": ["test: <drawn>"],
             "sheets": (SHEET, SHEET), "probe": probe or {}, "predictions": predictions}  # fmt: skip
    text = render_data_report(**given | changed)
    return text, Parsed(text)


def rows(right: int, wrong: int) -> list[PredictionRow]:
    row = np.array([0.5, 0.5], np.float32)
    return [PredictionRow("p", NAMES[0], NAMES[0], row)] * right + [PredictionRow("p", NAMES[1], NAMES[0], row)] * wrong


def test_it_stands_alone_and_escapes_names():
    text, parsed = page_of()
    assert text.startswith(REPORT_BEGINNING)
    assert not re.search(r"https?://|//\w+\.\w+/|url\(|@import", re.sub(r"base64,[\w+/=]+", "", text))
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert parsed.open_tags == []
    for name in ("<b>dogs</b>", "a<x>.jpg", "not a <picture>", "test: <drawn>"):
        assert name in parsed.sections["data"]
    assert parsed.words("data").startswith(
        "Data Examples a class and split class train validation test all cats 4 0 0 4"
    )
    assert "prepare.py --probe says" in parsed.sections["headline"]
    assert not {"confusion", "classes", "pairs"} & set(parsed.attributes("id"))


def test_a_probe_is_shown_with_its_figures_and_notes():
    text, parsed = page_of(PROBE, rows(6, 2))
    headline = parsed.words("headline")
    for words in ("75.00%", "192 x 224 pixels",
                  "50.0% to 90.0%", "73.21%", "0.5000", "mobilenet_v2", "imagenet", "'cats' has <4> pictures",
                  "0.01, 0.1", "0:01:01 for features, 3 s for the folds"):  # fmt: skip
        assert words in headline
    assert "6 of 8 probed examples are on the diagonal" in parsed.sections["confusion"]
    assert parsed.words("pairs").endswith("<b>dogs</b> cats 2 100.0%")
    sections = {"headline", "confusion", "classes", "pairs", "data", "samples", "augmentation"}
    assert set(parsed.attributes("id")) == sections
    assert {address.removeprefix("#") for address in parsed.attributes("href")} == sections
    assert parsed.open_tags == []
    assert "test split to count" not in text


@pytest.mark.parametrize("origin", ["real", "synthetic"])
def test_synthetic_pictures_are_said_loudly_and_only_then(origin):
    text, _ = page_of(data_origin=origin)
    assert ("SYNTHETIC DATA" in text) == (origin == "synthetic")
