"""Optimizers: Keras's own, by name, and that they take the rate of their step."""

import keras
import numpy as np
import pytest

from tests.training.schedule_test import STEPS, options_of
from training.optimizer import build_optimizer
from training.schedule import learning_rate_at


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "one_cycle", "plateau"])
def test_the_optimizer_takes_the_rate_of_its_step(optimizer, policy, schedule):
    keras.config.set_dtype_policy(policy)
    try:
        options = options_of(optimizer=optimizer, schedule=schedule, warmup_epochs=0.5)
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
    assert (type(kinds["adam"]), kinds["adam"].weight_decay) == (keras.optimizers.Adam, None)
    assert (type(kinds["adamw"]), kinds["adamw"].weight_decay) == (keras.optimizers.AdamW, 0.004)
    assert type(kinds["sgd"]) is keras.optimizers.SGD
    assert (kinds["sgd"].momentum, kinds["sgd"].nesterov) == (0.9, True)
    assert all(float(kind.learning_rate) == 0.5 for kind in kinds.values())
