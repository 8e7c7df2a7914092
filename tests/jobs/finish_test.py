"""The weights that are scored and exported: those of the best epoch, computing in float32."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from base.errors import UserError
from jobs.options import resolve
from jobs.resume import best_model
from models.zoo import build_model
from pipeline.decoding.pixel_format import PixelFormat
from tests.helpers.runs import HARDWARE, run_of
from training.checkpoint import Checkpoint, save_checkpoint, to_arrays


@pytest.fixture(params=["mixed_bfloat16", "float32"])
def run_and_model(tmp_path, request):
    """A run whose checkpoints of steps 10 and 20 hold other weights, and its model, after another step."""
    keras.config.set_dtype_policy(request.param)
    options = resolve("folder:here", {"model": "catdog_1", "filters": (4,), "units": 5, "image_size": 16})
    model = build_model(options.model, options.seed, 3, (16, 16, 3))
    sums = keras.Variable(np.zeros(3), name="sums")
    for step in (10, 20):
        for variable in model.trainable_variables:
            variable.assign(np.random.default_rng(step).normal(size=variable.shape))
        parts = {"model": model.variables, "sums": [sums]}
        arrays = {part: to_arrays(variables) for part, variables in parts.items()}
        save_checkpoint(tmp_path / "checkpoints", Checkpoint(step, [], {}, arrays), parts)
    manifest, pixels = (
        SimpleNamespace(class_names=("a", "b", "c")),
        SimpleNamespace(pixel_format=PixelFormat.square(16)),
    )
    for variable in model.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    hardware = dataclasses.replace(HARDWARE, policy=request.param)
    yield run_of(SimpleNamespace(manifest=manifest, pixels=pixels), tmp_path, options, hardware), model
    keras.config.set_dtype_policy("float32")


def test_a_damaged_best_epoch_is_named(run_and_model):
    run, model = run_and_model
    path = run.folder.checkpoints / "step-00000010" / "variables.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"step-00000010' is damaged .*checksum.*another --run_dir"):
        best_model(run, model, 10)
    with pytest.raises(UserError, match=r"step-00000030' is damaged .*No such file"):
        best_model(run, model, 30)


@pytest.mark.parametrize("step", [10, 20])
def test_the_exported_weights_are_those_of_the_epoch_asked_for(step, run_and_model):
    run, trained = run_and_model
    model = best_model(run, trained, step)
    # One that computes in float32 already is not built again.
    assert (model is trained) is (run.hardware.policy == "float32")
    for variable in model.trainable_variables:
        expected = np.random.default_rng(step).normal(size=variable.shape).astype(np.float32)
        np.testing.assert_array_equal(variable.numpy(), expected)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
