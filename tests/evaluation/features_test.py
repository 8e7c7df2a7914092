"""Frozen features: what the model computes, kept whole or not at all, and named by all that they depend on."""

import dataclasses
import errno
import itertools
import os
import shutil
import signal

import keras
import numpy as np
import pytest

from base import durable, locks
from base.errors import UserError
from base.signals import Stopped, StopRequest
from base.watch import Watch
from evaluation import features
from evaluation.features import FeatureFormat, features_identity, open_or_build_features
from evaluation.probabilities import split_batches
from models.options import ModelOptions
from models.parts import feature_part
from models.zoo import build_model
from pipeline import data as pipeline_data
from pipeline.graph import make_eval_dataset, make_train_dataset
from pipeline.options import DataOptions
from pipeline.order import Order
from pipeline.pixels import PackedPixels
from pipeline.plan import Plan
from pipeline.sources.folders import catalog_of_folder
from tests.helpers.run_fixtures import run_code
from tests.helpers.storage import file_size_limit
from tests.helpers.watches import Recording
from training.device import Hardware

HARDWARE = Hardware("CPU", None, 1, "float32", 2, False, (), "A CPU")
IDENTITY = features_identity("residual_small", HARDWARE)
OPTIONS = DataOptions(image_size=16)
PICTURES = {"a": 40, "b": 50}  # more than a batch


def load(root, cache_dir, options=OPTIONS):
    overview = pipeline_data.look(catalog_of_folder(root), options, cache_dir, 2)
    return pipeline_data.load(overview, options, cache_dir, 2)


def model_of(policy="float32", seed=1, filters=(4, 8), side=16) -> keras.Model:
    keras.config.set_dtype_policy(policy)
    try:
        return build_model(ModelOptions(filters=filters), seed, 2, (side, side, 3))
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.fixture
def root(picture_tree):
    """90 pictures, one of which cannot be decoded."""
    root = picture_tree(PICTURES)
    content = (root / "b" / "0002.jpg").read_bytes()
    (root / "b" / "0002.jpg").write_bytes(content[: len(content) // 2])
    return root


@pytest.fixture
def data(root, cache_dir):
    return load(root, cache_dir)


@pytest.fixture
def model():
    return model_of()


def kept(cache_dir) -> list[str]:
    """What lies in the folder of the features, temporaries and locks included."""
    return sorted(os.listdir(cache_dir / "features")) if (cache_dir / "features").exists() else []


def explode(*_, **__):
    raise AssertionError("the features were computed again")


def used(data) -> np.ndarray:
    return np.sort(np.concatenate([*data.splits.ids.values()]))


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
    one, other = (build_model(ModelOptions("convnext_tiny"), seed, 2, (32, 32, 3)) for seed in (1, 2))
    for copy, variable in zip(other.weights, one.weights, strict=True):
        copy.assign(variable)
    assert any("mask" in variable.path for variable in feature_part(one).variables)
    keys = {features.features_key(feature_part(model), data, used(data), IDENTITY) for model in (one, other)}
    assert len(keys) == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
@pytest.mark.parametrize("name", ["features.bin", "checksums.npz"])
def test_damaged_ones_are_computed_again(model, data, cache_dir, name, damage):
    built = np.array(open_or_build_features(model, data, cache_dir, IDENTITY))
    folder = cache_dir / "features" / kept(cache_dir)[0]
    content = bytearray((folder / name).read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 4
    (folder / name).write_bytes({"cut": content[:-1], "flip": content}.get(damage, b""))
    if damage == "gone":
        (folder / name).unlink()
    watch = Recording()
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), built)
    assert watch.lines[0] == f"features    {folder} is damaged: computing them again"
    assert kept(cache_dir) == [folder.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_midway_leaves_nothing(model, data, cache_dir, error):
    asked = itertools.count(1)

    def stop():
        if next(asked) == 2:
            raise error

    with pytest.raises(error):
        open_or_build_features(model, data, cache_dir, IDENTITY, Recording(stop))
    assert kept(cache_dir) == []


def test_a_stop_is_heard_between_two_batches(model, data, cache_dir):
    stop = StopRequest()

    class StopAtTheFirst(Watch):
        def progress(self, done, total, doing, note=""):
            stop.signal_name = "SIGTERM"

    with pytest.raises(Stopped, match="SIGTERM"):
        open_or_build_features(model, data, cache_dir, IDENTITY, StopAtTheFirst(stop))
    assert kept(cache_dir) == []


KILLED = """
import sys
from pathlib import Path
from base import kill_points
from evaluation.features import open_or_build_features
from tests.evaluation.features_test import IDENTITY, load, model_of
kill_points.arm(sys.argv[3])
root, cache_dir = Path(sys.argv[1]), Path(sys.argv[2])
open_or_build_features(model_of(), load(root, cache_dir), cache_dir, IDENTITY)
"""


@pytest.mark.parametrize("point", ["features.batch:1", "features.batch:2", "folder.written:1", "folder.renamed:1"])
def test_killed_anywhere_the_next_one_has_the_same_bits(point, model, root, data, cache_dir, tmp_path):
    whole = open_or_build_features(model, data, tmp_path / "whole", IDENTITY)
    done = run_code(KILLED, str(root), str(cache_dir), point)
    assert done.code == -signal.SIGKILL, done.stderr
    watch = Recording()
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), whole)
    assert ("computed before" in watch.lines[-1]) == point.startswith("folder.renamed")
    assert kept(cache_dir) == kept(tmp_path / "whole")


