"""What a run fits on its validation split when training is over: a temperature, and a threshold of two classes."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from base.errors import UserError, unknown_name
from evaluation.calibration import at_temperature, fit_temperature, reliability
from evaluation.curves import curve_of
from evaluation.decisions import LIKELIEST, Decision, OperatingPoint, point_at, point_for_precision, point_for_recall
from evaluation.metrics import log_losses
from evaluation.options import DecisionOptions
from jobs.answered import Answered


def check_decision(asked: DecisionOptions, class_names: Sequence[str]) -> None:
    """Raises UserError for a threshold of other than two classes, and for a positive class that there is not."""
    if asked.threshold_for and len(class_names) != 2:
        raise UserError(
            f"--threshold_for={asked.threshold_for}: it is for two classes, and there are {len(class_names)}; leave it "
            "out: the likeliest class is answered"
        )
    if asked.positive_class and asked.positive_class not in class_names:
        raise unknown_name("--positive_class", asked.positive_class, class_names)


@dataclasses.dataclass(frozen=True)
class Temperature:
    """What was fitted, and log loss and expected calibration error on the validation split, (before, after)."""

    value: float
    loss: tuple[float, float]
    calibration_error: tuple[float, float]

    @property
    def words(self) -> str:
        """For the log and the report."""
        (loss, now), (error, error_now) = self.loss, self.calibration_error
        return (
            f"temperature {self.value:.4g}, fitted on the validation split: log loss {loss:.4f} -> {now:.4f}, "
            f"calibration error {error:.4f} -> {error_now:.4f} there"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """The examples of each split, and what was fitted on those of the validation split."""

    splits: dict[str, Answered]
    temperature: Temperature | None
    decision: Decision


def find_temperature(labels: np.ndarray, probabilities: np.ndarray) -> Temperature:
    """Of the validation split: int [n], float32 [n, classes], as they are without a temperature."""
    value = float(np.float32(fit_temperature(labels, probabilities)))
    both = [probabilities, at_temperature(probabilities, value)]
    losses = [float(log_losses(labels, rows).mean()) for rows in both]
    return Temperature(value, tuple(losses), tuple(reliability(labels, rows).expected_error for rows in both))


def find_decision(
    asked: DecisionOptions, class_names: Sequence[str], labels: np.ndarray, probabilities: np.ndarray
) -> Decision:
    """The threshold that was asked for, of the validation split: int [n], float32 [n, classes], at the temperature that
    is exported. The likeliest class where none was asked for, or none comes to what was."""
    if asked.target is None:
        return LIKELIEST
    positive, (figure, rate) = asked.positive(class_names), asked.target
    is_positive = labels == positive
    if not 0 < is_positive.sum() < len(labels):
        return LIKELIEST
    find = {"recall": point_for_recall, "precision": point_for_precision}[figure]
    point = find(curve_of(is_positive, probabilities[:, positive]), rate)
    return Decision(positive, point.threshold) if point else LIKELIEST


def decision_results(asked: DecisionOptions, class_names: Sequence[str], judgement: Judgement) -> dict:
    """What results.json says of it: what was asked for, what was fitted, and what the threshold comes to on the
    validation and the test split."""
    temperature, decision, points = judgement.temperature, judgement.decision, {}
    if decision.threshold is not None:
        splits = {name: judgement.splits[name] for name in ("validation", "test")}
        points = {name: point_at(decision, one.labels, one.probabilities) for name, one in splits.items()}
    return {
        "asked": dataclasses.asdict(asked),
        "temperature": dataclasses.asdict(temperature) if temperature else None,
        "threshold": decision.threshold,
        "words": decision.words(class_names),
        **{name: dataclasses.asdict(point) for name, point in points.items() if point},
    }


def decision_lines(results: Mapping) -> list[str]:
    """For the log, what `decision_results` gave."""
    asked, lines = DecisionOptions(**results["asked"]), []
    if results["temperature"]:
        lines.append(f"calibrated  {Temperature(**results['temperature']).words}")
    if asked.threshold_for and results["threshold"] is None:
        lines.append(f"threshold   warning: on the validation split none has {asked.threshold_for.replace(':', ' ')}, "
                     "so the likelier class is answered")  # fmt: skip
    if results["threshold"] is not None:
        lines.append(f"threshold   {results['words']}")
        for split in ("validation", "test"):
            if split in results:
                lines.append(f"  {split:<10}  {_rates(OperatingPoint(**results[split]))}")
    return lines


def _rates(point: OperatingPoint) -> str:
    def shown(name: str, value: float | None, interval: Sequence[float] | None) -> str:
        return f"{name} none" if value is None else f"{name} {value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"

    return f"{shown('recall', point.recall, point.recall_interval)}  " + shown(
        "precision", point.precision, point.precision_interval
    )
