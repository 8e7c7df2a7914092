"""What a step does that a user may choose, besides its model and its optimizer."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All off by default.

    Attributes:
      clip_norm: that of `gradients.clip`; 0 for none.
      ema_momentum: that of `average.kept_part`, where the state has an average.
      label_smoothing: the part of each label that goes to all classes alike (Szegedy et al., "Rethinking the Inception
        Architecture", 2016, section 7): the loss is that of the target (1 - s) one-hot + s / classes.
      class_weights: what an example's loss is multiplied by, a number a class; empty for 1.
    """

    clip_norm: float = 0.0
    ema_momentum: float = 0.0
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()


PLAIN = Recipe()


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """A weight a class, from the examples that each has: all examples / (classes * those of the class).

    As class_weight="balanced" of scikit-learn (after King & Zeng, "Logistic Regression in Rare Events Data", 2001):
    each class comes to the same sum, and the mean over all examples is 1. A class without examples, which no loss
    meets, is no class here, and has 0.
    """
    classes = sum(count > 0 for count in counts)
    return tuple(sum(counts) / (classes * count) if count else 0.0 for count in counts)
