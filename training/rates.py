"""Learning rates by variable: whatever the optimizer, some variables take a part of each update.

Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification" (2018), section 3.2: layers near the
input, which know what all pictures have in common, are to change less than those near the classes.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf


def apply_by_rates(
    optimizer: keras.optimizers.Optimizer, gradients: Sequence, variables: Sequence, factors: Sequence[float]
) -> None:
    """`optimizer.apply`, after which each variable has moved by its factor, in (0, 1], of what the optimizer had it
    move; in a replica's context, as that. No factors at all are all 1.

    Every optimizer here moves a variable, weight decay included, in proportion to the learning rate, so this is that
    factor of it, and nothing of the optimizer's own has to be touched: Adam would not see a scaled gradient at all, and
    a loss scale's skipped update moves nothing.
    """
    pairs = zip(variables, factors, strict=True) if factors else ()
    slowed = [(variable, factor) for variable, factor in pairs if factor != 1.0]
    before = [tf.identity(variable.value) for variable, _ in slowed]
    optimizer.apply(gradients, variables)
    for (variable, factor), old in zip(slowed, before, strict=True):
        variable.assign(old + factor * (variable.value - old))
