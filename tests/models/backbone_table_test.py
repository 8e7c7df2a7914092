"""Each backbone's range, smallest side and ImageNet's sides, against what keras.applications says of it."""

from unittest import mock

import keras
import numpy as np
import pytest

from models import backbones
from models.backbone_table import BACKBONES, STANDARDIZED
from tests.helpers.keras_networks import constructor_of, module_of, own_preprocessing, whole_network

PIXELS = np.random.default_rng(5).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
# Networks with the preprocessing inside: one of each kind, as small as its kind can be had.
INSIDE = {"mobilenet_v3": "mobilenet_v3_small_minimalistic", "efficientnet": "efficientnet_b0",
          "convnext": "convnext_tiny"}  # fmt: skip


class AskedError(Exception):
    """Keras was asked for a network of some size."""


def test_every_network_of_keras_applications_is_here():
    names = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {chosen.constructor for chosen in BACKBONES.values()} == names


def sizes_asked(name: str) -> tuple[int, int]:
    """(usual side, smallest side), as the network's own code has them."""

    def refuse(input_shape, default_size, min_size, **_):
        raise AskedError(default_size, min_size)

    replaced = mock.patch("keras.src.applications.imagenet_utils.obtain_input_shape", refuse)
    with replaced, pytest.raises(AskedError) as caught:
        constructor_of(name)(weights=None)
    return caught.value.args


@pytest.mark.parametrize("name", [name for name in BACKBONES if not name.startswith("mobilenet_v3")])
def test_the_smallest_and_the_usual_side_are_kerass(name):
    assert sizes_asked(name) == (BACKBONES[name].imagenet_sides[-1], BACKBONES[name].smallest_side)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_smaller_picture_is_refused_by_keras_too(name):
    chosen = BACKBONES[name]
    side = chosen.smallest_side - 1
    with pytest.raises(ValueError, match=f"at least {chosen.smallest_side}"):
        constructor_of(name)(include_top=False, weights=None, input_shape=(side, side, 3), **chosen.settings)


def tiny_efficientnet_v2(kind: str) -> keras.Model:
    module = module_of("efficientnet_v2_s")
    return module.EfficientNetV2(0.1, 0.1, 32, name=f"efficientnetv2-{kind}", include_top=False, weights=None,
                                 input_shape=(32, 32, 3))  # fmt: skip


@pytest.fixture(scope="module")
def inside() -> dict[str, keras.Model]:
    """The layers that bring [0, 255] to its range, by the kind of network that has them inside."""
    whole = {kind: whole_network(name, 32) for kind, name in INSIDE.items()}
    whole |= {f"efficientnet_v2_{kind}": tiny_efficientnet_v2(kind) for kind in ("b0", "s")}
    return {kind: own_preprocessing(model) for kind, model in whole.items()}


def expected_range(name: str, inside: dict[str, keras.Model]) -> np.ndarray:
    """What the first convolution of Keras's own network sees of `PIXELS`."""
    fed, kind = module_of(name).preprocess_input(PIXELS.copy()), module_of(name).__name__.rpartition(".")[2]
    if kind == "efficientnet_v2":
        kind += "_b0" if "_b" in name else "_s"
    return inside[kind](fed).numpy() if kind in inside else fed


@pytest.mark.parametrize("name", BACKBONES)
def test_each_backbone_gets_the_range_that_its_own_preprocessing_gives(name, inside):
    image = keras.Input((32, 32, 3), dtype="float32")
    rescaled = keras.Model(image, backbones.rescale(image, name))(PIXELS / np.float32(255)).numpy()
    expected = expected_range(name, inside)
    assert expected.max() - expected.min() > 1.9
    scale = 255 if BACKBONES[name].value_range.is_bgr else 1
    np.testing.assert_allclose(rescaled, expected, rtol=1e-5, atol=2e-6 * scale)


def test_efficientnets_own_layers_change_pixels_and_the_table_is_what_they_come_to(inside):
    assert len([name for name in BACKBONES if BACKBONES[name].value_range is STANDARDIZED]) == 8 + 4 + 3 + 5
    assert not np.allclose(inside["efficientnet"](PIXELS), PIXELS)
