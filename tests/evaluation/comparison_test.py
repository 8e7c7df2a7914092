"""Comparisons against scipy, against examples that were worked out by hand, and by what must hold of any answers."""

import numpy as np
import pytest
from scipy import stats

from evaluation import comparison
from evaluation.comparison import (
    MOST_RESAMPLES,
    best_of,
    compare_pairs,
    contested,
    holm,
    mcnemar_exact,
    resampled_means,
    resamples_of,
    unbeaten,
)


def answers(examples: int, *accuracies: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(right, losses) of models that agree on what is hard, as models do."""
    generator = np.random.default_rng(seed)
    hard = generator.random(examples)
    noise = generator.normal(0, 0.1, (len(accuracies), examples))
    right = hard + noise < np.array(accuracies)[:, None]
    return right, np.where(right, 0.1, 2.0) * generator.uniform(0.5, 1.5, right.shape)


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(0, 0), (0, 1), (1, 0), (0, 5), (0, 6), (3, 12), (12, 3), (7, 7), (7, 8), (40, 61), (600, 700), (3000, 3100)],
)
def test_mcnemars_exact_test_is_scipys_binomial_one(only_first, only_second):
    trials = only_first + only_second
    expected = stats.binomtest(only_first, trials).pvalue if trials else 1.0
    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_exact(only_first, only_second) == mcnemar_exact(only_second, only_first)


def test_counts_that_are_none_are_refused():
    with pytest.raises(ValueError, match="-1 and 4 examples"):
        mcnemar_exact(-1, 4)


def test_equally_good_models_are_told_apart_no_more_often_than_said():
    generator = np.random.default_rng(1)
    p_values = [mcnemar_exact(b, 40 - b) for b in generator.binomial(40, 0.5, 4000).tolist()]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) <= 0.05 + 0.01


def test_holms_correction_of_an_example_worked_out_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and the last no less than the third.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.7, 0.6]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.3]), [0.3])


@pytest.mark.parametrize("tests", [1, 2, 3, 10, 45])
def test_holms_correction_keeps_the_order_and_lies_between_none_and_bonferronis(tests):
    generator = np.random.default_rng(tests)
    for _ in range(50):
        raw = generator.random(tests) ** 3
        raw[: tests // 3] = raw[0]  # ties
        corrected = holm(raw)
        assert (corrected >= raw).all()
        assert (corrected <= np.minimum(1.0, raw * tests) + 1e-15).all()
        assert (np.diff(corrected[np.argsort(raw, kind="stable")]) >= 0).all()
        assert corrected.min() == pytest.approx(min(1.0, raw.min() * tests))
        again = generator.permutation(tests)
        np.testing.assert_allclose(holm(raw[again]), corrected[again])


def test_the_bootstraps_interval_is_scipys():
    right, losses = answers(300, 0.9, 0.8)
    (pair,) = compare_pairs(right, losses, key=5)
    for values, interval in ((right.astype(float), pair.accuracy_interval), (losses, pair.loss_interval)):
        theirs = stats.bootstrap(
            (values[0] - values[1],),
            np.mean,
            method="percentile",
            n_resamples=MOST_RESAMPLES,
            rng=np.random.default_rng(0),
        )
        wide = interval[1] - interval[0]
        np.testing.assert_allclose(interval, theirs.confidence_interval, atol=0.05 * wide)
    mean = (values[0] - values[1]).mean()
    assert pair.loss_difference == pytest.approx(mean)
    assert pair.loss_interval[0] < mean < pair.loss_interval[1]


def test_resampled_means_are_those_of_draws_with_replacement(monkeypatch):
    values = np.arange(8.0)[None] ** 2
    means = resampled_means(values, key=3, resamples=4000)[:, 0]
    assert means.mean() == pytest.approx(values.mean(), abs=0.5)
    assert means.std() == pytest.approx(values.std() / np.sqrt(8), rel=0.05)
    assert len(np.unique(means)) > 100
    monkeypatch.setattr(comparison, "_BLOCK", 40)
    np.testing.assert_allclose(resampled_means(values, key=3, resamples=4000)[:, 0], means)
    assert not np.allclose(resampled_means(values, key=4, resamples=4000)[:, 0], means)


def test_few_examples_are_resampled_often_and_many_often_enough():
    assert [resamples_of(count) for count in (1, 400, 2000, 5000, 10**6)] == [10_000] * 3 + [4000, 1000]


def test_all_models_are_resampled_alike():
    values = np.random.default_rng(0).random(50)
    means = resampled_means(np.stack([values, values + 1, 2 * values]), key=0, resamples=200)
    np.testing.assert_allclose(means[:, 1], means[:, 0] + 1)
    np.testing.assert_allclose(means[:, 2], 2 * means[:, 0])


def test_a_pair_is_the_same_in_either_order_and_beside_others():
    right, losses = answers(200, 0.9, 0.7, 0.8)
    ((pair), *_) = compare_pairs(right, losses, key=9)
    (alone,) = compare_pairs(right[:2], losses[:2], key=9)
    (turned,) = compare_pairs(right[[1, 0]], losses[[1, 0]], key=9)
    assert (alone.only_first, alone.only_second) == (turned.only_second, turned.only_first)
    for name in ("accuracy", "loss"):
        assert getattr(pair, f"{name}_difference") == getattr(alone, f"{name}_difference")
        assert getattr(turned, f"{name}_difference") == pytest.approx(-getattr(alone, f"{name}_difference"))
        np.testing.assert_allclose(getattr(pair, f"{name}_interval"), getattr(alone, f"{name}_interval"))
        low, high = getattr(alone, f"{name}_interval")
        np.testing.assert_allclose(getattr(turned, f"{name}_interval"), (-high, -low), atol=1e-12)
    assert alone.p_value == turned.p_value == alone.corrected_p_value
    assert (alone.better, turned.better) == (0, 1)


def test_counts_and_differences_are_those_of_the_answers():
    right = np.array([[1, 1, 1, 1, 0, 0], [1, 0, 0, 1, 1, 0]], bool)
    losses = np.arange(12.0).reshape(2, 6)
    (pair,) = compare_pairs(right, losses, key=0)
    assert (pair.only_first, pair.only_second) == (2, 1)
    assert pair.accuracy_difference == pytest.approx(4 / 6 - 3 / 6)
    assert pair.loss_difference == pytest.approx(-6.0)
    assert pair.p_value == 1.0
    assert pair.better is None


def test_p_values_of_many_models_are_corrected_over_all_pairs():
    right, losses = answers(400, 0.95, 0.9, 0.86, 0.6)
    pairs = compare_pairs(right, losses, key=0)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    np.testing.assert_allclose([pair.corrected_p_value for pair in pairs], holm([pair.p_value for pair in pairs]))


@pytest.mark.parametrize("shape", [(1, 5), (2, 0), (2,)])
def test_what_cannot_be_compared_is_refused(shape):
    with pytest.raises(ValueError, match="two models or more"):
        compare_pairs(np.ones(shape, bool), np.ones(shape), key=0)
    with pytest.raises(ValueError, match="two models or more"):
        compare_pairs(np.ones((2, 3), bool), np.ones((2, 4)), key=0)


def test_a_best_model_is_better_than_every_other_one():
    right, losses = answers(500, 0.95, 0.5, 0.5)
    pairs = compare_pairs(right, losses, key=0)
    assert (best_of(pairs, 3), unbeaten(pairs, 3)) == (0, [0])
    right[1] = right[0]
    pairs = compare_pairs(right, losses, key=0)
    assert (best_of(pairs, 3), unbeaten(pairs, 3)) == (None, [0, 1])
    right[2] = right[0]
    pairs = compare_pairs(right, losses, key=0)
    assert (best_of(pairs, 3), unbeaten(pairs, 3)) == (None, [0, 1, 2])


def test_the_most_contested_examples_come_first():
    right = np.array([[1, 1, 1, 0, 0, 1], [1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1], [1, 1, 1, 0, 1, 0]], bool)
    of_class = np.where(right, 0.75, 0.25)
    of_class[0, 2] = 0.5
    # 2, 4 and 5 divide the four in halves, of which 2 a little less far apart; all agree on 0 and 3.
    of_class[3, 2] = 0.625
    assert contested(right, of_class).tolist() == [4, 5, 2, 1]
    assert contested(right[:1], of_class[:1]).tolist() == []