def test_those_that_another_process_finishes_meanwhile_are_used(model, data, cache_dir, tmp_path, monkeypatch):
    whole = open_or_build_features(model, data, tmp_path / "whole", IDENTITY)
    (name,) = kept(tmp_path / "whole")
    (cache_dir / "features").mkdir(parents=True)
    held = locks.acquire(cache_dir / "features" / f"{name}{locks.SUFFIX}")

    def finish():
        shutil.copytree(tmp_path / "whole" / "features" / name, cache_dir / "features" / name)
        held.close()

    monkeypatch.setattr(features, "_compute", explode)
    watch = Recording(finish)
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), whole)
    folder = cache_dir / "features" / name
    assert watch.lines == [f"features    another process is computing the same features into {folder}: waiting for it"]
    assert kept(cache_dir) == [name]


@pytest.mark.parametrize("fault", ["planted", "full", "flush"])
def test_where_they_cannot_be_kept_they_are_in_memory_and_that_is_said(
    fault, model, data, cache_dir, tmp_path, monkeypatch
):
    whole = np.array(open_or_build_features(model, data, tmp_path / "whole", IDENTITY))
    watch = Recording()
    if fault == "planted":
        (cache_dir / "features").write_text("a file where the folder should be")
        found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    elif fault == "full":
        with file_size_limit(whole.nbytes - 1):
            found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(
                durable.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error"))
            )
            found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    np.testing.assert_array_equal(found, whole)
    warnings = [line for line in watch.lines if "warning: they cannot be kept" in line]
    assert len(warnings) == 1
    assert fault == "planted" or kept(cache_dir) == []


def test_a_picture_that_changes_meanwhile_is_named(model, root, tmp_path):
    streamed = load(root, tmp_path / "other", dataclasses.replace(OPTIONS, cache="none"))
    (root / "a" / "0004.jpg").write_bytes((root / "a" / "0006.jpg").read_bytes() + b"x")
    with pytest.raises(UserError, match=r"a/0004.jpg' has changed"):
        open_or_build_features(model, streamed, tmp_path / "other", IDENTITY)
    assert kept(tmp_path / "other") == []


def test_a_model_without_features_is_refused(data, cache_dir):
    with pytest.raises(UserError, match="--model=catdog_1"):
        open_or_build_features(
            build_model(ModelOptions("catdog_1", filters=(4,)), 1, 2, (16, 16, 3)), data, cache_dir, {}
        )


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
