"""Corrupted pictures are counted one by one, whatever the batches they come in, and none is held for longer."""

import weakref

import numpy as np
import pytest

from base.signals import Stopped, StopRequest
from base.watch import Watch
from evaluation.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from evaluation.metrics import wilson_interval
from evaluation.robustness import CLEAN, mean_accuracy, measure_robustness, passes_of, worst_row
from tests.conftest import random_picture

PICTURES = np.stack([random_picture(seed, 20, 24) for seed in range(10)])
LABELS = np.arange(10) % 3


def classify(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three classes by how much light and how much detail a picture has, so that every corruption counts."""
    values = pictures.astype(np.float64).reshape(len(pictures), -1) / np.iinfo(pictures.dtype).max
    scores = np.stack([values.mean(axis=1), 2 * values.std(axis=1), 4 * abs(np.diff(values)).mean(axis=1)], axis=1)
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    return probabilities.argmax(axis=1), probabilities.astype(np.float32)


def batches_of(sizes, order=None, pictures=PICTURES):
    order = np.arange(len(pictures)) if order is None else order
    for rows in np.split(order, np.cumsum(sizes)[:-1]):
        yield pictures[rows], LABELS[rows]


def by_name(rows) -> dict:
    return {(row.corruption, row.severity): row for row in rows}


def test_rows_are_those_of_each_picture_by_itself():
    rows = by_name(measure_robustness(batches_of([4, 4, 2]), classify, 255, seed=5))
    assert list(rows) == [(CLEAN, 0)] + [(one.name, severity) for one in CORRUPTIONS for severity in SEVERITIES]
    assert len(rows) == passes_of(PICTURES.dtype) == 36
    for corruption in CORRUPTIONS:
        for severity in SEVERITIES:
            row, right, losses = rows[corruption.name, severity], 0, []
            for picture, label in zip(PICTURES, LABELS, strict=True):
                answers, probabilities = classify(corrupt(picture, corruption, severity, 5, 255)[None])
                right += int(answers[0] == label)
                losses.append(-np.log(probabilities[0, label]))
            assert (row.accuracy, row.examples) == (right / 10, 10)
            assert (row.accuracy_low, row.accuracy_high) == wilson_interval(right, 10)
            assert row.loss == pytest.approx(np.mean(losses), abs=1e-5)
            assert row.parameter == pytest.approx(corruption.parameter(severity, (20, 24)), rel=1e-3)
            assert row.unit == corruption.unit
    clean = rows[CLEAN, 0]
    assert clean.accuracy == np.mean(classify(PICTURES)[0] == LABELS)
    assert (clean.parameter, clean.unit) == ("", "")
    assert len({row.loss for row in rows.values()}) == 36  # each was looked at by itself


def test_order_and_batches_change_nothing():
    expected = measure_robustness(batches_of([10]), classify, 255)
    order = np.random.default_rng(1).permutation(10)
    for sizes, rows in (([1, 8, 1], None), ([3, 7], order)):
        found = measure_robustness(batches_of(sizes, rows), classify, 255)
        for one, other in zip(found, expected, strict=True):
            assert one._replace(loss=0) == other._replace(loss=0)
            assert one.loss == pytest.approx(other.loss, abs=2e-6)


def test_the_answers_are_the_models_and_not_the_likeliest_classes():
    def reluctant(pictures):
        answers, probabilities = classify(pictures)
        return (answers + 1) % 3, probabilities

    rows = measure_robustness(batches_of([10]), reluctant, 255)
    assert rows[0].accuracy == np.mean((classify(PICTURES)[0] + 1) % 3 == LABELS)


def test_16_bits_go_without_jpeg():
    deep = np.stack([random_picture(seed, 16, 16, 1, 16) for seed in range(4)])
    rows = measure_robustness(batches_of([4], pictures=deep), classify, 65535)
    assert len(rows) == passes_of(deep.dtype) == 31
    assert "JPEG" not in {row.corruption for row in rows}


def test_no_batch_is_held_once_it_is_counted():
    alive = []

    def batches():
        for start in range(0, 10, 2):
            assert all(reference() is None for reference in alive[:-1])
            pictures = PICTURES[start : start + 2].copy()
            alive.append(weakref.ref(pictures))
            yield pictures, LABELS[start : start + 2]

    measure_robustness(batches(), classify, 255)
    assert len(alive) == 5


def test_it_says_how_far_it_is_and_can_be_stopped():
    told, stop = [], StopRequest()

    class Told(Watch):
        def progress(self, done, total, doing, note=""):
            told.append((done, total, doing))
            if len(told) == 50:
                stop.signal_name = "SIGTERM"

    with pytest.raises(Stopped, match="SIGTERM: stopped while corrupted pictures were scored"):
        measure_robustness(batches_of([4, 4, 2]), classify, 255, total=10, watch=Told(stop))
    assert len(told) == 50
    stop.signal_name = ""
    del told[:]
    measure_robustness(batches_of([4, 4, 2]), classify, 255, total=10, watch=Told())
    done = [one for one, _, _ in told]
    assert done == sorted(set(done))
    assert (done[-1], {total for _, total, _ in told}) == (360, {360})
    assert [doing for _, _, doing in told][:2] == ["as they are", "blur, severity 1"]


def test_mean_and_worst_leave_the_clean_pictures_out():
    rows = measure_robustness(batches_of([10]), classify, 255)
    spoilt = [row.accuracy for row in rows[1:]]
    assert mean_accuracy(rows) == pytest.approx(np.mean(spoilt))
    assert worst_row([rows[0]._replace(accuracy=-1.0), *rows[1:]]).accuracy == min(spoilt)
    assert worst_row(rows) is rows[1 + int(np.argmin(spoilt))]


def test_no_picture_gives_no_row():
    assert measure_robustness([], classify, 255) == []
