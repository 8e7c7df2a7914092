"""The step on two logical CPUs against one: the same sums, the same weights, and one decision on an overflow."""

import json

import numpy as np
import pytest

from tests.helpers.run_fixtures import ROOT, run_code

REPLICAS = """
import json, sys
import numpy as np, keras, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path[:0] = [sys.argv[1]]
from tests.training import step_test as here
from training.checkpoint import restore, to_arrays
from training.health import find_trouble
from training.recipe import PLAIN, Recipe
from training.step import make_train_step

# One for all: the collectives of two strategies in one process share their keys.
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def distribute(strategy, batch):
    def values(context):
        r, half = context.replica_id_in_sync_group, len(batch["mask"]) // 2
        return {k: v if k == "global_examples" else v[r * half:(r + 1) * half] for k, v in batch.items()}
    return {key: strategy.experimental_distribute_values_from_function(lambda c: values(c)[key]) for key in batch}

def train(replicas, batches, policy="float32", start=None, recipe=PLAIN, done=0, **settings):
    keras.config.set_dtype_policy(policy)
    strategy = mirrored if replicas == 2 else None
    hardware = here.hardware_of(policy, strategy, replicas)
    state = here.state_of(hardware, **settings)
    if start:
        restore(state.parts, start)
    step = make_train_step(state, hardware, here.CLASSES, None, False, recipe)
    every = settings.get("accumulate_steps", 1)
    moving.extend(v.value for v in state.model.variables if v.path.endswith("moving_variance"))
    sums, scales, trail = [], [], [here.weights(state).tolist()]
    for number, batch in enumerate(batches, done + 1):
        step(distribute(strategy, batch) if strategy else batch, False, number % every == 0)
        sums.append(np.asarray(state.sums).tolist())
        trail.append(here.weights(state).tolist())
        if policy == "mixed_float16":
            scales.append(float(np.asarray(state.optimizer.dynamic_scale)))
    states.append({part: to_arrays(variables) for part, variables in state.parts.items()})
    trouble = find_trouble(state.health)
    average = state.average and [np.asarray(v).ravel().tolist() for v in state.average.trainable_variables]
    return {"sums": sums, "weights": trail, "scales": scales, "average": average,
            "trouble": trouble and [trouble.step, trouble.bad_rows.tolist()]}

# Two batches each on 1, 2 and 1 replicas, each from what the one before would have saved; and all on one.
def elastic(policy, **more):
    settings = dict(policy=policy, optimizer="adam", dropout=0.4, **more)
    parts = []
    for number, replicas in enumerate((1, 2, 1)):
        start = states[-1] if parts else None
        parts.append(train(replicas, batches[2 * number:2 * number + 2], start=start, done=2 * number, **settings))
    moved = states[-1]
    whole = train(1, batches[:6], **settings)
    pairs = [pair for part in moved for pair in zip(moved[part], states[-1][part])]
    exact = [np.array_equal(a, b) for a, b in pairs if a.dtype.kind != "f"]
    return {"moved": parts[-1]["weights"][-1], "whole": whole["weights"][-1], "counters_agree": all(exact),
            "begun": parts[1]["weights"][0], "left": parts[0]["weights"][-1], "scales": parts[-1]["scales"]}

# A model with BatchNorm; the batches have padding alone on the second replica.
def normalized():
    found, short = {}, here.batch_of(8, 3, seed=9)
    here.tiny_model = here.normalized_model
    for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
        for replicas in (1, 2):
            run = found[f"{policy} {replicas}"] = train(replicas, [short, short], policy)
            of_replicas = getattr(moving[-1], "values", moving[-1:])
            run["moving"] = [np.asarray(value).tolist() for value in of_replicas]
    return found

moving = []
states = []
batches = [here.batch_of(8, real, seed) for seed, real in enumerate((8, 8, 5, 2, 8, 8))]
# On the second replica alone: one pixel is Inf in float16 and tanh of it 1, a finite loss whose gradients overflow at
# every scale; and one that is NaN.
image = batches[0]["image"].numpy().copy()
image[4:, 0, 0, 0] = 1e6
overflow = batches[0] | {"image": tf.constant(image)}
image[6, 0, 0, 0] = np.nan
spoiled = batches[0] | {"image": tf.constant(image)}
cases = {
    "one": lambda: train(1, batches, l2=0.05), "two": lambda: train(2, batches, l2=0.05),
    "plain": lambda: train(2, [*batches, spoiled]), "elastic": lambda: elastic("float32"),
    "normalized": normalized,
    "clipped": lambda: [train(n, batches, l2=0.05, recipe=Recipe(clip_norm=0.1)) for n in (1, 2)],
    "decayed": lambda: [train(n, batches, optimizer=name, **more) for n in (1, 2)
                        for name, more in (("nadam", {"weight_decay": 0.1}), ("adafactor", {}), ("lamb", {}))],
    "averaged": lambda: [train(n, batches, recipe=Recipe(ema_momentum=0.5), ema_momentum=0.5) for n in (1, 2)],
    "grouped": lambda: elastic("float32", accumulate_steps=3, recipe=Recipe(clip_norm=0.1)),
    "grouped_half": lambda: elastic("mixed_float16", accumulate_steps=3, recipe=Recipe(clip_norm=0.1)),
    "overflow": lambda: train(2, [batches[0], overflow, batches[1]] + [overflow] * 50, "mixed_float16"),
    "elastic_half": lambda: elastic("mixed_float16"),
}
print(json.dumps({name: cases[name]() for name in sys.argv[2:]}))
"""


