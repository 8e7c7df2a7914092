"""The weights that are scored and exported: those of the best epoch, computing in float32."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from base.errors import UserError
from jobs.options import resolve
from jobs.resume import best_model
from models.zoo import build_model
from pipeline.decoding.pixel_format import PixelFormat
from tests.helpers.runs import run_of
from training.checkpoint import Checkpoint, save_checkpoint, to_arrays


@pytest.fixture
def run(tmp_path):
    """A run in mixed_bfloat16 whose checkpoints of steps 10 and 20 hold other weights than its model has now."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    options = resolve("folder:here", {"model": "catdog_1", "filters": (4,), "units": 5, "image_size": 16})
    model = build_model(options.model, options.seed, 3, (16, 16, 3))
    sums = keras.Variable(np.zeros(3), name="sums")
    for step in (10, 20):
        for variable in model.trainable_variables:
            variable.assign(np.random.default_rng(step).normal(size=variable.shape))
        parts = {"model": model.variables, "sums": [sums]}
        arrays = {part: to_arrays(variables) for part, variables in parts.items()}
        save_checkpoint(tmp_path / "checkpoints", Checkpoint(step, [], {}, arrays), parts)
    manifest = SimpleNamespace(class_names=("a", "b", "c"))
    pixels = SimpleNamespace(pixel_format=PixelFormat.square(16))
    yield run_of(SimpleNamespace(manifest=manifest, pixels=pixels), tmp_path, options)
    keras.config.set_dtype_policy("float32")


def test_a_damaged_best_epoch_is_named(run):
    path = run.folder.checkpoints / "step-00000010" / "variables.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"step-00000010' is damaged .*checksum.*another --run_dir"):
        best_model(run, 10)
    with pytest.raises(UserError, match=r"step-00000030' is damaged .*No such file"):
        best_model(run, 30)


@pytest.mark.parametrize("step", [10, 20])
def test_the_exported_weights_are_those_of_the_epoch_asked_for(step, run):
    model = best_model(run, step)
    for variable in model.trainable_variables:
        expected = np.random.default_rng(step).normal(size=variable.shape).astype(np.float32)
        np.testing.assert_array_equal(variable.numpy(), expected)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
