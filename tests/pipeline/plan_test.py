"""What a batch is, and that a pipeline which makes another one is refused before it starts."""

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.order import Order
from pipeline.plan import Plan, Shards, check_element_spec

FORMAT = PixelFormat.square(16, 1, 16)
ALONE = Shards()
LABELS = np.arange(20, dtype=np.int32) % 3


def plan_of(augmentation: AugmentOptions = AUGMENT_PRESETS["strong"], shards: Shards = ALONE) -> Plan:
    """Of 10 examples in batches of 4."""
    order = Order(np.arange(0, 20, 2), 4, seed=3, shuffle=True)
    return Plan(order, LABELS, FORMAT, augmentation, seed=3, shards=shards)


def spec_of(on_device: bool) -> dict[str, tf.TensorSpec]:
    """The element spec of `plan_of()`."""
    return plan_of().element_spec(on_device)


def dataset_of(spec) -> tf.data.Dataset:
    """An empty dataset whose element spec is `spec`."""
    return tf.data.Dataset.from_generator(lambda: iter(()), output_signature=spec)


def test_a_finished_batch_is_float_and_one_for_the_device_is_as_stored():
    finished, stored = spec_of(False), spec_of(True)
    assert finished["image"] == tf.TensorSpec((4, 16, 16, 1), tf.float32)
    assert stored["image"] == tf.TensorSpec((4, 16, 16, 1), tf.uint16)
    assert stored["warp"] == tf.TensorSpec((4, 6), tf.float32)
    assert stored["color"] == tf.TensorSpec((4, 3), tf.float32)
    assert stored["second_image"] == stored["image"]
    of_one = {"warp", "color", "tint", "erased"}
    own = {"image", "label", "mask", "example_id", "epoch", "global_examples"}
    assert set(finished) == own | {"second_label", "second_weight"}
    only_stored = of_one | {f"second_image_{name}" for name in of_one} | {"second_id", "second_image", "cut"}
    assert set(stored) - set(finished) == only_stored
    for name in of_one:
        assert stored[f"second_image_{name}"] == stored[name]
    assert finished["second_label"] == tf.TensorSpec((4,), tf.int32)
    assert finished["second_weight"] == tf.TensorSpec((4,), tf.float32)
    assert finished["label"] == tf.TensorSpec((4,), tf.int32)
    assert finished["mask"] == tf.TensorSpec((4,), tf.bool)
    assert finished["example_id"] == tf.TensorSpec((4,), tf.int64)
    assert finished["epoch"] == tf.TensorSpec((), tf.int64)
    assert finished["global_examples"] == tf.TensorSpec((), tf.float32)


def test_only_what_augments_is_planned():
    assert set(plan_of(AugmentOptions()).features) == set(spec_of(False)) - {"image", "second_label", "second_weight"}
    light = plan_of(AUGMENT_PRESETS["light"])
    assert set(light.features) - set(plan_of(AugmentOptions()).features) == {"warp"}


@pytest.mark.parametrize("name", sorted(AUGMENT_PRESETS))
def test_what_is_planned_has_the_declared_shapes_and_types(name):
    plan = plan_of(AUGMENT_PRESETS[name], Shards(1, 1, 2))
    for element in (0, 2, 5):
        arrays = plan.arrays(element)
        found = {name: (value.shape, value.dtype) for name, value in arrays.items()}
        assert found == {
            name: (tuple(spec.shape), spec.dtype.as_numpy_dtype) for name, spec in plan.planned_spec.items()
        }
        assert arrays["epoch"] == element // 3
        np.testing.assert_array_equal(arrays["label"], LABELS[arrays["example_id"]])


def test_a_global_batch_that_the_shards_do_not_divide_is_refused_at_birth():
    with pytest.raises(UserError, match=r"--global_batch_size=4 .* 3 or 6"):
        plan_of(shards=Shards(0, 1, 3))


@pytest.mark.parametrize("on_device", [True, False])
def test_the_right_batch_passes_through(on_device):
    spec = spec_of(on_device)
    dataset = dataset_of(spec)
    assert check_element_spec(dataset, spec) is dataset


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("label", tf.TensorSpec((4,), tf.int64)),
        ("image", tf.TensorSpec((4, 16, 16, 3), tf.float32)),
        ("image", tf.TensorSpec((None, 16, 16, 1), tf.float32)),
        ("mask", tf.TensorSpec((5,), tf.bool)),
    ],
)
def test_a_wrong_feature_is_named_with_both_specs(name, wrong):
    spec = spec_of(False)
    with pytest.raises(TypeError, match=f"feature '{name}' is {wrong.dtype.name} .*must be {spec[name].dtype.name}"):
        check_element_spec(dataset_of(spec | {name: wrong}), spec)


def test_missing_and_strange_features_are_named():
    spec = spec_of(False)
    with pytest.raises(TypeError, match="it must have"):
        check_element_spec(dataset_of({name: spec[name] for name in spec if name != "mask"}), spec)
    with pytest.raises(TypeError, match="weight"):
        check_element_spec(dataset_of(spec | {"weight": spec["mask"]}), spec)
