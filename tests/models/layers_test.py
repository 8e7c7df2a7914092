"""Seeds by name; dropout: its rate in every precision, a mask a row, the same one on 1, 2 and 4 replicas; BatchNorm
is Keras's own function."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers import BatchNormalization, Dropout, Layers, real_rows
from models.options import ModelOptions
from tests.helpers.run_fixtures import ROOT, run_code

ON_REPLICAS = """
import json, sys
import numpy as np, keras, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4)
sys.path[:0] = [sys.argv[1]]
from models.layers import Dropout

def masks(replicas, policy, noise_shape=None):
    keras.config.set_dtype_policy(policy)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{r}" for r in range(replicas)])
    with strategy.scope():
        layer = Dropout(0.3, 5, noise_shape, name="drop")
        layer.build((None, 3, 3, 7))
    run = tf.function(lambda: strategy.run(lambda: layer(tf.ones([8 // replicas, 3, 3, 7]), training=True)))
    steps = [np.concatenate([part.numpy() != 0 for part in strategy.experimental_local_results(run())])
             for _ in range(2)]
    counters = [part.numpy().tolist() for part in strategy.experimental_local_results(layer.seed_generator.state.value)]
    return {"masks": np.stack(steps).astype(int).tolist(), "counters": counters}

print(json.dumps({
    str(replicas): [masks(replicas, "float32"), masks(replicas, "mixed_float16", (None, 1, 1, 1))]
    for replicas in (1, 2, 4)
}))
"""


@pytest.fixture(scope="module")
def replicas() -> dict:
    """Masks of two steps on 1, 2 and 4 logical CPUs, which must be made before TensorFlow starts: another process."""
    done = run_code(ON_REPLICAS, ROOT)
    assert done.code == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def drop(rate=0.3, dtype="float32", shape=(8, 3, 3, 7), noise_shape=None, **settings) -> np.ndarray:
    """float32: what the layer "drop" of seed 5 makes of ones in its first step."""
    layer = Dropout(rate, 5, noise_shape, name="drop", dtype=dtype)
    step = tf.function(lambda ones: layer(ones, training=True), **settings)
    return tf.cast(step(tf.ones(shape, dtype)), tf.float32).numpy()


@pytest.mark.parametrize("kind", [0, 1], ids=["units", "examples"])
def test_any_number_of_replicas_drops_the_same_units_of_the_same_rows(kind, replicas):
    one, two, four = (replicas[count][kind]["masks"] for count in ("1", "2", "4"))
    assert two == one
    assert four == one
    assert 0.5 < np.mean(one) < 0.9
    # Two steps, two masks; and the state counts once a step, alike on every replica.
    assert one[0] != one[1]
    assert [replicas[count][kind]["counters"] for count in ("1", "2", "4")] == [[[5, 2]], [[5, 2]] * 2, [[5, 2]] * 4]


def test_no_two_rows_share_a_mask(replicas):
    masks = np.array(replicas["4"][0]["masks"]).reshape(16, -1)
    assert len(np.unique(masks, axis=0)) == 16


def test_one_device_without_a_strategy_drops_them_too(replicas):
    assert (drop() != 0).astype(int).tolist() == replicas["1"][0]["masks"][0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("rate", [0.003, 0.3])
def test_every_precision_drops_the_same_units_at_the_same_rate(rate, dtype):
    exact, rounded = (drop(rate, name, (64, 1000)) for name in ("float32", dtype))
    np.testing.assert_array_equal(rounded == 0, exact == 0)
    # 64,000 draws: three standard deviations.
    assert abs((exact == 0).mean() - rate) < 3 * np.sqrt(rate * (1 - rate) / 64_000)
    np.testing.assert_allclose(exact[exact != 0], 1 / (1 - rate), rtol=1e-6)
    np.testing.assert_allclose(rounded[rounded != 0], 1 / (1 - rate), rtol=2**-8)


def test_xla_drops_its_fraction():
    # Other units than TensorFlow's own kernel would: XLA takes the same generator's numbers in another order.
    dropped = drop(shape=(64, 1000), jit_compile=True)
    assert abs((dropped == 0).mean() - 0.3) < 3 * np.sqrt(0.3 * 0.7 / 64_000)


def test_whole_examples_are_dropped_where_the_noise_shape_says_so():
    kept = drop(shape=(64, 3, 3, 7), noise_shape=(None, 1, 1, 1)).reshape(64, -1) != 0
    assert (kept.all(axis=1) | ~kept.any(axis=1)).all()
    assert 0.5 < kept[:, 0].mean() < 0.9


def test_a_mask_that_rows_would_share_is_refused():
    with pytest.raises(ValueError, match=r"noise_shape is \(1, None\): its first entry must be None"):
        Dropout(0.3, 5, (1, None))


def test_a_rate_of_zero_draws_nothing():
    layer = Dropout(0.0, 5)
    np.testing.assert_array_equal(layer(tf.ones([8, 4]), training=True), np.ones((8, 4)))
    assert np.asarray(layer.seed_generator.state).tolist() == [5, 0]


def test_seeds_do_not_collide_between_runs_and_layers():
    paths = [f"block{position}_conv/kernel" for position in range(1, 5)]
    seeds = [Layers(ModelOptions(), seed).seed_for(path) for seed in range(50) for path in paths]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)


def normalized(make, shape, dtype) -> tuple[dict[str, np.ndarray], set[str]]:
    """What a training call of the layer gives, its gradients and what it remembers; and the types of its operations."""
    generator = np.random.default_rng(4)
    channels = shape[-1]
    inputs = tf.cast(generator.normal(generator.uniform(-3, 3, channels), 2.0, shape), dtype)
    towards = tf.cast(generator.normal(size=shape), tf.float32)
    layer = make(momentum=0.9, name="norm", dtype=keras.DTypePolicy(dtype if dtype == "float32" else f"mixed_{dtype}"))
    layer.build(shape)
    for variable in layer.weights:
        variable.assign(generator.uniform(0.5, 2.0, channels))

    @tf.function(autograph=False)
    def call():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * towards)
        return outputs, *tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])

    names = ("outputs", "input_gradient", "gamma_gradient", "beta_gradient")
    figures = dict(zip(names, (tf.cast(one, tf.float32).numpy() for one in call()), strict=True))
    figures |= {variable.name: np.asarray(variable) for variable in layer.non_trainable_weights}
    operations = {operation.type for operation in call.get_concrete_function().graph.get_operations()}
    return figures, operations


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.02), ("float16", 0.003)])
@pytest.mark.parametrize("shape", [(4, 9, 7, 16), (2, 1, 1, 8), (3, 5)])
def test_batch_norm_computes_what_kerass_own_does(shape, dtype, tolerance):
    ours, operations = normalized(BatchNormalization, shape, dtype)
    kerass, _ = normalized(keras.layers.BatchNormalization, shape, dtype)
    assert ("FusedBatchNormV3" in operations) is (len(shape) == 4)
    for name, expected in kerass.items():
        # Of what is remembered nothing has been rounded to fewer bits.
        scale = (1e-5 if name.startswith("moving_") else tolerance) * max(np.abs(expected).max(), 1.0)
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=scale, err_msg=name)


def test_batch_norm_without_training_or_with_padding_is_not_fused():
    layer = BatchNormalization(name="norm")
    layer.build((4, 3, 3, 2))

    def operations(training, rows=None):
        function = tf.function(lambda images: layer(images, training=training), autograph=False)
        with real_rows(rows):
            graph = function.get_concrete_function(tf.TensorSpec((4, 3, 3, 2))).graph
        return {operation.type for operation in graph.get_operations()}

    assert "FusedBatchNormV3" in operations(True)
    assert "FusedBatchNormV3" not in operations(True, np.array([True, True, False, True]))
    assert "FusedBatchNormV3" not in operations(False)
