"""How answers come out of what a model gives: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses
from collections.abc import Sequence

from base.errors import UserError
from base.options import Options, option

FIGURES = ("recall", "precision")


@dataclasses.dataclass(frozen=True)
class DecisionOptions(Options):
    """What is fitted on the validation split when training is over, and exported with the model.

    None of it is part of a run's identity: a finished run that is given others is scored and exported again.
    """

    calibrate: bool = option(
        False, "a temperature, fitted on the validation split, divides the logits of what is scored and exported, so "
        "that probabilities come nearer to what they say; no answer changes", identity=False,
    )  # fmt: skip
    threshold_for: str = option(
        "", "of two classes: the positive one is answered from a probability on that is chosen on the validation "
        "split and exported: the highest with a recall, as recall:0.95, or the lowest with a precision, as "
        "precision:0.9; without it the likelier class is answered", identity=False,
    )  # fmt: skip
    positive_class: str = option(
        "", "the class that --threshold_for is about; where none is given the second one in order", identity=False
    )

    @property
    def target(self) -> tuple[str, float] | None:
        """("recall" or "precision", a rate in (0, 1]) of the threshold; None where none is asked for."""
        name, _, rate = self.threshold_for.partition(":")
        return (name, float(rate)) if self.threshold_for else None

    def positive(self, class_names: Sequence[str]) -> int:
        """The number of the class that --threshold_for is about."""
        return list(class_names).index(self.positive_class) if self.positive_class else 1

    @property
    def needs_validation(self) -> str:
        """The first flag that is fitted on the validation split, as it was given; empty where there is none."""
        return "--calibrate" * self.calibrate or f"--threshold_for={self.threshold_for}" * bool(self.threshold_for)

    def __post_init__(self):
        super().__post_init__()
        if self.threshold_for and not _is_target(self.threshold_for):
            raise UserError(
                f"--threshold_for={self.threshold_for:.80}: it must be recall or precision and a rate above 0 and up "
                "to 1, as in recall:0.95"
            )
        if self.positive_class and not self.threshold_for:
            raise UserError(
                f"--positive_class={self.positive_class}: without --threshold_for it does nothing; leave it out"
            )


def _is_target(text: str) -> bool:
    name, _, rate = text.partition(":")
    try:
        return name in FIGURES and 0 < float(rate) <= 1
    except ValueError:
        return False