def run_cases(*names: str) -> dict:
    """Results on one and on two logical CPUs, which must be made before TensorFlow starts: another process."""
    done = run_code(REPLICAS, ROOT, *names)
    assert done.code == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def replicas() -> dict:
    """The quick cases, in one process."""
    names = ("one", "two", "plain", "overflow", "elastic", "clipped", "decayed", "averaged", "grouped")
    return run_cases(*names, "normalized")  # last: it puts another model in the place of theirs


def test_two_replicas_give_the_sums_and_weights_of_one(replicas):
    one, two = replicas["one"], replicas["two"]
    # float32 sums in another order, from weights that drift apart by as little.
    np.testing.assert_allclose(two["sums"], one["sums"], rtol=1e-5)
    assert [row[1:] for row in two["sums"]] == [row[1:] for row in one["sums"]]
    assert two["sums"][-1][2] == 8 + 8 + 5 + 2 + 8 + 8
    # The last batches put padding on the second replica alone: a mean of means would show here.
    np.testing.assert_allclose(two["weights"], one["weights"], atol=1e-5)


def test_gradients_are_clipped_as_one_vector_whatever_the_replicas(replicas):
    one, two = replicas["clipped"]
    np.testing.assert_allclose(two["weights"], one["weights"], atol=1e-5)
    # Without clipping they end elsewhere.
    assert np.abs(np.subtract(one["weights"][-1], replicas["one"]["weights"][-1])).max() > 1e-2


def test_the_average_is_the_same_on_two_replicas(replicas):
    one, two = ([number for part in run["average"] for number in part] for run in replicas["averaged"])
    np.testing.assert_allclose(two, one, atol=1e-5)
    begun, last = (np.array(replicas["averaged"][0]["weights"][place]) for place in (0, -1))
    assert min(np.abs(one - begun).max(), np.abs(one - last).max()) > 1e-3


@pytest.mark.parametrize("place", range(3), ids=["nadam with decay", "adafactor", "lamb"])
def test_other_optimizers_give_on_two_replicas_what_they_give_on_one(place, replicas):
    one, two = replicas["decayed"][place], replicas["decayed"][place + 3]
    np.testing.assert_allclose(two["weights"], one["weights"], atol=1e-4)
    assert np.abs(np.subtract(one["weights"][-1], one["weights"][0])).max() > 1e-2


def test_the_penalty_counts_once_over_replicas(replicas):
    # What makes the test above see the penalty: without it the weights end elsewhere by far more than 1e-5.
    apart = np.abs(np.subtract(replicas["two"]["weights"][-1], replicas["plain"]["weights"][-2])).max()
    assert apart > 1e-2


def test_an_overflow_on_the_second_replica_alone_is_not_applied(replicas):
    begun, first, second, third = replicas["overflow"]["weights"][:4]
    assert np.isfinite(first + second + third).all()
    assert first != begun
    assert second == first
    assert third != second
    assert replicas["overflow"]["scales"][:3] == [2.0**15, 2.0**14, 2.0**14]


def test_replicas_that_find_no_loss_scale_give_up_together(replicas):
    run = replicas["overflow"]
    assert np.isfinite(run["sums"][-1]).all()
    assert run["weights"][-1] == run["weights"][3]
    assert run["scales"][-1] == 2.0 ** (14 - 50)
    assert run["trouble"] == [3 + 50, []]


def test_a_bad_row_on_the_second_replica_is_named_by_its_place_in_the_global_batch(replicas):
    assert replicas["plain"]["trouble"] == [7, [6]]
    assert replicas["two"]["trouble"] is None


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 1e-2), ("mixed_float16", 2e-3)]
)
def test_a_replica_that_has_padding_alone_moves_no_statistics(policy, tolerance, replicas):
    one, two = (replicas["normalized"][f"{policy} {count}"] for count in (1, 2))
    assert two["sums"][-1][2] == 3 + 3
    # All examples are the first replica's: it normalizes by the same rows as one device does.
    np.testing.assert_allclose(two["weights"], one["weights"], atol=tolerance)
    (alone,), (first, second) = one["moving"], two["moving"]
    np.testing.assert_allclose(first, alone, rtol=tolerance)
    np.testing.assert_allclose(second, 1.0, rtol=1e-6)
    assert np.abs(np.subtract(first, 1.0)).min() > 1e-2


@pytest.mark.parametrize(
    # float16 rounds a sum to 1e-3 of itself, and Adam makes part of its rate of 0.1 of that.
    ("kind", "tolerance"),
    [("elastic", 1e-5), ("grouped", 1e-5), pytest.param("elastic_half", 2e-2, marks=pytest.mark.slow),
     pytest.param("grouped_half", 2e-2, marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_state_of_one_replica_goes_on_over_two_and_back(kind, tolerance, replicas):
    run = replicas[kind] if kind in replicas else run_cases(kind)[kind]
    assert run["begun"] == run["left"]
    assert run["counters_agree"]
    # Other dropout masks on the two replicas would end elsewhere by far more.
    np.testing.assert_allclose(run["moved"], run["whole"], atol=tolerance)
    assert run["scales"] == ([2.0**15] * 2 if kind.endswith("half") else [])
