"""A variable that takes a part of each update moves as under an optimizer with that part of the learning rate."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.run_fixtures import ROOT, run_code
from tests.training.schedule_test import STEPS, options_of
from tests.training.step_test import dtype_policy
from training.optimizer import build_optimizer
from training.rates import apply_by_rates

FACTORS, RATE = (1.0, 0.125, 1.0, 0.3), 0.01


def variables() -> list[keras.Variable]:
    generator = np.random.default_rng(2)
    return [keras.Variable(generator.normal(0, 1, (7,)).astype(np.float32), name=f"v{place}") for place in range(4)]


def gradients_of(step: int) -> list[tf.Tensor]:
    generator = np.random.default_rng(step)
    return [tf.constant(generator.normal(0.5, 1, (7,)), tf.float32) for _ in range(4)]


def optimizer_of(name: str, rate: float) -> keras.optimizers.Optimizer:
    return build_optimizer(options_of(optimizer=name, learning_rate=rate, schedule="cosine", warmup_epochs=0.5), STEPS)


def scaled(gradients: list, optimizer) -> list:
    return [optimizer.scale_loss(gradient) for gradient in gradients]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_it_moves_as_with_a_part_of_the_learning_rate(name, policy):
    with dtype_policy(policy):
        together, optimizer = variables(), optimizer_of(name, RATE)
        optimizer.build(together)
        step = tf.function(lambda *gradients: apply_by_rates(optimizer, list(gradients), together, FACTORS))
        for number in range(12):
            step(*scaled(gradients_of(number), optimizer))
        for place, factor in enumerate(FACTORS):
            alone, own = variables()[place], optimizer_of(name, RATE * factor)
            own.build([alone])
            for number in range(12):
                own.apply(scaled(gradients_of(number)[place : place + 1], own), [alone])
            begun = np.asarray(variables()[place])
            moved, expected = np.asarray(together[place]) - begun, np.asarray(alone) - begun
            assert np.abs(expected).max() > 1e-4
            np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6)


def test_an_update_that_is_left_out_moves_nothing():
    with dtype_policy("mixed_float16"):
        weights, optimizer = variables(), optimizer_of("adam", RATE)
        optimizer.build(weights)
        before = [np.asarray(variable) for variable in weights]
        apply_by_rates(optimizer, [tf.fill([7], np.inf)] * 4, weights, FACTORS)
    for variable, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), old)
    assert int(np.asarray(optimizer.iterations)) == 0


def test_without_factors_nothing_is_added_to_the_step():
    weights, optimizer = variables(), optimizer_of("sgd", RATE)
    optimizer.build(weights)

    def ops_of(apply) -> list[str]:
        graph = tf.function(lambda: apply(gradients_of(1))).get_concrete_function().graph
        return sorted(operation.type for operation in graph.get_operations())

    plain = ops_of(lambda gradients: optimizer.apply(gradients, weights))
    assert ops_of(lambda gradients: apply_by_rates(optimizer, gradients, weights, [1.0] * 4)) == plain


REPLICAS = """
import sys, json
import numpy as np, keras, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path[:0] = [sys.argv[1]]
from tests.training import rates_test as here
from training.rates import apply_by_rates
found, strategy = {}, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for policy in ("float32", "mixed_float16"):
    keras.config.set_dtype_policy(policy)
    with strategy.scope():
        weights, optimizer = here.variables(), here.optimizer_of("adam", here.RATE)
        optimizer.build(weights)
    @tf.function
    def step(gradients):
        # Each replica brings half of the gradient, as each computes the loss of its share.
        strategy.run(lambda: apply_by_rates(optimizer, [g / 2 for g in gradients], weights, here.FACTORS))
    for number in range(3):
        step(here.scaled(here.gradients_of(number), optimizer))
    copies = [[np.asarray(copy).tolist() for copy in variable.value.values] for variable in weights]
    with_one, own = here.variables(), here.optimizer_of("adam", here.RATE)
    own.build(with_one)
    for number in range(3):
        apply_by_rates(own, here.scaled(here.gradients_of(number), own), with_one, here.FACTORS)
    found[policy] = {"copies": copies, "one": [np.asarray(variable).tolist() for variable in with_one]}
print(json.dumps(found))
"""


def test_on_two_replicas_both_copies_move_as_on_one():
    done = run_code(REPLICAS, str(ROOT))
    assert done.code == 0, done.stderr
    for found in json.loads(done.stdout.splitlines()[-1]).values():
        for copies, one in zip(found["copies"], found["one"], strict=True):
            np.testing.assert_array_equal(copies[0], copies[1])
            np.testing.assert_allclose(copies[0], one, rtol=1e-6)
