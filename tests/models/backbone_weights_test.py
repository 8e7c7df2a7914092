"""Weights of backbones: which files are taken, which are refused, and that they see the range they were trained on."""

import shutil
from pathlib import Path
from urllib.error import URLError

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from PIL import Image

from base.errors import UserError
from models import backbones
from models.backbone_table import BACKBONES
from models.backbone_weights import load_weights
from models.layers import Layers
from models.options import ModelOptions
from models.zoo import build_model
from tests.helpers.keras_networks import constructor_of, whole_network
from tests.helpers.shared_data import DATA

WEIGHTS = DATA / "weights" / "mobilenet_v2_0.35_224_no_top.weights.h5"
SIDE = 64


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """[8, 64, 64, 3] uint8: cats and dogs."""
    paths = sorted((DATA / "catdog_data" / "test").glob("*/*.jpg"))[::50]
    if not paths:
        pytest.skip(f"no pictures under {DATA}")
    return np.stack([np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE))) for path in paths])


def _pairs(first: list, second: list) -> zip:
    return zip(first, second, strict=True)


def _original(pooling: str | None = None) -> keras.Model:
    return keras.applications.MobileNetV2(
        input_shape=(SIDE, SIDE, 3), alpha=0.35, include_top=False, weights=None, pooling=pooling
    )


def test_pretrained_weights_load_and_see_the_right_range(pictures):
    original = _original(pooling="avg")
    original.load_weights(WEIGHTS)
    expected = original(keras.applications.mobilenet_v2.preprocess_input(pictures.astype(np.float32))).numpy()
    model = build_model(ModelOptions("mobilenet_v2_035", weights=str(WEIGHTS)), 1, 2, (SIDE, SIDE, 3))
    features = keras.Model(model.input, model.get_layer("pool").output)(pictures / np.float32(255)).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4)


def test_imagenet_weights_reach_the_rebuilt_network(monkeypatch):
    original = _original()
    monkeypatch.setattr(keras.applications, "MobileNetV2", lambda **_: original)
    model = build_model(ModelOptions("mobilenet_v2_035", weights="imagenet"), 1, 2, (SIDE, SIDE, 3))
    assert all(np.array_equal(a, b) for a, b in _pairs(model.get_weights()[:-2], original.get_weights()))


@pytest.mark.parametrize(("side", "said"), [(32, 224), (96, 96), (100, 224), (224, 224), (300, 224)])
def test_weights_of_another_size_than_the_pictures_are_no_warning(side, said, monkeypatch, recwarn):
    asked = []
    monkeypatch.setattr(
        "keras.src.applications.mobilenet_v2.file_utils.get_file", lambda name, *_, **__: asked.append(name) or WEIGHTS
    )
    build_model(ModelOptions("mobilenet_v2_035", weights="imagenet"), 1, 2, (side, side, 3))
    assert [str(warning.message) for warning in recwarn] == []
    assert f"_{said}_" in asked[0]
    assert BACKBONES["mobilenet_v2_035"].imagenet_side(side, side) == said
    assert BACKBONES["mobilenet_v2_035"].imagenet_side(side, side + 32) == 224


def test_weights_of_the_older_format_load(tmp_path):
    original = _original()
    with h5py.File(tmp_path / "no_top.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, original)
    options = ModelOptions("mobilenet_v2_035", weights=str(tmp_path / "no_top.h5"))
    loaded = build_model(options, 1, 2, (SIDE, SIDE, 3)).get_weights()[:-2]
    assert all(np.array_equal(a, b) for a, b in _pairs(loaded, original.get_weights()))


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    return backbones.construct(Layers(ModelOptions("mobilenet_v2_035"), 1), (32, 32, 3))


def _refusal(backbone: keras.Model, path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_weights(backbone, ModelOptions("mobilenet_v2_035", weights=str(path)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_of_weights_is_refused(mobilenet, tmp_path):
    path = tmp_path / "missing.weights.h5"
    assert _refusal(mobilenet, path) == f"--weights='{path}': there is no such file"


def test_a_file_of_something_else_is_refused(mobilenet, tmp_path):
    path = tmp_path / "garbage.weights.h5"
    path.write_bytes(b"no such format" * 100)
    assert "not the weights of mobilenet_v2_035 without its top" in _refusal(mobilenet, path)


def test_weights_of_another_width_are_refused(tmp_path):
    narrow = ModelOptions("mobilenet_v2", weights=str(WEIGHTS))
    with pytest.raises(UserError, match=r"not the weights of mobilenet_v2 without its top \(.*\); give a file"):
        build_model(narrow, 1, 2, (SIDE, SIDE, 3))


def test_a_file_with_a_layer_too_many_or_too_few_is_refused(mobilenet, tmp_path):
    path = tmp_path / "partial.weights.h5"
    shutil.copy(WEIGHTS, path)
    path.chmod(0o644)
    with h5py.File(path, "r+") as file:
        file["layers/extra/vars/0"] = np.zeros(3, np.float32)
    assert "it holds 261 arrays, not 260" in _refusal(mobilenet, path)
    with h5py.File(path, "r+") as file:
        del file["layers/extra"], file["layers/conv2d_34"]
    assert "not the weights of mobilenet_v2_035" in _refusal(mobilenet, path)


def test_imagenet_without_a_network_names_the_way_by_file(monkeypatch, tmp_path):
    def offline(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", offline)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(UserError) as caught:
        build_model(ModelOptions("mobilenet_v2_035", weights="imagenet"), 1, 2, (96, 96, 3))
    text = str(caught.value)
    assert "could not be fetched" in text
    assert "no network" in text
    assert text.endswith("copy the no_top .h5 file here and give its path as weights")
    assert "\n" not in text


def _file_of_efficientnet(folder: Path, published: bool) -> str:
    """A file of random weights, with the values of its own range as published, or as Keras draws them."""
    settings = {"include_top": False, "input_shape": (32, 32, 3)}
    model = (
        whole_network("efficientnet_b0", 32)
        if published
        else constructor_of("efficientnet_b0")(weights=None, **settings)
    )
    model.save_weights(folder / "no_top.weights.h5")
    return str(folder / "no_top.weights.h5")


def test_efficientnets_weights_leave_its_own_range_behind(tmp_path):
    options = ModelOptions("efficientnet_b0", weights=_file_of_efficientnet(tmp_path, published=True))
    original = whole_network("efficientnet_b0", 32)
    original.load_weights(options.weights)
    model = build_model(options, 1, 2, (32, 32, 3))
    kept = [array for v, array in _pairs(original.weights, original.get_weights()) if not v.path.startswith("normal")]
    assert len(kept) == len(original.weights) - 3
    assert all(np.array_equal(a, b) for a, b in _pairs(model.get_weights()[:-2], kept))


def test_weights_of_another_range_than_the_published_one_are_refused(tmp_path):
    options = ModelOptions("efficientnet_b0", weights=_file_of_efficientnet(tmp_path, published=False))
    with pytest.raises(UserError, match=r"trained on pictures less \[0. 0. 0.\] by the root of \[1. 1. 1.\]"):
        build_model(options, 1, 2, (32, 32, 3))
