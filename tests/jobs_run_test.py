"""Going on from a checkpoint: another number of replicas is said, everything else that bits depend on is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from jobs.run import _resume
from sources.errors import UserError
from training.checkpoint import Checkpoint, save_checkpoint

IDENTITY = {"precision": "float32", "replicas": 1}


def resume(folder, identity, name="kernel") -> list[str]:
    """The log lines of a run of `identity` that finds a checkpoint of IDENTITY; its variable must come back."""
    tensor = tf.Variable([0.0], name=name)
    save_checkpoint(folder, Checkpoint(3, [], IDENTITY, [np.array([7.0], np.float32)]), [tensor])
    model = SimpleNamespace(variables=[SimpleNamespace(path=name)])
    state = SimpleNamespace(variables=[tensor], model=model)
    loop = SimpleNamespace(checkpoint_dir=folder, options=SimpleNamespace(identity=identity), state=state)
    said = []
    _resume(loop, SimpleNamespace(say=said.append))
    assert (loop.step, tensor.numpy().tolist()) == (3, [7.0])
    return said


def test_the_same_layout_goes_on_without_a_word(tmp_path):
    assert resume(tmp_path, IDENTITY) == ["resume      from step 3, after 0 whole epochs"]


@pytest.mark.parametrize("name", ["kernel", "stem_norm/moving_variance"])
def test_another_number_of_replicas_is_said_with_what_it_changes(name, tmp_path):
    _, line = resume(tmp_path, IDENTITY | {"replicas": 2}, name)
    assert line.startswith("replicas    1 -> 2: same examples, augmentation and dropout; sums over replicas differ in")
    assert ("BatchNorm normalises by each replica's own rows" in line) == (name != "kernel")


def test_what_changes_more_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"precision: float32 -> mixed_float16\): restore what changed"):
        resume(tmp_path, {"precision": "mixed_float16", "replicas": 2})
