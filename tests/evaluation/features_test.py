"""Frozen features: what the model computes, kept whole or not at all, and named by all that they depend on."""

import dataclasses
import shutil

import keras
import numpy as np

from evaluation import features
from evaluation.features import FeatureFormat, open_or_build_features
from evaluation.probabilities import split_batches
from models.layers import Dropout
from models.options import ModelOptions
from models.parts import feature_part
from models.zoo import build_model
from pipeline.graph import make_eval_dataset, make_train_dataset
from pipeline.options import DataOptions
from pipeline.order import Order
from pipeline.pixels import PackedPixels
from pipeline.plan import Plan
from tests.helpers.features import IDENTITY, OPTIONS, explode, kept, load, model_of, used
from tests.helpers.watches import Recording


def expected_features(model, data) -> np.ndarray:
    rows = np.zeros((len(data.manifest), model.get_layer("pool").output.shape[-1]), np.float32)
    part = feature_part(model)
    for batch in split_batches(data, used(data), features.BATCH_PICTURES):
        real = batch["mask"].numpy()
        rows[batch["example_id"].numpy()[real]] = part(batch["image"]).numpy()[real]
    return rows


def test_they_are_what_the_model_makes_of_each_picture_as_evaluation_sees_it(model, data, cache_dir):
    found = open_or_build_features(model, data, cache_dir, IDENTITY)
    expected = expected_features(model, data)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    (refused,) = set(range(90)) - set(used(data).tolist())
    assert not found[refused].any()
    assert (found.std(axis=0) > 1e-4).any()
    assert found.dtype == np.float32
    assert not found.flags.writeable
    assert len(kept(cache_dir)) == 1


def test_with_flips_they_are_means_with_those_of_the_mirrored_pictures_kept_under_a_name_of_their_own(
    model, data, cache_dir
):
    plain = open_or_build_features(model, data, cache_dir, IDENTITY)
    found, part = open_or_build_features(model, data, cache_dir, IDENTITY, flips=True), feature_part(model)
    batch = next(iter(split_batches(data, used(data), 16)))
    rows = batch["example_id"].numpy()
    mirrored = part(batch["image"].numpy()[:, :, ::-1]).numpy()
    np.testing.assert_allclose(found[rows], (plain[rows] + mirrored) / 2, rtol=1e-5, atol=1e-6)
    assert np.abs(found - plain).max() > 1e-4
    assert len(kept(cache_dir)) == 2


def test_a_streamed_run_has_the_same(model, root, data, cache_dir, tmp_path):
    streamed = load(root, tmp_path / "other", dataclasses.replace(OPTIONS, cache="none"))
    found = open_or_build_features(model, data, cache_dir, IDENTITY)
    np.testing.assert_array_equal(found, open_or_build_features(model, streamed, tmp_path / "other", IDENTITY))
    assert kept(cache_dir) == kept(tmp_path / "other")


def test_a_mixed_model_gives_those_of_float32(data, cache_dir, tmp_path):
    plain = open_or_build_features(model_of(), data, cache_dir, IDENTITY)
    mixed = open_or_build_features(model_of("mixed_bfloat16"), data, tmp_path / "other", IDENTITY)
    np.testing.assert_array_equal(plain, mixed)
    assert kept(cache_dir) == kept(tmp_path / "other")


def test_a_second_opening_computes_nothing(model, data, cache_dir, monkeypatch):
    watch = Recording()
    built = np.array(open_or_build_features(model, data, cache_dir, IDENTITY, watch))
    assert [step for step in watch.steps if step[2] == "computing features"] == [
        (64, 89, "computing features"),
        (89, 89, "computing features"),
    ]
    assert "89 pictures x 8 numbers, computed in" in watch.lines[-1]
    monkeypatch.setattr(features, "_compute", explode)
    watch = Recording()
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), built)
    assert watch.lines == [
        f"features    89 pictures x 8 numbers, computed before, in {cache_dir}/features/{kept(cache_dir)[0]}"
    ]


