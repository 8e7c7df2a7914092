"""Batches are a function of (manifest, seed, step) alone: not of shards, the start, the cache or the threads."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline import graph
from pipeline.augment.mix import MixOptions
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.decoding.pack import open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_eval_dataset, make_finish, make_train_dataset
from pipeline.order import Order
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.plan import Plan, Shards
from tests.conftest import random_picture

FORMAT = PixelFormat.square(16)
ALONE = Shards()
STRONG = AUGMENT_PRESETS["strong"].changed({"randaugment_operations": 2, "hue_degrees": 20.0})  # all that there is
COUNT, BATCH = 13, 6  # examples of the split; three steps an epoch, the last one has one example
IDS = np.array([1, 2, 3, 5, 8, 9, 11, 12, 14, 15, 17, 18, 19])
STEPS = 6
PICTURES = np.stack([random_picture(seed, 16, 16) for seed in range(20)])
LABELS = (np.arange(20) % 3).astype(np.int32)


def plan_of(augmentation=STRONG, seed=4, ids=IDS, size=BATCH, shards=ALONE, pixel_format=FORMAT) -> Plan:
    """The plan of a small run."""
    return Plan(Order(ids, size, seed, shuffle=True), LABELS, pixel_format, augmentation, seed, shards)


def batches(pixels=None, *, first=0, last=STEPS, on_device=False, **planned):
    """The numpy batches of `make_train_dataset`, with defaults for a small run of two epochs."""
    pixels = pixels or PackedPixels(PICTURES, FORMAT)
    return list(make_train_dataset(plan_of(**planned), pixels, first, last, on_device=on_device).as_numpy_iterator())


def assert_same(one: list[dict], two: list[dict]) -> None:
    """Every feature of every batch has the same bits."""
    assert len(one) == len(two)
    for left, right in zip(one, two, strict=True):
        assert set(left) == set(right)
        for name, value in left.items():
            np.testing.assert_array_equal(value, right[name], strict=True)


@pytest.fixture(scope="module")
def whole_run() -> list[dict]:
    """The batches of two epochs, in one go."""
    return batches()


def test_every_example_comes_once_an_epoch_with_its_label(whole_run):
    for epoch in range(2):
        part = whole_run[3 * epoch : 3 * epoch + 3]
        assert {int(batch["epoch"]) for batch in part} == {epoch}
        ids = np.concatenate([batch["example_id"][batch["mask"]] for batch in part])
        assert sorted(ids) == IDS.tolist()
        assert [float(batch["global_examples"]) for batch in part] == [6, 6, 1]
    for batch in whole_run:
        np.testing.assert_array_equal(batch["label"], LABELS[batch["example_id"]])
    first, second = (np.concatenate([b["example_id"] for b in whole_run[s : s + 3]]) for s in (0, 3))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("first", range(STEPS + 1))
def test_a_run_may_begin_at_any_step(whole_run, first):
    assert_same(batches(first=first), whole_run[first:])


@pytest.mark.parametrize("total", [2, 3, 6])
def test_the_shards_of_a_batch_are_the_batch(whole_run, total):
    parts = [batches(shards=Shards(shard, 1, total)) for shard in range(total)]
    for step, whole in enumerate(whole_run):
        for name in ("image", "label", "mask", "example_id", "second_label", "second_weight"):
            joined = np.concatenate([part[step][name] for part in parts])
            np.testing.assert_array_equal(joined, whole[name], strict=True)
        for part in parts:
            assert part[step]["global_examples"] == whole["global_examples"]
            assert part[step]["epoch"] == whole["epoch"]


def test_one_pipeline_for_two_of_three_replicas_yields_them_in_turn():
    alone = [batches(first=2, shards=Shards(shard, 1, 3)) for shard in (1, 2)]
    in_turn = [batch for step in zip(*alone, strict=True) for batch in step]
    assert_same(batches(first=2, shards=Shards(1, 2, 3)), in_turn)


@pytest.mark.parametrize("on_device", [False, True])
def test_replicas_may_come_and_go_in_mid_run(on_device):
    # 1, 2, 4 and again 1 replicas, the change always in mid-epoch: every global batch has the same arrays.
    whole = batches(size=4, last=8, on_device=on_device)
    for total, first, last in ((1, 0, 1), (2, 1, 3), (4, 3, 6), (1, 6, 8)):
        parts = batches(size=4, first=first, last=last, shards=Shards(0, total, total), on_device=on_device)
        for step in range(first, last):
            replicas = parts[(step - first) * total :][:total]
            for name, expected in whole[step].items():
                shares = [part[name] for part in replicas]
                joined = np.concatenate(shares) if expected.ndim else shares[-1]
                np.testing.assert_array_equal(joined, expected, strict=True)
                assert len({share.tobytes() for share in shares}) == 1 or expected.ndim
    assert {"image", "example_id", "mask"} <= set(whole[0])
    assert ("warp" in whole[0]) == ("color" in whole[0]) == on_device


def test_threads_buffers_and_cache_may_change_in_mid_run(picture_tree, index_of, tmp_path, monkeypatch):
    manifest = index_of(picture_tree({"a": 10, "b": 10}))
    packed = PackedPixels(open_or_build_pack(manifest, FORMAT, tmp_path / "cache", 2).pixels, FORMAT)
    whole = batches(packed)
    monkeypatch.setattr(graph, "PREFETCH_BATCHES", 1)
    monkeypatch.setattr(graph, "AUGMENT_PARALLEL_CALLS", 7)
    assert_same(batches(StreamedPixels(manifest, FORMAT, 5), first=2), whole[2:])
    monkeypatch.setattr(graph, "PREFETCH_BATCHES", 9)
    monkeypatch.setattr(graph, "AUGMENT_PARALLEL_CALLS", 1)
    assert_same(batches(packed, first=4), whole[4:])


def test_a_split_smaller_than_a_batch_is_one_padded_batch_an_epoch():
    run = batches(size=32, last=2)
    assert [int(batch["mask"].sum()) for batch in run] == [len(IDS)] * 2
    assert [float(batch["global_examples"]) for batch in run] == [len(IDS)] * 2
    assert sorted(run[0]["example_id"][run[0]["mask"]]) == IDS.tolist()


def test_a_batch_that_its_shards_do_not_divide_is_refused():
    with pytest.raises(UserError, match=r"--global_batch_size=6 .* 4 or 8"):
        batches(shards=Shards(0, 1, 4))


def test_files_and_pack_and_any_number_of_threads_give_the_same_batches(picture_tree, index_of, tmp_path):
    manifest = index_of(picture_tree({"a": 10, "b": 10}))
    pack = open_or_build_pack(manifest, FORMAT, tmp_path / "cache", 2)
    packed = batches(PackedPixels(pack.pixels, FORMAT), first=1)
    for threads in (1, 2):
        assert_same(batches(StreamedPixels(manifest, FORMAT, threads), first=1), packed)


def test_augmentation_follows_the_example_and_the_epoch_not_the_place(whole_run):
    def images(run, epoch) -> dict[int, np.ndarray]:
        return {
            int(example_id): image
            for batch in run
            if batch["epoch"] == epoch
            for example_id, image, real in zip(batch["example_id"], batch["image"], batch["mask"], strict=True)
            if real
        }

    # Partners are drawn from the split, so with another split only what changes one picture is the same.
    single = dataclasses.replace(STRONG, mix=MixOptions())
    of_one, other_split = batches(augmentation=single), batches(augmentation=single, ids=IDS[::2], size=6, last=4)
    for epoch in range(2):
        for whole, run in ((whole_run, batches(size=4, last=8)), (of_one, other_split)):
            table, other = images(whole, epoch), images(run, epoch)
            assert len(other) >= 7
            for example_id, image in other.items():
                np.testing.assert_array_equal(image, table[example_id])
    for example_id, image in images(whole_run, 0).items():
        assert np.abs(image - images(whole_run, 1)[example_id]).max() > 0.05


def test_the_seed_changes_order_and_augmentation(whole_run):
    other = batches(seed=5)
    assert any(
        one["example_id"].tolist() != two["example_id"].tolist() for one, two in zip(whole_run, other, strict=True)
    )


def test_without_augmentation_the_pixels_are_those_on_disk():
    for batch in batches(augmentation=AugmentOptions(), last=3):
        expected = to_float(tf.constant(PICTURES[batch["example_id"]]), 255).numpy()
        np.testing.assert_array_equal(batch["image"], expected, strict=True)


def test_the_device_finishes_a_batch_to_the_same_bits(whole_run):
    stored = batches(on_device=True)
    assert all(batch["image"].dtype == np.uint8 for batch in stored)
    assert all(batch["warp"].shape == (BATCH, 6) for batch in stored)
    finish = make_finish(STRONG, FORMAT)
    finished = [finish({name: tf.constant(value) for name, value in batch.items()}) for batch in stored]
    assert_same([{name: value.numpy() for name, value in batch.items()} for batch in finished], whole_run)


@pytest.mark.parametrize(("knob", "value"), [
    ("brightness_fraction", 0.5), ("contrast_fraction", 0.5), ("rotate_degrees", 0.5), ("saturation_fraction", 0.5),
    ("hue_degrees", 20.0), ("randaugment_operations", 2), ("erase_probability", 0.9), ("mixup_alpha", 0.5),
    ("cutmix_alpha", 0.5),
])  # fmt: skip
def test_every_kind_of_knob_reaches_the_pixels(knob, value):
    options = AugmentOptions().changed({knob: value})
    plan = plan_of(options)
    for step, batch in enumerate(batches(augmentation=options, last=3)):
        planned = plan.arrays(step)
        pixels = PICTURES[planned["example_id"]]
        others = {image: PICTURES[planned[ids]] for ids, image in options.reads.items()}
        expected = make_finish(options, FORMAT)(planned | {"image": pixels} | others)["image"]
        np.testing.assert_allclose(batch["image"], expected, rtol=1e-6)
        assert np.abs(batch["image"] - pixels / 255).max() > 0.001


def test_deep_pictures_stay_deep_until_they_are_finished():
    deep, pixel_format = PICTURES[..., :1].astype(np.uint16) * 257, PixelFormat.square(16, 1, 16)
    pixels = PackedPixels(deep, pixel_format)
    stored = make_train_dataset(plan_of(pixel_format=pixel_format), pixels, 0, 3, on_device=True)
    assert stored.element_spec["image"].dtype == tf.uint16
    for batch in batches(pixels, augmentation=AugmentOptions(), pixel_format=pixel_format, last=3):
        np.testing.assert_allclose(batch["image"], deep[batch["example_id"]] / 65535, rtol=1e-6)


def test_the_full_scale_becomes_one():
    deep, pixel_format = PICTURES[..., :1].astype(np.uint16) * 16, PixelFormat.square(16, 1, 16, full_scale=2000)
    pixels = PackedPixels(deep, pixel_format)
    run = batches(pixels, augmentation=AugmentOptions(), pixel_format=pixel_format, last=3)
    evaluated = list(make_eval_dataset(IDS, pixels, LABELS, BATCH).as_numpy_iterator())
    for batch in run + evaluated:
        expected = np.minimum(deep[batch["example_id"]], 2000) / 2000
        np.testing.assert_allclose(batch["image"], expected, rtol=1e-6)
        assert batch["image"].max() == 1


@pytest.mark.parametrize("size", [1, 5, 13, 20])
def test_evaluation_sees_every_example_once_in_file_order(size):
    dataset = make_eval_dataset(IDS, PackedPixels(PICTURES, FORMAT), LABELS, size)
    found = list(dataset.as_numpy_iterator())
    ids = np.concatenate([batch["example_id"][batch["mask"]] for batch in found])
    np.testing.assert_array_equal(ids, IDS)
    assert sum(batch["global_examples"] for batch in found) == COUNT
    assert dataset.cardinality().numpy() == len(found) == -(-COUNT // size)
    images = np.concatenate([batch["image"][batch["mask"]] for batch in found])
    np.testing.assert_array_equal(images, to_float(tf.constant(PICTURES[IDS]), 255).numpy())


@pytest.mark.parametrize("on_device", [True, False])
def test_the_dataset_is_what_the_plan_says(on_device):
    plan = plan_of(shards=Shards(0, 2, 2))
    dataset = make_train_dataset(plan, PackedPixels(PICTURES, FORMAT), 2, STEPS, on_device=on_device)
    assert dataset.element_spec == plan.element_spec(on_device)
    assert dataset.cardinality().numpy() == (STEPS - 2) * 2
    options = dataset.options()
    assert options.experimental_distribute.auto_shard_policy == tf.data.experimental.AutoShardPolicy.OFF
    assert options.deterministic
