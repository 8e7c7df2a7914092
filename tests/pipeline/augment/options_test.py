"""Options refuse bad values at birth, in words that name the flag, the value and the rule."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from base.errors import UserError
from base.options import leaves
from pipeline.augment.color import ColorOptions
from pipeline.augment.erase import EraseOptions
from pipeline.augment.mix import MixOptions
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.augment.randaugment import RandAugmentOptions
from pipeline.augment.tint import TintOptions
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat
from tests.pipeline.augment.warp_test import IDS, SIZE, planned

KNOBS = list(leaves(AugmentOptions))
FRACTIONS = [knob for knob in KNOBS if knob.kind is float and not knob.is_tuple]
# Knobs that say how, and what they need to do anything.
NEED = {"mix_probability": {"cutmix_alpha": 0.2}, "randaugment_magnitude": {"randaugment_operations": 2}}


def test_a_pixel_format_knows_its_shape_dtype_and_size():
    gray, color = PixelFormat.square(100, 1, 16), PixelFormat.square(112)
    assert (gray.shape, gray.dtype, gray.nbytes) == ((100, 100, 1), np.uint16, 20_000)
    assert (color.shape, color.dtype, color.nbytes) == ((112, 112, 3), np.uint8, 37_632)
    wide = PixelFormat(20, 300)
    assert (wide.shape, wide.nbytes) == ((20, 300, 3), 18_000)
    assert wide.stored != PixelFormat(300, 20).stored


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((7,), ["image_size is 7", "8 to 2048"]),
        ((2049,), ["image_size is 2049", "8 to 2048"]),
        ((32, 2), ["channels is 2", "1 (gray) or 3 (color)"]),
        ((32, 4), ["channels is 4"]),
        ((32, 3, 12), ["bit_depth is 12", "8 or 16"]),
        ((32, 3, 8, 65_536), ["full_scale is 65536", "from 0 to 65535"]),
        ((32, 3, 8, -1), ["full_scale is -1"]),
    ],
)
def test_a_pixel_format_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(UserError) as caught:
        PixelFormat.square(*arguments)
    with pytest.raises(UserError):
        PixelFormat(arguments[0], 32, *arguments[1:])
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_ends_of_every_range_are_allowed():
    PixelFormat.square(8, 1, 8)
    PixelFormat.square(2048, 3, 16)
    PixelFormat.square(8, 1, 8, 65_535)
    AugmentOptions(WarpOptions(180, 1, 80, 0.95, True, True), ColorOptions(1, 1), TintOptions(1, 180),
                   RandAugmentOptions(8, 10), EraseOptions(1), MixOptions(100, 100, 1))  # fmt: skip


def test_the_full_scale_is_the_largest_value_unless_another_is_given():
    assert [PixelFormat.square(8, 1, bits).full_scale for bits in (8, 16)] == [255, 65_535]
    deep = dataclasses.replace(PixelFormat.square(8, 1, 16), full_scale=4095)
    assert deep.full_scale == 4095
    assert deep != PixelFormat.square(8, 1, 16)
    assert deep.stored == PixelFormat.square(8, 1, 16).stored == (8, 1, 16, (255, 255, 255))


@pytest.mark.parametrize("knob", FRACTIONS, ids=lambda knob: knob.name)
@pytest.mark.parametrize("value", [-0.01, 181, math.nan, math.inf])
def test_every_knob_refuses_what_is_out_of_its_range(knob, value):
    with pytest.raises(UserError, match=f"--{knob.name}={value}: it must be from 0 to "):
        AugmentOptions().changed({knob.name: value})


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.name != "crop_ratio"], ids=lambda knob: knob.name)
def test_one_turned_knob_makes_its_operation_active_alone(knob):
    assert not AugmentOptions().active
    value = (0.5, 1.0) if knob.is_tuple else knob.kind(0.5 if knob.kind is float else 1)
    turned = AugmentOptions().changed({knob.name: value})
    assert turned.active == (knob.name not in NEED)
    assert len(turned.notes) == (knob.name in NEED)
    turned = turned.changed(NEED.get(knob.name, {}))
    assert turned.active
    assert turned.notes == []
    assert turned.operations == (getattr(turned, knob.path[0]),)


def test_operations_are_applied_in_the_order_of_the_fields():
    strong = AUGMENT_PRESETS["strong"].changed({"randaugment_operations": 1})
    in_order = [WarpOptions, ColorOptions, TintOptions, RandAugmentOptions, EraseOptions, MixOptions]
    assert [type(one) for one in strong.operations] == in_order


def test_the_presets_are_the_reports_and_none_is_none():
    assert not AUGMENT_PRESETS["none"].active
    none = AUGMENT_PRESETS["none"].by_flag()
    light = {"rotate_degrees": 10.0, "shift_fraction": 0.1, "zoom_fraction": 0.1}
    report = {"rotate_degrees": 20.0, "shift_fraction": 0.2, "shear_degrees": 0.1, "zoom_fraction": 0.2,
              "horizontal_flip": True}  # fmt: skip
    colors = {"brightness_fraction": 0.2, "contrast_fraction": 0.2, "saturation_fraction": 0.2}
    medium = colors | {"rotate_degrees": 15.0, "shift_fraction": 0.1, "zoom_fraction": 0.2, "horizontal_flip": True}
    strong = colors | {"rotate_degrees": 30.0, "shift_fraction": 0.2, "shear_degrees": 10.0, "zoom_fraction": 0.3,
                       "horizontal_flip": True, "erase_probability": 0.25, "mixup_alpha": 0.2,
                       "cutmix_alpha": 1.0}  # fmt: skip
    for name, turned in {"light": light, "report": report, "medium": medium, "strong": strong}.items():
        assert AUGMENT_PRESETS[name].by_flag() == none | turned


def test_what_is_drawn_belongs_to_its_example_and_epoch():
    options = AUGMENT_PRESETS["medium"]
    order = np.random.default_rng(0).permutation(len(IDS))
    table, others = planned(options, SIZE, 1, 0, IDS), [planned(options, SIZE, *key, IDS) for key in ((1, 1), (2, 0))]
    reordered, one = planned(options, SIZE, 1, 0, IDS[order]), planned(options, SIZE, 1, 0, IDS[5:6])
    for name, width in {"warp": 6, "color": 3}.items():
        assert (table[name].dtype, table[name].shape) == (np.float32, (len(IDS), width))
        np.testing.assert_array_equal(reordered[name], table[name][order])
        np.testing.assert_array_equal(one[name], table[name][5:6])
        for other in others:
            assert (np.abs(other[name] - table[name]).max(axis=1) > 1e-3).all()


@pytest.mark.parametrize(
    ("knob", "reach", "feature", "column", "center", "scale"),
    [
        ("shift_fraction", 0.25, "warp", 2, 0.0, SIZE),
        ("shift_fraction", 0.25, "warp", 5, 0.0, SIZE),
        ("zoom_fraction", 0.3, "warp", 0, 1.0, 1),
        ("zoom_fraction", 0.3, "warp", 4, 1.0, 1),
        ("contrast_fraction", 0.4, "color", 0, 1.0, 1),
        ("brightness_fraction", 0.4, "color", 1, 0.0, 1),
    ],
)
def test_a_knob_is_drawn_evenly_between_its_ends(knob, reach, feature, column, center, scale):
    options = AugmentOptions().changed({knob: reach})
    drawn = np.sort(planned(options, SIZE, 1, 0, np.arange(4000))[feature][:, column])
    expected = center + scale * reach * (2 * (np.arange(4000) + 0.5) / 4000 - 1)
    assert np.abs(drawn - expected).max() < 2 * scale * reach * 1.95 / np.sqrt(4000)
    assert np.abs(drawn - center).max() <= scale * reach * (1 + 1e-6)


def test_options_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PixelFormat.square(32).height = 64
    with pytest.raises(dataclasses.FrozenInstanceError):
        WarpOptions().rotate_degrees = 1.0


def test_options_start_without_tensorflow():
    modules = "pipeline.augment.options, pipeline.order, pipeline.augment.draws, pipeline.sources.splits"
    code = f"import sys, {modules}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
