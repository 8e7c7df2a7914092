"""Whether probabilities mean what they say: reliability, expected calibration error, Brier score, and a temperature."""

import dataclasses

import numpy as np

BINS = 15  # as in Guo et al., "On Calibration of Modern Neural Networks", 2017
# Temperatures that are tried: a network that needs more than tenfold is not sure of anything.
TEMPERATURES = (0.05, 20.0)
_LEAST = 1e-12  # below float32's resolution of a probability


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Examples by how sure the model was of its answer, in equally wide bins of confidence.

    Attributes:
      edges: float64 [bins + 1], from 0 to 1.
      examples: int64 [bins].
      confidence, accuracy: float64 [bins], means in each bin; NaN where it is empty.
    """

    edges: np.ndarray
    examples: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_error(self) -> float:
        """The expected calibration error, in [0, 1]: |accuracy - confidence|, averaged over examples (Guo et al. 2017).

        It is biased upwards: chance alone moves each bin's accuracy, so that a perfectly calibrated model has some
        with few examples (Kumar et al., "Verified Uncertainty Calibration", 2019).
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.sum(np.where(self.examples, self.examples * gaps, 0.0)) / self.examples.sum())


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Reliability:
    """Of int [n] `labels` and float [n, classes] `probabilities`; a bin holds its upper edge and not its lower one."""
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    right = answers == labels
    places = bins_of(confidence, bins)
    examples = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, values, bins) / examples for values in (confidence, right)]
    return Reliability(_edges(bins), examples, *means)


def bins_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """int64 [n]: the bin of `reliability` that each float64 [n] confidence, in [0, 1], lies in."""
    return np.clip(np.searchsorted(_edges(bins), confidence, side="left") - 1, 0, bins - 1)


def _edges(bins: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, bins + 1)


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over examples of the squared distances of all probabilities from 1 for the class and 0 for the others:
    in [0, 2], as Brier had it (1950); of two classes twice what is often given."""
    probabilities = np.asarray(probabilities, np.float64)
    wanted = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - wanted) ** 2).sum(axis=1).mean())


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """float64 [n, classes]: the softmax of the logits divided by `temperature`, which their logarithms stand for.

    Its argmax is the same, and 1 changes nothing; 0 stays nearly 0.
    """
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature whose log loss on these examples is least, in `TEMPERATURES` (Guo et al. 2017, section 4.2).

    The loss is convex in 1 / temperature, so that the one minimum is found. Where every answer is right it is the
    lowest that is tried.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = at_temperature(probabilities, np.exp(log_temperature))
        return float(-np.log(np.maximum(scaled[rows, labels], _LEAST)).mean())

    bounds = tuple(np.log(TEMPERATURES))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))
