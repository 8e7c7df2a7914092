"""The memory of a step, estimated, and what is said of it."""

import keras
import pytest

from base.errors import UserError
from models.options import ModelOptions
from models.zoo import build_model
from training import memory
from training.memory import free_bytes, memory_lines, step_bytes


def test_the_estimate_is_a_sum_over_layers_rows_and_parameters():
    image = keras.Input((8, 8, 1))
    features = keras.Input((6, 6, 2))
    inner = keras.Model(features, keras.layers.ReLU()(features))
    model = keras.Model(image, keras.layers.Flatten()(inner(keras.layers.Conv2D(2, 3)(image))))
    parameters, activations = 3 * 3 * 2 + 2, (3 + 2) * 72
    pictures = 4 * memory._WAITING_BATCHES * 64
    held = model.variables
    assert step_bytes(model, held, 10) == 4 * 2 * parameters + 10 * (4 * activations + pictures)
    # A gradient, the weight, and what an optimizer keeps beside it.
    more = [*held, *held, *held]
    assert step_bytes(model, more, 10, replicas=2) == 2 * 4 * 4 * parameters + 10 * (4 * activations + pictures)


def test_under_a_mixed_policy_only_what_normalizes_is_wide():
    image = keras.Input((8, 8, 1), dtype="float32")
    features = keras.layers.Conv2D(2, 3, padding="same", dtype="mixed_bfloat16")(image)
    features = keras.layers.BatchNormalization(dtype="mixed_bfloat16")(features)
    model = keras.Model(image, features)
    kept, pictures = 4 * (2 * (3 * 3 * 2 + 2 + 2 * 2) + 2 * 2), 4 * memory._WAITING_BATCHES * 64
    assert step_bytes(model, model.variables, 10) == kept + 10 * (128 * (2 + 4) + 2 * 128 * 4 + pictures)


def test_what_is_frozen_needs_neither_gradients_nor_its_outputs():
    image = keras.Input((8, 8, 1))
    frozen = keras.layers.Conv2D(2, 3, trainable=False)
    model = keras.Model(image, keras.layers.Conv2D(1, 3)(frozen(image)))
    held, learning, outputs = 3 * 3 * 2 + 2, 3 * 3 * 2 + 1, 16
    kept, pictures = 4 * (held + 2 * learning), 4 * memory._WAITING_BATCHES * 64
    assert step_bytes(model, model.variables, 10) == kept + 10 * (4 * 3 * outputs + pictures)


def test_a_backbones_layers_are_counted_and_larger_pictures_need_more():
    models = (build_model(ModelOptions("mobilenet_v2_035"), 1, 2, (side, side, 3)) for side in (32, 64))
    small, large = (step_bytes(model, 4 * model.variables, 32) for model in models)
    assert 3 < large / small < 4  # the parameters' part stays


def test_what_is_free_is_the_least_of_machine_and_container(tmp_path, monkeypatch):
    for name, text in (("meminfo", "MemTotal: 9 kB\nMemAvailable:  2000 kB\n"), ("max", "max\n"), ("use", "1000\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(
        memory, "_GROUPS", ((*(str(tmp_path / name) for name in ("max", "use", "stat")),), ("/no",) * 3)
    )
    assert free_bytes() == 2_048_000
    (tmp_path / "max").write_text("51000\n")
    assert free_bytes() == 50_000
    # Pictures that were read lie in the cache of files, and leave it where the room is needed.
    (tmp_path / "stat").write_text("anon 200\nfile 700\ninactive_file 400\nactive_file 300\nsock 0\n")
    assert free_bytes() == 50_700
    (tmp_path / "stat").write_text("inactive_file 1\nactive_file 2\ntotal_inactive_file 30\ntotal_active_file 40\n")
    assert free_bytes() == 50_070
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    (tmp_path / "max").write_text("max\n")
    assert free_bytes() is None


def test_what_does_not_fit_is_warned_of_and_what_cannot_is_refused():
    gigabyte = 10**9
    assert memory_lines(10, None, 1) == ["memory      a step on 1 example needs about 1 MB"]
    assert memory_lines(gigabyte, None, 8) == ["memory      a step on 8 examples needs about 1.0 GB"]
    assert memory_lines(gigabyte, 2 * gigabyte, 8) == [
        "memory      a step on 8 examples needs about 1.0 GB; 2.0 GB are free"
    ]
    assert (
        "warning   that is more than is free: lower --global_batch_size" in memory_lines(gigabyte, gigabyte // 2, 8)[1]
    )
    with pytest.raises(
        UserError, match=r"needs about 4\.0 GB of memory and 1\.0 GB are free: lower --global_batch_size"
    ):
        memory_lines(4 * gigabyte, gigabyte, 8)