def test_a_copy_of_the_pictures_in_another_place_has_the_same(model, root, data, cache_dir, tmp_path, monkeypatch):
    built = np.array(open_or_build_features(model, data, cache_dir, IDENTITY))
    shutil.copytree(root, tmp_path / "copied" / "elsewhere")
    copied = load(tmp_path / "copied" / "elsewhere", cache_dir)
    fresh = open_or_build_features(model, copied, tmp_path / "other", IDENTITY)
    np.testing.assert_array_equal(fresh, built)
    monkeypatch.setattr(features, "_compute", explode)
    np.testing.assert_array_equal(open_or_build_features(model, copied, cache_dir, IDENTITY), built)


def test_the_name_follows_all_that_they_depend_on_and_nothing_else(model, root, data, cache_dir, monkeypatch):
    def key(model=model, data=data, identity=IDENTITY):
        return features.features_key(feature_part(model), data, used(data), identity)

    first = key()
    assert key(model_of("mixed_float16")) == first
    assert key(build_model(ModelOptions(filters=(4, 8), dropout=0.0), 1, 5, (16, 16, 3))) == first  # another head
    keys = {first, key(model_of(seed=2)), key(model_of(filters=(4, 9)))}
    changed = model_of()
    variable = next(one for one in changed.variables if one.path.endswith("moving_mean"))
    variable.assign(variable + 1e-6)
    keys.add(key(changed))
    keys.add(key(data=load(root, cache_dir, DataOptions(image_size=17))))
    keys.add(key(data=load(root, cache_dir, DataOptions(image_size=16, full_scale=200))))
    for other in (
        {"model": "another"},
        {"processor": "another"},
        {"versions": {}},
        {"environment": {"XLA_FLAGS": "--x"}},
    ):
        keys.add(key(identity=IDENTITY | other))
    with monkeypatch.context() as patch:
        patch.setattr(features, "FEATURES_VERSION", 99)
        keys.add(key())
    assert len(keys) == 12 - 1
    (root / "a" / "0001.png").rename(root / "a" / "0001x.png")
    assert key(data=load(root, cache_dir, dataclasses.replace(OPTIONS, split_seed=7))) == first
    (root / "a" / "0000.jpg").write_bytes((root / "a" / "0002.jpg").read_bytes())
    assert key(data=load(root, cache_dir)) not in keys


def test_dropout_within_the_features_is_no_reason_to_compute_them_again(data):
    def key(seed):
        image = keras.Input((16, 16, 3), name="image")
        dropped = Dropout(0.5, seed, name="drop")(image)
        pooled = keras.layers.GlobalAveragePooling2D(name="pool")(dropped)
        model = keras.Model(image, keras.layers.Dense(2, name="logits")(pooled))
        return features.features_key(feature_part(model), data, used(data), IDENTITY)

    assert key(1) == key(2)


def test_they_are_pixels_to_training_and_to_evaluation(model, data, cache_dir):
    found = open_or_build_features(model, data, cache_dir, IDENTITY)
    pixels, ids = PackedPixels(found, FeatureFormat(8)), data.splits.ids["train"]
    batches = list(make_eval_dataset(ids, pixels, data.manifest.labels, 16))
    rows = np.concatenate([batch["image"].numpy()[batch["mask"].numpy()] for batch in batches])
    np.testing.assert_array_equal(rows, found[ids], strict=True)
    plan = Plan(Order(ids, 16, seed=3, shuffle=True), data.manifest.labels, pixels.pixel_format)
    for batch in make_train_dataset(plan, pixels, 2, 5):
        np.testing.assert_array_equal(batch["image"].numpy(), found[batch["example_id"].numpy()])
        np.testing.assert_array_equal(batch["label"].numpy(), data.manifest.labels[batch["example_id"].numpy()])
    np.testing.assert_array_equal(pixels.read([5, 3]), found[[5, 3]])
    assert FeatureFormat(8).nbytes == found[0].nbytes
