"""A run as its head's epochs see it."""

from types import SimpleNamespace

import numpy as np
import pytest

from jobs import head
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.splits import Splits
from tests.helpers.runs import OPTIONS, run_of
from tests.pipeline.sources.splits_test import make_manifest

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def asked_for(monkeypatch) -> list:
    """What the features that were asked for depend on."""
    identities = []

    def give(model, data, cache_dir, identity, watch, flips):
        identities.append(identity | {"flips": flips})
        return FEATURES

    monkeypatch.setattr(head, "open_or_build_features", give)
    return identities


def run_with(options: dict, tmp_path):
    splits = Splits({"train": np.arange(4), "validation": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)})
    pixels, larger = (SimpleNamespace(pixel_format=PixelFormat.square(side)) for side in (96, 128))
    data = Data(make_manifest([0, 0, 1, 1]), splits, pixels, (), {}, larger_pixels=larger)
    return run_of(data, tmp_path / "run", OPTIONS.changed(options))


def test_features_take_the_place_of_pictures_whatever_is_cut_from_these(asked_for, tmp_path):
    run = run_with({"augment": "strong", "crop_scale": (0.5, 1.0), "pack_size": (128, 128)}, tmp_path)
    seen = head.on_features(run, model=None)
    assert not seen.options.augment.active
    for pixels in (seen.data.pixels, seen.data.train_pixels):
        np.testing.assert_array_equal(pixels.read([3, 0]), FEATURES[[3, 0]])
    assert run.options.augment.active


def test_a_network_of_the_users_own_is_known_by_its_text_and_not_by_its_name(asked_for, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def build(num_classes, pixel_shape): ...")
    head.on_features(run_with({"model": f"{path}:build"}, tmp_path), model=None)
    head.on_features(run_with({"model": "residual_small"}, tmp_path), model=None)
    own, known = (identity["model"] for identity in asked_for)
    assert known == "residual_small"
    assert len(own) == 64
    assert str(path) not in own


def test_mirrored_features_are_those_of_test_time_flips(asked_for, tmp_path):
    for flips in (False, True):
        head.on_features(run_with({"test_time_flip": flips}, tmp_path), model=None)
    assert [identity["flips"] for identity in asked_for] == [False, True]


def test_features_are_opened_once_a_run(asked_for, tmp_path):
    run = run_with({"model": "residual_small"}, tmp_path)
    assert head.on_features(run, model=None) is head.on_features(run, model=None)
    assert len(asked_for) == 1
