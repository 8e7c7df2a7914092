"""What a batch is, and that a pipeline which makes another one is refused before it starts."""

import pytest
import tensorflow as tf

from pipeline.augment.warp import TRANSFORM_WIDTH
from pipeline.contract import batch_spec, check_element_spec
from pipeline.decoding.pixel_format import PixelFormat

FORMAT = PixelFormat(16, 1, 16)


def dataset_of(spec) -> tf.data.Dataset:
    """An empty dataset whose element spec is `spec`."""
    return tf.data.Dataset.from_generator(lambda: iter(()), output_signature=spec)


def test_a_finished_batch_is_float_and_one_for_the_device_is_as_stored():
    finished, stored = batch_spec(4, FORMAT, False), batch_spec(4, FORMAT, True)
    assert finished["image"] == tf.TensorSpec((4, 16, 16, 1), tf.float32)
    assert stored["image"] == tf.TensorSpec((4, 16, 16, 1), tf.uint16)
    assert stored["transform"] == tf.TensorSpec((4, TRANSFORM_WIDTH), tf.float32)
    assert set(finished) == {"image", "label", "mask", "example_id", "epoch", "global_examples"}
    assert set(stored) - set(finished) == {"transform"}
    assert finished["label"] == tf.TensorSpec((4,), tf.int32)
    assert finished["mask"] == tf.TensorSpec((4,), tf.bool)
    assert finished["example_id"] == tf.TensorSpec((4,), tf.int64)
    assert finished["epoch"] == tf.TensorSpec((), tf.int64)
    assert finished["global_examples"] == tf.TensorSpec((), tf.float32)


@pytest.mark.parametrize("on_device", [True, False])
def test_the_right_batch_passes_through(on_device):
    spec = batch_spec(4, FORMAT, on_device)
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
    spec = batch_spec(4, FORMAT, False)
    with pytest.raises(TypeError, match=f"feature '{name}' is {wrong.dtype.name} .*must be {spec[name].dtype.name}"):
        check_element_spec(dataset_of(spec | {name: wrong}), spec)


def test_missing_and_strange_features_are_named():
    spec = batch_spec(4, FORMAT, False)
    with pytest.raises(TypeError, match="it must have"):
        check_element_spec(dataset_of({name: spec[name] for name in spec if name != "mask"}), spec)
    with pytest.raises(TypeError, match="weight"):
        check_element_spec(dataset_of(spec | {"weight": spec["mask"]}), spec)
