"""Going on from a checkpoint: another number of replicas is said."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from jobs.train import _resume
from training.checkpoint import Checkpoint


def resume(replicas: int, name: str = "kernel", processor="A CPU") -> list[str]:
    """The log lines of a run on so many replicas that finds a checkpoint of one; its variable must come back."""
    tensor = tf.Variable([0.0], name=name)
    saved = Checkpoint(3, [], {"replicas": 1, "processor": "A CPU"}, {"sums": [np.array([7.0], np.float32)]})
    state = SimpleNamespace(parts={"sums": [tensor]}, model=SimpleNamespace(variables=[SimpleNamespace(path=name)]))
    loop = SimpleNamespace(identity={"replicas": replicas, "processor": processor}, state=state)
    said = []
    _resume(loop, saved, SimpleNamespace(say=said.append))
    assert (loop.step, tensor.numpy().tolist()) == (3, [7.0])
    return said


def test_the_same_layout_goes_on_without_a_word():
    assert resume(1) == ["resume      from step 3, after 0 whole epochs"]


def test_another_processor_is_said():
    _, line = resume(1, processor="A CPU without oneDNN")
    assert line == (
        "processor   warning: A CPU -> A CPU without oneDNN, which rounds otherwise: the last bits may differ"
    )


@pytest.mark.parametrize("name", ["kernel", "stem_norm/moving_variance"])
def test_another_number_of_replicas_is_said_with_what_it_changes(name):
    _, line = resume(2, name)
    assert line.startswith("replicas    1 -> 2: same examples, augmentation and dropout; sums over replicas differ in")
    assert ("BatchNorm normalises by each replica's own rows" in line) == (name != "kernel")
