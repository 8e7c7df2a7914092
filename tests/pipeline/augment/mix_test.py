"""Mixup and CutMix: who is mixed with whom, in which shares, and that pixels and labels have the same ones."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from pipeline.augment.mix import MixOptions
from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish, make_train_dataset
from pipeline.order import Order
from pipeline.pixels import PackedPixels
from pipeline.plan import Plan
from tests.conftest import random_picture

BOTH, MIXUP, CUTMIX = MixOptions(0.4, 1.0), MixOptions(mixup_alpha=0.4), MixOptions(cutmix_alpha=1.0)
SPLIT = np.arange(0, 40_000, 2)
LABELS = (np.arange(40_000) % 7).astype(np.int32)
FEW = np.array([1, 2, 3, 5, 8, 9, 11])


def planned(options: MixOptions, ids=SPLIT, seed: int = 1, epoch: int = 0, split=SPLIT) -> dict[str, np.ndarray]:
    """What `options` plan for some of the examples of a split."""
    return options.plan(seed, epoch, ids, Examples(split, LABELS, 24, 24))


def sides(cut: np.ndarray) -> np.ndarray:
    """[n, 2]: height and width of boxes."""
    return np.stack([cut[:, 1] - cut[:, 0], cut[:, 3] - cut[:, 2]], axis=1)


def mixed(options: MixOptions, first: np.ndarray, second: np.ndarray, **planned) -> dict[str, np.ndarray]:
    """The finished batch of pictures and their partners."""
    pixel_format = PixelFormat.square(first.shape[1], first.shape[3], 8 * first.dtype.itemsize)
    batch = {"image": first, "second_image": second} | planned
    done = make_finish(AugmentOptions(mix=options), pixel_format)({name: tf.constant(v) for name, v in batch.items()})
    return {name: value.numpy() for name, value in done.items()}


def pair(count: int, size: int = 24, channels: int = 3, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Two different pictures for each of `count` rows."""
    pictures = np.stack([random_picture(seed, size, size, channels, bits) for seed in range(2 * count)])
    return pictures[:count], pictures[count:]


def test_a_partner_is_any_other_example_of_the_split_as_likely_as_the_next():
    partners = np.stack([planned(BOTH, FEW, epoch=epoch, split=FEW)["second_id"] for epoch in range(3000)])
    assert (partners != FEW).all()
    for own, column in zip(FEW, partners.T, strict=True):
        others, counts = np.unique(column, return_counts=True)
        assert others.tolist() == [one for one in FEW if one != own]
        assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_the_label_is_the_partners():
    plan = planned(BOTH)
    np.testing.assert_array_equal(plan["second_label"], LABELS[plan["second_id"]])
    assert len(np.unique(plan["second_label"])) == 7


def test_what_is_drawn_belongs_to_the_example_and_the_epoch_not_to_its_place():
    plan, order = planned(BOTH), np.random.default_rng(0).permutation(len(SPLIT))[:50]
    for name, value in planned(BOTH, SPLIT[order]).items():
        np.testing.assert_array_equal(value, plan[name][order])
    for other in (planned(BOTH, epoch=1), planned(BOTH, seed=2)):
        assert (other["second_id"] != plan["second_id"]).mean() > 0.99
        assert (other["cut"] != plan["cut"]).any(axis=1).mean() > 0.5


def test_the_share_of_a_blended_partner_is_the_smaller_one_of_a_beta_draw():
    for alpha in (0.2, 1.0):
        plan = planned(MixOptions(alpha))
        assert plan["second_weight"].max() <= 0.5
        assert not sides(plan["cut"]).any()
        of_either = scipy.stats.beta(alpha, alpha)
        assert scipy.stats.kstest(plan["second_weight"], lambda x, d=of_either: 2 * d.cdf(x)).pvalue > 0.001


def test_the_area_of_a_box_before_it_is_cut_is_a_beta_draw():
    for alpha in (0.3, 1.0):
        plan = planned(MixOptions(cutmix_alpha=alpha))
        assert not plan["second_weight"].any()
        cut = plan["cut"]
        whole = (cut > 0).all(axis=1) & (cut < 1).all(axis=1)  # of a box that is not cut at an edge
        height, width = sides(cut[whole]).T
        np.testing.assert_allclose(height, width)
        # Of a box of side s, the part (1 - s)^2 of all middles leaves it whole.
        side, weight = np.sort(height), 1 / (1 - np.sort(height)) ** 2
        reached = np.cumsum(weight) / len(cut)
        small = side < 0.6
        expected = scipy.stats.beta(alpha, alpha).cdf(side**2)
        assert small.sum() > 2000
        assert np.abs(reached - expected)[small].max() < 0.03


def test_middles_lie_everywhere():
    cut = planned(CUTMIX)["cut"]
    small = sides(cut).max(axis=1) < 0.1
    middles = (cut[small, 0] + cut[small, 1]) / 2, (cut[small, 2] + cut[small, 3]) / 2
    assert small.sum() > 100
    for middle in middles:
        assert scipy.stats.kstest(middle, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(*middles)[0, 1]) < 0.2


@pytest.mark.parametrize("probability", [0.25, 1.0])
def test_so_many_are_mixed_and_of_both_kinds_half(probability):
    plan = planned(MixOptions(1.0, 1.0, probability))
    blended, boxed = plan["second_weight"] > 0, sides(plan["cut"]).all(axis=1)
    assert not (blended & boxed).any()
    spread = 4 * np.sqrt(0.25 / len(SPLIT))
    assert blended.mean() == pytest.approx(probability / 2, abs=spread)
    assert boxed.mean() == pytest.approx(probability / 2, abs=spread)


