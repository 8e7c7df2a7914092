"""What the rivals that are made of PyTorch have in common."""

import time
from collections.abc import Callable

TIMED_BATCHES = 4


def copied(model) -> dict:
    """The values of all that a model has learnt."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def epoch_seconds(model, loss: Callable, train, validation, timed_batches: int = TIMED_BATCHES) -> float:
    """Of some training batches, for all of an epoch and its validation; moves the statistics of BatchNorm."""
    batches = iter(train)
    next(batches)
    began = time.time()
    for _ in range(timed_batches):
        images, labels = next(batches)
        loss(model(images), labels).backward()
    return (time.time() - began) / timed_batches * (len(train) + len(validation) / 2)
