"""Optimizers: Keras's own, by name and with its arguments, that take the rate of their step; what decay moves."""

import inspect
import re

import keras
import numpy as np
import pytest

from base.errors import UserError
from models.options import ModelOptions
from models.zoo import build_model
from tests.training.schedule_test import STEPS, options_of
from training import optimizer as optimizer_module
from training.optimizer import build_for, build_optimizer
from training.optimizer_names import ARGUMENTS, WITH_MOMENTUM
from training.schedule import learning_rate_at

# What Keras's optimizers take that has an option of its own here, that decides nothing, or that is done elsewhere.
ELSEWHERE = {"learning_rate", "momentum", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema",
             "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name",
             "kwargs", "self"}  # fmt: skip


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adafactor"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "one_cycle", "plateau"])
def test_the_optimizer_takes_the_rate_of_its_step(optimizer, policy, schedule):
    keras.config.set_dtype_policy(policy)
    options = options_of(optimizer=optimizer, schedule=schedule, warmup_epochs=0.5)
    built = build_optimizer(options, STEPS)
    weight = keras.Variable(np.ones(3, np.float32))
    built.build([weight])
    for step in range(15):
        assert float(built.learning_rate) == learning_rate_at(options, STEPS, step)
        built.apply([np.full(3, 2.0, np.float32)])
    assert isinstance(built, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")


def test_a_rate_moves_a_weight_by_as_much():
    built = build_optimizer(options_of(optimizer="sgd", momentum=0.0, schedule="step", step_epochs=0.1), STEPS)
    weight = keras.Variable(np.zeros(1, np.float32))
    built.build([weight])
    moved = []
    for _ in range(4):
        before = float(weight[0])
        built.apply([np.ones(1, np.float32)])
        moved.append(before - float(weight[0]))
    np.testing.assert_allclose(moved, [0.5, 0.5, 0.05, 0.05], rtol=1e-5)


def test_each_name_makes_its_optimizer():
    kinds = {name: build_optimizer(options_of(optimizer=name), STEPS) for name in ARGUMENTS}
    assert {name: type(kind).__name__.lower() for name, kind in kinds.items()} == {name: name for name in ARGUMENTS}
    assert kinds["adam"].weight_decay is None
    assert kinds["adamw"].weight_decay == 0.004
    assert (kinds["sgd"].momentum, kinds["sgd"].nesterov) == (0.9, True)
    assert kinds["rmsprop"].momentum == 0.0
    assert all(float(kind.learning_rate) == 0.5 for kind in kinds.values())


@pytest.mark.parametrize("name", list(ARGUMENTS))
def test_the_arguments_are_those_that_keras_knows(name):
    takes = set(inspect.signature(optimizer_module._CLASSES[name].__init__).parameters)
    # Of adafactor: its rate is never above 1 / sqrt(step) whatever this is.
    assert set(ARGUMENTS[name]) == takes - ELSEWHERE - {"relative_step"}
    assert (name in WITH_MOMENTUM) == ("momentum" in takes)
    for argument, (low, high) in ARGUMENTS[name].items():
        for value in (low, high):
            text = str(value).lower() if isinstance(value, bool) else repr(value)
            built = build_optimizer(options_of(optimizer=name, optimizer_args=f"{argument}={text}"), STEPS)
            assert getattr(built, argument) == value


def test_arguments_reach_keras():
    given = {"optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.1, "optimizer_args": "nesterov=false"}
    built = build_optimizer(options_of(**given), STEPS)
    assert (built.momentum, built.weight_decay, built.nesterov) == (0.5, 0.1, False)
    built = build_optimizer(options_of(optimizer_args="beta_2=0.99, epsilon=1e-6", weight_decay=0.0), STEPS)
    assert (built.beta_1, built.beta_2, built.epsilon, built.weight_decay) == (0.9, 0.99, 1e-6, 0.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"optimizer_args": "beta_3=0.9"}, "beta_3=0.9: adam takes beta_1, beta_2, epsilon, amsgrad, as in"),
        ({"optimizer_args": "clipnorm=1"}, "--optimizer_args=clipnorm=1: adam takes beta_1"),
        ({"optimizer_args": "beta_2=2"}, "beta_2=2: it must be beta_2= and a number from 0 to 0.999999"),
        ({"optimizer_args": "epsilon=tiny"}, "it must be epsilon= and a number from 1e-30 to 1"),
        ({"optimizer_args": "beta_1=0.8,amsgrad=1"}, "=amsgrad=1: it must be amsgrad=true or amsgrad=false"),
        ({"optimizer_args": "rho"}, "--optimizer_args=rho: adam takes beta_1"),
        ({"momentum": 0.5}, "--momentum=0.5: with --optimizer=adam it does nothing; leave it out, or"),
        ({"momentum": 1.0, "optimizer": "sgd"}, "--momentum=1.0: it must be from 0 to 0.9999"),
        ({"weight_decay": 2.0}, "--weight_decay=2.0: it must be from 0 to 1"),
        ({"accumulate_steps": 0}, "--accumulate_steps=0: it must be from 1 to 10000"),
    ],
)  # fmt: skip
def test_what_an_optimizer_does_not_take_is_refused(given, words):
    with pytest.raises(UserError, match=re.escape(words)):
        options_of(**given)


@pytest.mark.parametrize("model", ["catdog_1", "residual_small", "convnext_tiny"])
@pytest.mark.parametrize(("optimizer", "decay"), [("adamw", 0.004), ("sgd", 0.25)])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_decay_moves_kernels_alone_by_rate_times_decay(model, optimizer, decay, policy):
    if model == "convnext_tiny" and (optimizer, policy) != ("adamw", "float32"):
        pytest.skip("one large model is enough")
    keras.config.set_dtype_policy(policy)
    given = {} if optimizer == "adamw" else {"weight_decay": decay}
    built = build_optimizer(options_of(optimizer=optimizer, **given), STEPS)
    variables = build_model(ModelOptions(model), 1, 3, (32, 32, 3)).trainable_variables
    build_for(built, variables)
    for variable in variables:  # biases and offsets begin at zero, where decay would not show
        variable.assign_add(np.full(variable.shape, 0.5, np.float32))
    before = [np.asarray(variable) for variable in variables]
    built.apply([np.zeros(variable.shape, np.float32) for variable in variables], variables)
    for variable, old in zip(variables, before, strict=True):
        is_kernel = variable.path.rpartition("/")[2] in ("kernel", "depthwise_kernel")
        expected = old * (1 - 0.5 * decay) if is_kernel else old
        np.testing.assert_allclose(np.asarray(variable), expected, rtol=1e-6, err_msg=variable.path)
