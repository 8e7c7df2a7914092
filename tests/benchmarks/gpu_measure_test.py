"""The GPU check's jobs, tiny and in this process: operations by hand, the clock, training and augmentation."""

import dataclasses
import types

import keras
import pytest
import tensorflow as tf

from benchmarks.gpu import checks, measure, plan
from benchmarks.gpu.flops import forward_flops, step_flops
from tests.benchmarks.gpu_check_test import pictures_dir
from tests.helpers.run_fixtures import session_dir
from training import device


@pytest.fixture
def in_this_process(threads_as_they_are, monkeypatch):
    """Jobs may run here, where TensorFlow has fixed its threads already; what they change is put back."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    keras.config.set_dtype_policy("float32")
    tf.config.experimental.enable_tensor_float_32_execution(tf32)


def folders() -> dict[str, str]:
    return {"data_dir": str(pictures_dir()), "cache_dir": str(session_dir() / "cache")}


def tiny_job(**changes) -> plan.TrainJob:
    return dataclasses.replace(plan.base_speed_job(plan.TINY, "catdog_2"), **changes)


def test_the_operations_of_a_small_model_by_hand():
    image = keras.Input((9, 7, 3))
    features = keras.layers.Conv2D(4, (3, 2), strides=2, padding="valid", name="a")(image)  # 4x3 places
    features = keras.layers.Conv2D(8, 3, padding="same", groups=2, use_bias=False)(features)  # two input channels each
    features = keras.layers.BatchNormalization()(features)
    features = keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(features))  # 2x1x8 numbers
    model = keras.Model(image, keras.layers.Dense(5)(features))
    first = 2 * (3 * 2 * 3) * 4 * (4 * 3)
    second = 2 * (3 * 3 * 2) * 8 * (4 * 3)
    dense = 2 * 16 * 5
    assert forward_flops(model) == first + second + dense == 1728 + 3456 + 160
    assert step_flops(model) == 3 * 5344


def test_a_model_that_would_be_counted_wrong_is_refused():
    image = keras.Input((4, 4, 1))
    with pytest.raises(ValueError, match="0 layers with a kernel"):
        forward_flops(keras.Model(image, keras.layers.Flatten()(image)))
    inner = keras.Model(image, keras.layers.Conv2D(1, 3)(image), name="inner")
    with pytest.raises(ValueError, match="nested models \\['inner'\\]"):
        forward_flops(keras.Model(image, keras.layers.Dense(1)(inner(image))))


def test_a_clock_counts_real_examples_and_waits_for_the_device(monkeypatch):
    state = types.SimpleNamespace(sums=tf.Variable([0.0, 0.0, 3.0], dtype=tf.float64))
    now = [0.0]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])

    def batches():
        while True:
            now[0] += 1.0
            yield {}

    def train_step(batch):
        now[0] += 3.0
        state.sums.assign_add([0.0, 0.0, 5.0])

    clock = measure.time_rounds(batches(), train_step, state, seconds=41.0)
    assert (clock.steps, clock.seconds, clock.wait_seconds, clock.examples) == (20, 80.0, 20.0, 100)


@pytest.mark.parametrize(("precision", "tf32", "policy", "dtype"), [
    ("float32", False, "float32", "float32"), ("tf32", True, "float32", "float32"),
    ("mixed_bfloat16", True, "mixed_bfloat16", "bfloat16"), ("mixed_float16", True, "mixed_float16", "float16"),
])  # fmt: skip
def test_a_precision_sets_policy_tf32_and_the_dtype_of_its_peak(precision, tf32, policy, dtype, in_this_process):
    row = measure.matmul_peak(precision, 16, 0.0)
    assert row["dtype"] == dtype
    assert row["flops_per_second"] > 0
    assert tf.config.experimental.tensor_float_32_execution_enabled() is tf32
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize("xla", [False, True])
def test_a_job_trains_as_the_run_does_wherever_it_augments(xla, in_this_process):
    rows = [measure.train(tiny_job(xla=xla, place=place, steps=2), **folders()) for place in ("host", "device")]
    assert len(rows[0]["losses"]) == 2
    assert rows[0]["losses"] == pytest.approx(rows[1]["losses"], rel=0.02)
    for row in rows:
        assert row["policy"] == "mixed_bfloat16"
        assert row["images_per_second"] > 0
        assert 0 <= row["input_wait_fraction"] < 1
        assert 0 <= row["starved_fraction"] < 1
        assert len(row["weights_sha256"]) == 64


def test_a_job_can_leave_out_determinism_dropout_and_the_clock(in_this_process, monkeypatch):
    asked = []

    def choose(machine, options, threads, deterministic):
        asked.append((options.precision, options.strategy, options.replicas, threads, deterministic))
        return device.choose(machine, options, threads, deterministic)

    monkeypatch.setattr(measure, "choose", choose)
    job = tiny_job(precision="float32", deterministic=False, seconds=0.0, steps=2)
    kept = measure.train(job, **folders())
    dropped = measure.train(dataclasses.replace(job, dropout=0.0), **folders())
    assert asked == [("float32", "none", 0, 0, False)] * 2
    assert "images_per_second" not in kept
    assert kept["losses"] != dropped["losses"]
    assert kept["weights_sha256"] != dropped["weights_sha256"]


def test_augmentation_that_differs_on_the_device_is_seen(in_this_process, monkeypatch):
    job = {"image_size": 48, "global_batch_size": 8, "batches": 2, **folders()}
    row = measure.compare_augmentation("strong", **job)
    assert row["max_absolute_difference"] <= checks.AUGMENTATION_TOLERANCE
    assert row["pictures"] == 16
    make_finish = measure.make_finish

    def off_by_two_levels(*arguments):
        finish = make_finish(*arguments)
        return lambda batch: (done := finish(batch)) | {"image": done["image"] + 2 / 255}

    monkeypatch.setattr(measure, "make_finish", off_by_two_levels)
    row = measure.compare_augmentation("strong", **job)
    assert row["max_absolute_difference"] == pytest.approx(2 / 255, abs=1e-6)
    assert not checks.augmentation_check({"strong": row})[0].passed
