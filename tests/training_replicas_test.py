"""The step on two logical CPUs against one: the same sums, the same weights, one verdict on an overflow."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.run_fixtures import ROOT

REPLICAS = """
import json, sys
import numpy as np, keras, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path[:0] = [sys.argv[1]]
from tests import training_step_test as here
from training.step import make_train_step

# One for all: the collectives of two strategies in one process share their keys.
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def distribute(strategy, batch):
    def values(context):
        r, half = context.replica_id_in_sync_group, len(batch["mask"]) // 2
        return {k: v if k == "global_examples" else v[r * half:(r + 1) * half] for k, v in batch.items()}
    return {key: strategy.experimental_distribute_values_from_function(lambda c: values(c)[key]) for key in batch}

def train(replicas, batches, policy="float32", l2=0.0, optimizer="sgd"):
    keras.config.set_dtype_policy(policy)
    strategy = mirrored if replicas == 2 else None
    hardware = here.hardware_of(policy, strategy, replicas)
    state = here.state_of(hardware, l2=l2, optimizer=optimizer)
    step = make_train_step(state, hardware, here.CLASSES, None)
    sums, trail = [], [here.weights(state).tolist()]
    for batch in batches:
        step(distribute(strategy, batch) if strategy else batch)
        sums.append(np.asarray(state.sums).tolist())
        trail.append(here.weights(state).tolist())
    scale = float(np.asarray(state.optimizer.dynamic_scale)) if policy == "mixed_float16" else None
    return {"sums": sums, "weights": trail, "scale": scale}

batches = [here.batch_of(8, real, seed) for seed, real in enumerate((8, 8, 5, 2, 8))]
# Only the second replica's half of the second batch overflows float16.
image = batches[0]["image"].numpy().copy()
image[4:] *= 1e6
overflow = [batches[0], batches[0] | {"image": tf.constant(image)}, batches[1]]
print(json.dumps({
    "one": train(1, batches, l2=0.05), "two": train(2, batches, l2=0.05),
    "plain": train(2, batches), "overflow": train(2, overflow, "mixed_float16"),
}))
"""


@pytest.fixture(scope="module")
def replicas() -> dict:
    """Results on one and on two logical CPUs, which must be made before TensorFlow starts: another process."""
    command = [sys.executable, "-c", REPLICAS, str(ROOT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_two_replicas_give_the_sums_and_weights_of_one(replicas):
    one, two = replicas["one"], replicas["two"]
    # float32 sums in another order, from weights that drift apart by as little.
    np.testing.assert_allclose(two["sums"], one["sums"], rtol=1e-5)
    assert [row[1:] for row in two["sums"]] == [row[1:] for row in one["sums"]]
    assert two["sums"][-1][2] == 8 + 8 + 5 + 2 + 8
    # The last batches put padding on the second replica alone: a mean of means would show here.
    np.testing.assert_allclose(two["weights"], one["weights"], atol=1e-5)


def test_the_penalty_counts_once_over_replicas(replicas):
    # What makes the test above see the penalty: without it the weights end elsewhere by far more than 1e-5.
    apart = np.abs(np.subtract(replicas["two"]["weights"][-1], replicas["plain"]["weights"][-1])).max()
    assert apart > 1e-2


def test_an_overflow_on_the_second_replica_alone_is_not_applied(replicas):
    first, second, third = replicas["overflow"]["weights"][1:]
    assert np.isfinite(first + second + third).all()
    assert first != replicas["overflow"]["weights"][0]
    assert second == first
    assert third != second
    assert replicas["overflow"]["scale"] == 2.0**15 / 2
