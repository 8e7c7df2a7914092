"""KerasHub's presets, from folders that it has saved: their own range, a function of the seed, and what is refused."""

import importlib.util
import json

import keras
import numpy as np
import pytest

from base.errors import UserError
from models.hub_preset import hub_preset, without_folder
from models.options import ModelOptions
from models.zoo import build_model, check_model

SIDE = 32


@pytest.fixture(scope="module")
def keras_hub():
    return pytest.importorskip(
        "keras_hub", reason="KERASHUB MISSING: `make setup HUB=1` installs what these tests need"
    )


@pytest.fixture(scope="module")
def presets(keras_hub, tmp_path_factory) -> dict:
    """Folders of small networks with random weights: a convolutional one, a ViT and a DINOv2; and what they compute."""
    folder = tmp_path_factory.mktemp("presets")
    models, layers = keras_hub.models, keras_hub.layers
    backbones = {
        "resnet": models.ResNetBackbone(
            input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 16],
            stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
            image_shape=(None, None, 3)),
        "vit": models.ViTBackbone(
            image_shape=(SIDE, SIDE, 3), patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32),
        "dinov2": models.DINOV2Backbone(
            patch_size=8, num_layers=2, hidden_dim=16, num_heads=2, intermediate_dim=32, dropout_rate=0.1,
            image_shape=(SIDE, SIDE, 3), position_embedding_shape=(SIDE, SIDE, 3)),
    }  # fmt: skip
    converters = {
        "resnet": layers.ResNetImageConverter(image_size=(SIDE, SIDE), scale=[1 / 51, 1 / 57, 1 / 60],
                                              offset=[-2.5, -2.0, -1.8]),
        "vit": layers.ViTImageConverter(image_size=(SIDE, SIDE), scale=1 / 127.5, offset=-1.0),
        "dinov2": layers.DINOV2ImageConverter(image_size=(SIDE, SIDE), scale=1 / 127.5, offset=-1.0),
    }  # fmt: skip
    for name, backbone in backbones.items():
        backbone.save_to_preset(str(folder / name))
        converters[name].save_to_preset(str(folder / name))
    return {name: (folder / name, backbones[name], converters[name]) for name in backbones}


NAMES = ("resnet", "vit", "dinov2")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_computes_what_kerashubs_own_does_behind_its_own_converter(name, presets):
    folder, backbone, converter = presets[name]
    options = ModelOptions(f"hub:{folder}", weights="preset")
    check_model(options, 1, 3, (SIDE, SIDE, 3))
    model = build_model(options, 1, 3, (SIDE, SIDE, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype(np.float32)
    fed = converter(pixels)
    theirs = np.asarray(backbone({"images": fed} if name == "dinov2" else fed))
    expected = theirs.mean(axis=(1, 2)) if name == "resnet" else theirs[:, 0]
    found = keras.Model(model.input, model.get_layer("pool").output)(pixels / np.float32(255)).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 1e-4
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert (model.layers[-1].name, model.output_shape) == ("logits", (None, 3))


@pytest.mark.parametrize("name", NAMES)
def test_random_weights_are_a_function_of_the_seed_and_not_the_presets(name, presets):
    folder, *_ = presets[name]

    def values(seed):
        model = build_model(ModelOptions(f"hub:{folder}"), seed, 3, (SIDE, SIDE, 3))
        return {variable.path: np.asarray(variable) for variable in model.variables}

    first, again, other = values(1), values(1), values(2)
    assert list(first) == list(again)
    assert all(np.array_equal(first[path], again[path]) for path in first)
    kernels = [path for path in first if path.endswith("kernel")]
    assert not any(np.array_equal(first[path], other[path]) for path in kernels)
    assert len(kernels) > 3


def test_pictures_of_another_size_are_told_with_the_presets_own(presets):
    folder, *_ = presets["vit"]
    with pytest.raises(UserError, match=r"try pictures of 32 pixels, as its own are") as caught:
        build_model(ModelOptions(f"hub:{folder}", weights="preset"), 1, 3, (48, 48, 3))
    assert "\n" not in str(caught.value)
    assert build_model(ModelOptions(f"hub:{folder}"), 1, 3, (48, 48, 1)).output_shape == (None, 3)


def test_a_preset_that_says_no_range_is_refused(presets, tmp_path):
    _, backbone, _ = presets["resnet"]
    backbone.save_to_preset(str(tmp_path / "bare"))
    with pytest.raises(UserError, match="does not say which range its pictures have") as caught:
        build_model(ModelOptions(f"hub:{tmp_path / 'bare'}"), 1, 3, (SIDE, SIDE, 3))
    assert "\n" not in str(caught.value)


def test_what_is_no_preset_is_refused(keras_hub, tmp_path):
    with pytest.raises(UserError, match=r"its preset does not say"):
        build_model(ModelOptions(f"hub:{tmp_path}"), 1, 3, (SIDE, SIDE, 3))


def test_without_kerashub_the_way_to_it_is_told(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "keras_hub" else find(name))
    with pytest.raises(UserError, match=r"--model=hub:vit_base: KerasHub is not installed here; `make setup HUB=1`"):
        build_model(ModelOptions("hub:vit_base"), 1, 3, (SIDE, SIDE, 3))


def test_a_folder_is_what_it_says_wherever_it_lies(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "config.json").write_text(json.dumps({"width": 3}))
        (tmp_path / place / "image_converter.json").write_text("{}")
    one, other = hub_preset(f"hub:{tmp_path}/a"), hub_preset(f"hub:{tmp_path}/b")
    assert one.sha256 == other.sha256
    (tmp_path / "b" / "config.json").write_text(json.dumps({"width": 4}))
    assert one.sha256 != other.sha256
    assert without_folder(f"hub:{tmp_path}/a") == "hub:FOLDER"
    assert without_folder("hub:vit_base") == "hub:vit_base"
    assert without_folder("hub:hf://someone/vit") == "hub:hf://someone/vit"
    assert hub_preset("hub:vit_base").sha256 != hub_preset("hub:vit_large").sha256
    with pytest.raises(UserError, match=r"its model.weights.h5 cannot be read \(No such file"):
        print(one.weights_sha256)
