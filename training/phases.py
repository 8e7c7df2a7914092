"""The phases of a run: what learns first, what then, for how many epochs and at which rate."""

import dataclasses
from collections.abc import Sequence

from training.history import should_stop
from training.options import HEAD_EPOCHS, HEAD_LEARNING_RATE, TrainingOptions

HEAD, ALL = "head", "all"


@dataclasses.dataclass(frozen=True)
class Phase:
    """Epochs in which the same variables learn, with an optimizer and a schedule of their own.

    Attributes:
      name: HEAD, on features that were computed once, or ALL, on pictures.
      options: the run's, with this phase's epochs and learning rate.
      epochs_after: those of the phases after this one.
    """

    name: str
    options: TrainingOptions
    epochs_after: int = 0

    def rows(self, history: Sequence[dict]) -> list[dict]:
        """The rows of a run's history that are this phase's."""
        return [row for row in history if row["phase"] == self.name]

    def is_over(self, history: Sequence[dict]) -> bool:
        """Whether all its epochs are done, or early stopping has ended them."""
        rows = self.rows(history)
        return len(rows) >= self.options.epochs or should_stop(
            rows, self.options.early_stop_patience, self.options.early_stop_on
        )


def phases_of(options: TrainingOptions, is_pretrained: bool) -> tuple[Phase, ...]:
    """The phases in their order; `is_pretrained` says whether the model is a backbone that begins with weights."""
    what = chosen_train(options, is_pretrained)
    last = Phase(HEAD if what == "head" else ALL, options)
    if what != "head_then_all":
        return (last,)
    rate = options.head_learning_rate or HEAD_LEARNING_RATE
    head = dataclasses.replace(options, epochs=options.head_epochs or HEAD_EPOCHS, learning_rate=rate)
    return Phase(HEAD, head, options.epochs), last


def chosen_train(options: TrainingOptions, is_pretrained: bool) -> str:
    """--train, where that is auto what it comes to."""
    if options.train != "auto":
        return options.train
    return "head_then_all" if is_pretrained else "all"


def keeps_statistics(options: TrainingOptions, is_pretrained: bool) -> bool:
    """Whether a backbone's BatchNorm computes with the statistics that it begins with, also where its weights learn."""
    return is_pretrained if options.backbone_batchnorm == "auto" else options.backbone_batchnorm == "frozen"
