"""Optimizers and schedules: rates at steps, and that the optimizer really takes them."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.optimizer import FusedAdam, build_optimizer, learning_rate_at
from training.options import RunOptions

STEPS = 20  # an epoch


def options_of(**given) -> RunOptions:
    return RunOptions("folder:here", **({"epochs": 5, "learning_rate": 0.5} | given))


def rates(options: RunOptions) -> list[float]:
    return [learning_rate_at(options, STEPS, step) for step in range(options.epochs * STEPS)]


def test_a_constant_rate_is_constant():
    assert set(rates(options_of())) == {0.5}


def test_cosine_falls_from_the_rate_to_zero_over_the_run():
    expected = [0.25 * (1 + math.cos(math.pi * step / 100)) for step in range(100)]
    np.testing.assert_allclose(rates(options_of(schedule="cosine")), expected, atol=1e-6)
    assert learning_rate_at(options_of(schedule="cosine"), STEPS, 100) == pytest.approx(0, abs=1e-7)


def test_cosine_warms_up_and_then_falls():
    found = rates(options_of(schedule="cosine", warmup_epochs=1.5))
    np.testing.assert_allclose(found[:30], [0.5 * (1 + step * 29 / 30) / 30 for step in range(30)], atol=1e-6)
    expected = [0.25 * (1 + math.cos(math.pi * step / 70)) for step in range(70)]
    np.testing.assert_allclose(found[30:], expected, atol=1e-6)


@pytest.mark.parametrize("warmup_epochs", [0.05, 0.15, 0.5, 2.0])
def test_a_constant_rate_warms_up_in_stairs(warmup_epochs):
    warmup_steps = math.ceil(warmup_epochs * STEPS)
    found = rates(options_of(warmup_epochs=warmup_epochs))
    assert found == sorted(found)
    assert all(rate == 0.5 for rate in found[warmup_steps + 1 :])
    assert 0 < found[0] <= 0.5
    if warmup_steps > 5:
        assert found[0] < 0.1
        ramp = [0.5 * min(1, (step + 1) / warmup_steps) for step in range(len(found))]
        # A stair is a tenth of the rate high.
        np.testing.assert_allclose(found, ramp, atol=0.051 + 0.5 / warmup_steps)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_the_optimizer_takes_the_rate_of_its_step(optimizer, policy):
    keras.config.set_dtype_policy(policy)
    try:
        options = options_of(optimizer=optimizer, schedule="cosine", warmup_epochs=0.5)
        built = build_optimizer(options, STEPS)
        weight = keras.Variable(np.ones(3, np.float32))
        built.build([weight])
        for step in range(15):
            assert float(built.learning_rate) == learning_rate_at(options, STEPS, step)
            built.apply([np.full(3, 2.0, np.float32)])
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(built, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")


def test_each_name_makes_its_optimizer():
    kinds = {name: build_optimizer(options_of(optimizer=name), STEPS) for name in ("adam", "adamw", "sgd")}
    assert (type(kinds["adam"]), kinds["adam"].weight_decay) == (FusedAdam, None)
    assert (type(kinds["adamw"]), kinds["adamw"].weight_decay) == (FusedAdam, 0.004)
    assert type(kinds["sgd"]) is keras.optimizers.SGD
    assert (kinds["sgd"].momentum, kinds["sgd"].nesterov) == (0.9, True)
    assert all(float(kind.learning_rate) == 0.5 for kind in kinds.values())


@pytest.mark.parametrize(("name", "reference"), [("adam", keras.optimizers.Adam), ("adamw", keras.optimizers.AdamW)])
def test_the_fused_update_is_the_one_of_keras(name, reference):
    rng = np.random.default_rng(7)
    start = [rng.normal(size=(5, 4)).astype(np.float32), rng.normal(size=7).astype(np.float32)]
    optimizers = [build_optimizer(options_of(optimizer=name, learning_rate=0.01), STEPS), reference(0.01)]
    variables = [[keras.Variable(value) for value in start] for _ in optimizers]
    for _ in range(20):
        # Over six powers of ten, so that epsilon matters too.
        gradients = [(rng.normal(size=value.shape) * 10.0 ** rng.integers(-6, 1)).astype(np.float32) for value in start]
        for optimizer, mine in zip(optimizers, variables, strict=True):
            optimizer.apply([tf.constant(gradient) for gradient in gradients], mine)
    assert np.abs(np.asarray(variables[1][0]) - start[0]).max() > 0.01
    for fused, plain in zip(*variables, strict=True):
        np.testing.assert_allclose(fused, plain, rtol=1e-5, atol=1e-7)
    for fused, plain in zip(optimizers[0].variables, optimizers[1].variables, strict=True):
        # 1 - 0.999 is 1.3e-5 off in float32, in which the kernel subtracts.
        np.testing.assert_allclose(fused, plain, rtol=3e-5, atol=1e-12)
