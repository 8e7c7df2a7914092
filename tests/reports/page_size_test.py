"""A page of very many classes stays small, and is drawn in its parts."""

import numpy as np
import pytest

from records.tables import PredictionRow, SplitRow
from reports.data_sections import data_figures
from reports.page import evidence_of_run, render_report
from tests.helpers.evidence import history_of_losses
from tests.helpers.report_fixtures import SCORES, Parsed

CLASSES, EXAMPLES = 1000, 10_000
MOST_BYTES = 3_000_000


@pytest.mark.slow
def test_a_thousand_classes_are_shown_in_three_million_bytes(tmp_path):
    generator = np.random.default_rng(0)
    names = [f"n{number:08d}_some_class" for number in range(CLASSES)]
    labels = generator.integers(0, CLASSES, EXAMPLES)
    answers = np.where(generator.random(EXAMPLES) < 0.7, labels, generator.integers(0, CLASSES, EXAMPLES))
    answers = np.where((labels == 417) & (generator.random(EXAMPLES) < 0.9), 418, answers)
    probabilities = generator.random((EXAMPLES, CLASSES), np.float32) / CLASSES
    probabilities[np.arange(EXAMPLES), answers] += 0.5
    rows = [PredictionRow(f"{row}.jpg", names[label], names[answer], probabilities[row])
            for row, (label, answer) in enumerate(zip(labels, answers, strict=True))]  # fmt: skip
    split = [SplitRow(row.path, row.label, "test", "") for row in rows]
    scores = SCORES | {"accuracy": float(np.mean(labels == answers)), "examples": EXAMPLES}
    results = {"dataset": "folder:/many", "model": "residual_small", "data_origin": "real", "class_names": names,
               "train": None, "validation": None, "test": scores, "epochs": 20}  # fmt: skip
    history = [row | {"loss": 1.0, "accuracy": 0.5, "validation_accuracy": 0.5, "learning_rate": 0.1}
               for row in history_of_losses([0.5] * 20)]  # fmt: skip
    data = data_figures(split, names)
    evidence = evidence_of_run(results, history, rows, (), data)
    text = render_report(run_path=tmp_path, evidence=evidence, data=data, unused=((), ()), options=(), command="")
    parsed = Parsed(text)
    assert len(text.encode()) < MOST_BYTES
    assert "Below: the 23 classes of the most frequent mistakes." in parsed.words("confusion")
    assert "The 12 of the lowest F1:" in parsed.words("classes")
    assert all(name in parsed.sections["classes"] for name in names)
    assert f"share of the true class {names[417]} {names[418]}" in parsed.words("pairs")
    assert "mean of the curves of 1,000 classes" in parsed.words("ranking")
