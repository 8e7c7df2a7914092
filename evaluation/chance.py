"""What chance alone does to a calibration error."""

import numpy as np

from evaluation.calibration import BINS, bins_of

DRAWS = 500
_SEED = 1


def errors_by_chance(probabilities: np.ndarray, draws: int = DRAWS, bins: int = BINS) -> np.ndarray:
    """float64 [draws]: the expected calibration errors that a model with these probabilities, float [n, classes], would
    have on as many examples if each held exactly.

    Whether each answer is right is drawn with its own probability, again and again (consistency resampling, Broecker &
    Smith, "Increasing the reliability of reliability diagrams", 2007; as a test of calibration, Vaicenavicius et al.,
    "Evaluating model calibration in classification", 2019). The same for the same probabilities.
    """
    generator = np.random.default_rng(_SEED)
    confidence = probabilities.max(axis=1).astype(np.float64)
    places = bins_of(confidence, bins)
    errors = np.empty(draws)
    for draw in range(draws):
        gaps = np.bincount(places, (generator.random(len(confidence)) < confidence) - confidence, bins)
        errors[draw] = np.abs(gaps).sum() / len(confidence)
    return errors
