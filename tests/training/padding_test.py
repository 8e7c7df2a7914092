"""What pads a batch is in no statistics of BatchNorm: the step is that of the batch's examples alone."""

import numpy as np
import pytest

from models.layers import normalizes_batches
from models.options import ModelOptions
from models.zoo import build_model
from tests.training import step_test
from tests.training.step_test import as_tensors, dtype_policy, hardware_of
from training.optimizer import build_optimizer
from training.options import TrainingOptions
from training.step import make_state, make_train_step

SIDE, CLASSES = 32, 3
# How far sums in another order take numbers apart that dozens of layers have computed, as a part of the largest.
TOLERANCES = {"float32": 1e-4, "mixed_bfloat16": 0.05, "mixed_float16": 0.02}
# The same between BatchNorm's fused kernel and its formula; padding that is counted moves a third and more.
FUSED_TOLERANCE = 0.02


def state_of(name: str, policy: str, size: int):
    filters = (8, 16) if name == "residual_small" else None
    model = build_model(ModelOptions(name, filters=filters, dropout=0.0), 1, CLASSES, (SIDE, SIDE, 3))
    options = TrainingOptions(learning_rate=0.1, optimizer="sgd")
    return make_state(hardware_of(policy), model, lambda _: build_optimizer(options, 10), size)


def batch_of(size: int, real: int, padding: np.ndarray | None = None) -> dict:
    """`real` examples, smooth and unlike each other; the rows after them repeat the first, or hold `padding`."""
    generator = np.random.default_rng(3)
    image = generator.uniform(0, 1, (real, 4, 4, 3)).repeat(SIDE // 4, 1).repeat(SIDE // 4, 2).astype(np.float32)
    rest = np.broadcast_to(image[:1] if padding is None else padding, (size - real, SIDE, SIDE, 3))
    label = np.resize(generator.integers(0, CLASSES, real), size).astype(np.int32)
    return as_tensors(np.concatenate([image, rest]), label, np.arange(size) < real)


def after_a_step(name: str, policy: str, batch: dict, is_full: bool) -> dict[str, np.ndarray]:
    """The sums, and what the step added to each variable of the model, by its path."""
    with dtype_policy(policy):
        state = state_of(name, policy, len(batch["mask"]))
        before = [np.asarray(variable) for variable in state.model.variables]
        make_train_step(state, hardware_of(policy), CLASSES, None)(batch, is_full)
    pairs = zip(before, state.model.variables, strict=True)
    moved = {variable.path: np.asarray(variable).astype(float) - old for old, variable in pairs}
    return moved | {"sums": state.sums.numpy()}


def check_same(one: dict, other: dict, tolerance: float) -> None:
    # A variable that hardly moves (BatchNorm takes away what the bias before another one would add) moves by rounding.
    largest = max(np.abs(moved).max() for moved in other.values())
    for name, moved in one.items():
        apart, size = np.abs(moved - other[name]).max(), np.abs(other[name]).max()
        assert apart <= tolerance * (size + largest / 1000), name


@pytest.mark.parametrize(
    ("name", "policy"),
    [("residual_small", "float32"), ("residual_small", "mixed_bfloat16"), ("residual_small", "mixed_float16"),
     pytest.param("mobilenet_v2_035", "float32", marks=pytest.mark.slow),
     pytest.param("densenet121", "float32", marks=pytest.mark.slow),
     pytest.param("efficientnet_v2_b0", "float32", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_padded_batch_is_its_examples_alone_whatever_pads_it(name, policy):
    # By the same kernels: those of a full step sum in another order, which 50 layers make much of.
    alone = after_a_step(name, policy, batch_of(20, 20), is_full=False)
    statistics = [moved for path, moved in alone.items() if "moving_" in path]
    assert sum(np.abs(moved).max() > 1e-3 for moved in statistics) >= 10
    noise = np.random.default_rng(5).uniform(-3, 4, (44, SIDE, SIDE, 3)).astype(np.float32)
    for padding in (None, noise):
        check_same(after_a_step(name, policy, batch_of(64, 20, padding), False), alone, TOLERANCES[policy])


def test_a_mask_that_leaves_nothing_out_changes_nothing_but_rounding():
    batch = batch_of(8, 8)
    full, masked = (after_a_step("residual_small", "float32", batch, is_full) for is_full in (True, False))
    check_same(masked, full, FUSED_TOLERANCE)


def test_the_first_picture_of_a_batch_counts_once():
    """Where this fails, what pads a batch has pulled its mean towards the first picture."""
    few, many = (after_a_step("residual_small", "float32", batch_of(size, 3), False) for size in (4, 64))
    check_same(many, few, TOLERANCES["float32"])


@pytest.mark.parametrize(
    ("name", "expected"), [("residual_small", True), ("convnext_tiny", False), ("catdog_1", False)]
)
def test_only_models_with_such_layers_are_traced_twice(name, expected):
    model = build_model(ModelOptions(name), 1, CLASSES, (SIDE, SIDE, 3))
    assert normalizes_batches(model) is expected


def test_a_step_without_such_layers_is_traced_once():
    state = step_test.state_of(hardware_of())
    step = make_train_step(state, hardware_of(), CLASSES, None)
    for is_full in (True, False, True):
        step(step_test.batch_of(8, 8), is_full)
    assert step.__wrapped__.experimental_get_tracing_count() == 1
