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
from models.layers import Layers
from models.options import BACKBONE_NAMES, ModelOptions
from models.zoo import build_model
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


def _as_keras_feeds_it(name: str, pictures: np.ndarray) -> np.ndarray:
    """What the first convolution sees of [0, 255] pictures, by keras.applications' own preprocessing."""
    module = {
        "mobilenet_v2": keras.applications.mobilenet_v2,
        "mobilenet_v2_035": keras.applications.mobilenet_v2,
        "mobilenet_v3_small": keras.applications.mobilenet_v3,
        "efficientnet_v2_b0": keras.applications.efficientnet_v2,
        "resnet50_v2": keras.applications.resnet_v2,
        "convnext_tiny": keras.applications.convnext,
        "densenet121": keras.applications.densenet,
    }[name]
    fed = module.preprocess_input(pictures.astype(np.float32))
    chosen = backbones.BACKBONES[name]
    if "include_preprocessing" not in chosen.settings:
        return fed
    # These only pass the picture through; the layers inside the network do the work.
    whole = chosen.construct(weights=None, include_top=False, input_shape=pictures.shape[1:])
    named = [layer for layer in whole.layers if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)]
    return keras.Model(whole.input, named[-1].output)(fed).numpy()


@pytest.mark.parametrize("name", BACKBONE_NAMES)
def test_each_backbone_gets_the_range_that_its_own_preprocessing_gives(name, pictures):
    image = keras.Input(pictures.shape[1:], dtype="float32")
    rescaled = keras.Model(image, backbones.rescale(image, name))(pictures / np.float32(255)).numpy()
    expected = _as_keras_feeds_it(name, pictures)
    assert expected.min() < -0.9
    assert expected.max() > 0.9
    np.testing.assert_allclose(rescaled, expected, rtol=1e-5, atol=2e-6)


def test_the_range_is_made_in_float32_under_a_mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(ModelOptions("mobilenet_v2_035"), 1, 3, (32, 32, 1))
    finally:
        keras.config.set_dtype_policy("float32")
    assert [layer.name for layer in model.layers][:3] == ["image", "gray_to_color", "rescale"]
    assert model.get_layer("rescale").output.dtype == model.get_layer("gray_to_color").output.dtype == "float32"
    assert model.output.dtype == "float32"
    assert {variable.dtype for variable in model.weights} == {"float32"}


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_v2_b0", "convnext_tiny"])
def test_the_rebuilt_network_is_the_original_with_a_seed(name, pictures):
    chosen = backbones.BACKBONES[name]
    shape = (SIDE, SIDE, 3)
    # Two originals, since Keras numbers the names of the second one differently.
    original, other = (
        chosen.construct(weights=None, include_top=False, input_shape=shape, **chosen.settings) for _ in range(2)
    )
    first, again = (backbones.rebuild(model, Layers(ModelOptions(name, l2=1e-4), 1)) for model in (original, other))
    assert [v.path for v in first.variables] == [v.path for v in again.variables]
    assert len({v.path for v in first.variables}) == len(original.variables)
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in _pairs(first.variables, again.variables))
    assert len(first.losses) == sum(v.path.endswith("kernel") for v in first.trainable_variables)

    first.set_weights(original.get_weights())
    images = backbones.rescale(pictures / np.float32(255), name)
    expected = original(images).numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(first(images).numpy(), expected, rtol=1e-5, atol=1e-6)


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
    given = backbones.Backbone(lambda **_: original, backbones.MINUS_ONE_TO_ONE)
    monkeypatch.setitem(backbones.BACKBONES, "mobilenet_v2_035", given)
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
    assert backbones.imagenet_side("mobilenet_v2_035", side, side) == said
    assert backbones.imagenet_side("mobilenet_v2_035", side, side + 32) == 224


def test_the_statistics_follow_a_small_data_set(mobilenet):
    norms = [layer for layer in mobilenet.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.9}


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
        backbones.load_weights(backbone, ModelOptions("mobilenet_v2_035", weights=str(path)))
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


def test_pictures_below_32_pixels_are_refused():
    with pytest.raises(UserError, match="--image_size=31: densenet121 needs at least 32 pixels a side"):
        build_model(ModelOptions("densenet121"), 1, 2, (31, 31, 3))