def test_an_example_that_is_alone_is_not_mixed():
    plan = planned(BOTH, np.array([4, 4, 4]), split=np.array([4]))
    assert plan["second_id"].tolist() == [4, 4, 4]
    assert not plan["second_weight"].any()
    assert not sides(plan["cut"]).any()


@pytest.mark.parametrize(("bits", "channels"), [(8, 3), (8, 1), (16, 1)])
def test_pixels_are_blended_as_the_labels_are(bits, channels):
    first, second = pair(16, bits=bits, channels=channels)
    plan = planned(MIXUP, SPLIT[:16])
    weight = plan["second_weight"]
    done = mixed(MIXUP, first, second, **plan | {"second_weight": np.float32(weight), "cut": np.float32(plan["cut"])})
    share, scale = weight[:, None, None, None], 2.0**bits - 1
    np.testing.assert_allclose(done["image"], ((1 - share) * first + share * second) / scale, atol=1e-6)
    np.testing.assert_allclose(done["second_weight"], weight, rtol=1e-6)
    assert np.abs(done["image"] - first / scale).max() > 0.1


@pytest.mark.parametrize(("bits", "channels"), [(8, 3), (8, 1), (16, 1)])
@pytest.mark.parametrize("size", [24, 37])
def test_the_labels_share_is_that_of_the_pixels_to_the_last_one(size, bits, channels):
    first, second = pair(40, size, channels, bits)
    plan = planned(CUTMIX, SPLIT[:40])
    features = {name: np.float32(plan[name]) for name in ("second_weight", "cut")}
    done = mixed(CUTMIX, first, second, **plan | features)
    ours, partners = (np.float32(one) * np.float32(1 / (2**bits - 1)) for one in (first, second))
    is_ours, is_partners = (done["image"] == one for one in (ours, partners))
    assert (is_ours | is_partners).all()
    differ = (ours != partners).any(axis=(1, 2, 3))
    assert differ.all()
    pixels = (~is_ours.all(axis=-1)).sum(axis=(1, 2))
    equal = (ours == partners).all(axis=-1).sum(axis=(1, 2))  # of these nobody can tell
    taken = np.round(done["second_weight"] * size**2).astype(int)
    assert ((pixels <= taken) & (taken <= pixels + equal)).all()
    np.testing.assert_allclose(done["second_weight"] * size**2, taken, atol=1e-2)
    assert done["second_weight"].max() <= 0.5
    # A partner inside of a box, and around one.
    large = np.prod(sides(plan["cut"]), axis=1) > 0.52
    edges = plan["cut"].reshape(-1, 2, 2)
    middle = np.minimum((size * edges.mean(axis=2)).astype(int), size - 1).T
    in_the_box = is_ours.all(axis=-1)[np.arange(40), *middle]
    assert 3 < large.sum() < 37
    assert in_the_box[large].all()
    assert not in_the_box[np.prod(sides(plan["cut"]), axis=1) < 0.2].all()


def test_what_is_not_mixed_keeps_every_bit():
    first, second = pair(30)
    options = MixOptions(0.4, 1.0, 0.3)
    plan = planned(options, SPLIT[:30])
    features = {name: np.float32(plan[name]) for name in ("second_weight", "cut")}
    done = mixed(options, first, second, **plan | features)
    plain = make_finish(AugmentOptions(), PixelFormat.square(24))({"image": tf.constant(first)})["image"].numpy()
    alone = done["second_weight"] == 0
    assert 10 < alone.sum() < 29
    np.testing.assert_array_equal(done["image"][alone], plain[alone])
    assert (done["image"] != plain)[~alone].any(axis=(1, 2, 3)).all()


def test_a_partner_is_augmented_by_draws_of_its_own():
    # As the same epoch sees it by itself: the augmented pictures of all examples, mixed by hand.
    pictures = np.stack([random_picture(seed, 16, 16) for seed in range(12)])
    warp = WarpOptions(30.0, 0.2, horizontal_flip=True)

    def images(augmentation) -> dict[int, dict]:
        plan = Plan(Order(FEW, 3, 4, shuffle=True), LABELS, PixelFormat.square(16), augmentation, seed=4)
        dataset = make_train_dataset(plan, PackedPixels(pictures, PixelFormat.square(16)), 0, 3)
        rows = {}
        for batch in dataset.as_numpy_iterator():
            rows |= {int(one): {name: batch[name][row] for name in ("image", *({"second_weight"} & {*batch}))}
                     for row, one in enumerate(batch["example_id"]) if batch["mask"][row]}  # fmt: skip
        return rows

    alone, blended = images(AugmentOptions(warp)), images(AugmentOptions(warp, mix=MIXUP))
    plan = planned(MIXUP, FEW, seed=4, split=FEW)
    assert sorted(alone) == sorted(blended) == FEW.tolist()
    for one, second, weight in zip(FEW, plan["second_id"], plan["second_weight"], strict=True):
        expected = (1 - weight) * alone[int(one)]["image"] + weight * alone[int(second)]["image"]
        np.testing.assert_allclose(blended[int(one)]["image"], expected, atol=1e-6)
        assert blended[int(one)]["second_weight"] == np.float32(weight)


@pytest.mark.parametrize(
    ("options", "active", "words"),
    [
        (MixOptions(), False, ""),
        (MixOptions(0.2), True, ""),
        (MixOptions(0.0, 0.2, 0.5), True, ""),
        (MixOptions(mix_probability=0.5), False, "--mix_probability=0.5 without --mixup_alpha or --cutmix_alpha"),
        (MixOptions(0.2, 0.0, 0.0), False, "--mix_probability=0: nothing is mixed"),
    ],
)
def test_what_mixes_nothing_is_off_and_said(options, active, words):
    assert options.active == active
    assert len(options.notes) == bool(words)
    assert words in "".join(options.notes)
