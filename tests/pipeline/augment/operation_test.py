"""An operation of a user's own, that mixes two examples: plan, graph and element spec take it as it is."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.operation import Feature, Operation
from pipeline.augment.options import AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pack import open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish, make_train_dataset
from pipeline.order import Order
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.plan import Plan, Shards

FORMAT = PixelFormat.square(16)
LABELS = (np.arange(14) >= 7).astype(np.int32)
IDS = np.array([0, 1, 2, 4, 5, 7, 8, 9, 11, 12, 13])
ALONE = Shards()
SEED, BATCH, STEPS = 6, 6, 4  # two epochs; the second batch of each has padding


@dataclasses.dataclass(frozen=True)
class MixupOptions(Operation):
    """Each picture becomes a weighted mean of itself and of another one of its split."""

    mix_fraction: float = option(0.0, "largest weight of the second picture", within=(0.0, 1.0))

    features: ClassVar = {
        "second_id": Feature(np.int64),
        "second_label": Feature(np.int32, stays=True),
        "second_weight": Feature(np.float32, stays=True),
    }
    reads: ClassVar = {"second_id": "second_image"}

    def plan(self, seed, epoch, example_ids, examples):
        """See `Operation`."""
        place, weight = draw(seed, epoch, example_ids, ("mixup_place", "mixup_weight")).T
        second = examples.example_ids[(place * len(examples.example_ids)).astype(int)]
        weight = self.mix_fraction * weight
        return {"second_id": second, "second_label": examples.labels[second], "second_weight": weight}

    def apply(self, batch, pixel_format):
        """See `Operation`."""
        first, second = (to_float(batch[name], pixel_format.full_scale) for name in ("image", "second_image"))
        weight = batch["second_weight"][:, None, None, None]
        return batch | {"image": first * (1.0 - weight) + second * weight}


@dataclasses.dataclass(frozen=True)
class WithMixup(AugmentOptions):
    """The operations that there are, and mixup after them."""

    mixup: MixupOptions = MixupOptions(0.8)


@pytest.fixture(params=["packed", "streamed"])
def pixels(request, picture_tree, index_of, tmp_path):
    """14 pictures of two classes."""
    manifest = index_of(picture_tree({"a": 7, "b": 7}))
    if request.param == "streamed":
        return StreamedPixels(manifest, FORMAT, 2)
    return PackedPixels(open_or_build_pack(manifest, FORMAT, tmp_path / "cache", 2).pixels, FORMAT)


def plan_of(augmentation: AugmentOptions, shards: Shards = ALONE) -> Plan:
    """Of the examples in `IDS`."""
    return Plan(Order(IDS, BATCH, SEED, shuffle=True), LABELS, FORMAT, augmentation, SEED, shards)


def batches(pixels, augmentation=WithMixup(), shards=ALONE, on_device=False) -> list[dict[str, np.ndarray]]:
    """Two epochs, as numpy."""
    dataset = make_train_dataset(plan_of(augmentation, shards), pixels, 0, STEPS, on_device=on_device)
    return list(dataset.as_numpy_iterator())


def test_pixels_labels_and_weights_are_those_of_a_recomputation(pixels):
    stored = pixels.read(np.arange(14)).astype(np.float64) / 255
    for batch in batches(pixels):
        ids = batch["example_id"]
        place, weight = draw(SEED, int(batch["epoch"]), ids, ("mixup_place", "mixup_weight")).T
        second = IDS[(place * len(IDS)).astype(int)]
        weight = 0.8 * weight[:, None, None, None]
        np.testing.assert_allclose(batch["image"], stored[ids] * (1 - weight) + stored[second] * weight, atol=1e-6)
        np.testing.assert_array_equal(batch["label"], LABELS[ids])
        np.testing.assert_array_equal(batch["second_label"], LABELS[second])
        np.testing.assert_allclose(batch["second_weight"], weight[:, 0, 0, 0], rtol=1e-6)
        assert np.abs(batch["image"] - stored[ids]).max() > 0.1
        assert (second != ids).any()
        assert set(batch) == {"image", "label", "mask", "example_id", "epoch", "global_examples", "second_label",
                              "second_weight"}  # fmt: skip


@pytest.mark.parametrize("total", [2, 3])
def test_mixing_does_not_depend_on_the_shards(pixels, total):
    augmentation = WithMixup(WarpOptions(20.0))
    whole, parts = batches(pixels, augmentation), batches(pixels, augmentation, Shards(0, total, total))
    for step, batch in enumerate(whole):
        shares = parts[step * total :][:total]
        for name in ("image", "label", "mask", "example_id", "second_label", "second_weight"):
            np.testing.assert_array_equal(np.concatenate([share[name] for share in shares]), batch[name], strict=True)


def test_it_is_the_same_on_the_device(pixels):
    augmentation = WithMixup(WarpOptions(20.0))
    finish = tf.function(make_finish(augmentation, FORMAT))
    stored = batches(pixels, augmentation, on_device=True)
    assert {"second_id", "second_image", "warp"} <= set(stored[0])
    for raw, expected in zip(stored, batches(pixels, augmentation), strict=True):
        finished = finish({name: tf.constant(value) for name, value in raw.items()})
        assert set(finished) == set(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(finished[name].numpy(), value, strict=True)


def test_an_operation_that_is_not_active_leaves_no_trace(pixels):
    none, plain = WithMixup(mixup=MixupOptions()), AugmentOptions()
    assert plan_of(none).element_spec(True) == plan_of(plain).element_spec(True)
    for one, two in zip(batches(pixels, none), batches(pixels, plain), strict=True):
        np.testing.assert_array_equal(one["image"], two["image"], strict=True)
