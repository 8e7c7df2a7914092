"""Resolving options: who wins, what is refused and in which words, and what a resumed run may change."""

import dataclasses
import json
import math

import pytest

from base.errors import UserError
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.augment.warp import WarpOptions
from tests.helpers.run_fixtures import OTHER_VALUES
from training.options import RunOptions, differences, part_of_the_run, resolve

FREE = ("data_dir", "cache", "on_bad_image", "max_bad_fraction", "checkpoint_every_steps", "profile_steps", "strategy",
        "replicas")  # fmt: skip


def changed(name: str) -> RunOptions:
    """The default options, with one other value."""
    if name == "weights":
        return RunOptions("folder:here", model="mobilenet_v2", weights="imagenet")
    model = "catdog_3" if name == "units" else "residual_small"
    return dataclasses.replace(RunOptions("folder:here", model=model), **{name: OTHER_VALUES[name]})


def test_a_realsense_run_is_the_reports():
    options = resolve("realsense", {})
    assert (options.model, options.image_size, options.epochs, options.learning_rate) == (
        "realsense_cnn", 100, 15, 1e-3)  # fmt: skip
    assert (options.global_batch_size, options.optimizer, options.color_mode) == (64, "adam", "rgb")
    assert (options.split_fractions, options.split_seed) == ((0.6, 0.2, 0.2), 1)
    assert not options.augment.active


def test_a_catdog_run_is_the_reports():
    options = resolve("catdog", {})
    assert (options.model, options.image_size, options.epochs, options.learning_rate) == ("catdog_2", 112, 100, 1e-4)
    assert options.augment == AugmentOptions(WarpOptions(20.0, 0.2, 0.1, 0.2, horizontal_flip=True))
    assert options.early_stop_patience == 0
    assert resolve("catdog", {"full_train": True}).early_stop_patience == 7
    assert resolve("catdog", {"full_train": True, "early_stop_patience": 2}).early_stop_patience == 2


@pytest.mark.parametrize("dataset", ["folder:some/place", "tfds:cats_vs_dogs"])
def test_other_data_sets_have_a_light_preset(dataset):
    options = resolve(dataset, {})
    assert (options.model, options.augment) == ("residual_small", AUGMENT_PRESETS["light"])


@pytest.mark.parametrize("name", [name for name in OTHER_VALUES if name not in ("dataset", "augment", "weights")])
def test_what_the_user_gives_beats_every_preset(name):
    given = {name: OTHER_VALUES[name]} | ({"model": "catdog_3"} if name == "units" else {})
    assert getattr(resolve("catdog", given), name) == OTHER_VALUES[name]


def test_a_knob_overrides_its_preset_alone():
    options = resolve("catdog", {"rotate_degrees": 5.0, "horizontal_flip": False})
    assert options.augment == AUGMENT_PRESETS["report"].changed({"rotate_degrees": 5.0, "horizontal_flip": False})
    options = resolve("realsense", {"augment": "strong", "zoom_fraction": 0.0})
    assert options.augment == AUGMENT_PRESETS["strong"].changed({"zoom_fraction": 0.0})


@pytest.mark.parametrize(
    ("given", "named", "rule"),
    [
        ({"epochs": 0}, "--epochs=0", "from 1 to"),
        ({"global_batch_size": -8}, "--global_batch_size=-8", "from 1 to"),
        ({"learning_rate": math.nan}, "--learning_rate=nan", "from 1e-09 to 10"),
        ({"learning_rate": 11.0}, "--learning_rate=11.0", "to 10"),
        ({"l2": -1.0}, "--l2=-1.0", "from 0 to 1"),
        ({"optimizer": "adm"}, "'adm'", "did you mean 'adam'"),
        ({"schedule": "cosin"}, "'cosin'", "did you mean 'cosine'"),
        ({"precision": "mixed_float61"}, "'mixed_float61'", "did you mean 'mixed_float16'"),
        ({"strategy": "miror"}, "'miror'", "did you mean 'mirrored'"),
        ({"augment_on": "hosts"}, "'hosts'", "did you mean 'host'"),
        ({"cache": "packs"}, "'packs'", "did you mean 'pack'"),
        ({"color_mode": "greyscale"}, "'greyscale'", "did you mean 'grayscale'"),
        ({"bit_depth": "12"}, "'12'", "known: 16, 8, auto"),
        ({"augment": "storng"}, "'storng'", "did you mean 'strong'"),
        ({"rotate_degrees": 400.0}, "--rotate_degrees=400.0", "from 0 to 180"),
        ({"shift_fraction": math.nan}, "--shift_fraction=nan", "from 0 to 1"),
        ({"model": "catdog_4"}, "'catdog_4'", "did you mean 'catdog_"),
        ({"dropout": 1.0}, "dropout is 1.0", "below 1"),
        ({"units": 4}, "units is 4", "leave units out"),
        ({"split_fractions": (0.6, 0.2, 0.3)}, "--split_fractions=0.6,0.2,0.3", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (0.6, 0.4)}, "--split_fractions=0.6,0.4", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (0.0, 0.5, 0.5)}, "--split_fractions=0,0.5,0.5", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (1.4, -0.2, -0.2)}, "--split_fractions=1.4,-0.2,-0.2", "as in 0.6,0.2,0.2"),
        ({"profile_steps": (5,)}, "--profile_steps=5:", "two whole numbers"),
        ({"profile_steps": (1, 2, 3)}, "--profile_steps=1,2,3:", "two whole numbers"),
        ({"profile_steps": (0, 4)}, "--profile_steps=0,4:", "1 <= first <= last, as in 20,40"),
        ({"profile_steps": (4, 3)}, "--profile_steps=4,3:", "1 <= first <= last"),
        ({"split_fractions": (math.nan, 0.5, 0.5)}, "--split_fractions=nan,0.5,0.5", "as in 0.6,0.2,0.2"),
    ],
)
def test_a_bad_value_is_named_with_the_rule(given, named, rule):
    with pytest.raises(UserError) as caught:
        resolve("folder:here", given)
    text = str(caught.value)
    assert named in text
    assert rule in text
    assert "\n" not in text


def test_other_values_cover_every_option():
    assert set(OTHER_VALUES) == {field.name for field in dataclasses.fields(RunOptions)}


@pytest.mark.parametrize("name", list(OTHER_VALUES))
def test_differences_names_each_option_that_a_run_depends_on(name):
    plain = changed("weights") if name == "weights" else RunOptions("folder:here", model=changed(name).model)
    old = dataclasses.replace(plain, weights="none").to_json()
    if name == "model":
        old = RunOptions("folder:here").to_json()
    # What is compared comes out of a file, where tuples are lists.
    lines = differences(json.loads(json.dumps(old)), changed(name).to_json())
    if name in FREE:
        assert lines == []
    else:
        (knobs,) = [len(OTHER_VALUES["augment"].by_flag()) if name == "augment" else 1]
        assert len(lines) == knobs
        assert all(line.startswith((f"{name}: ", f"{name}.")) and " -> " in line for line in lines)


def test_differences_sees_options_that_one_side_lacks():
    new = RunOptions("folder:here").to_json()
    old = {name: value for name, value in new.items() if name != "l2"}
    assert differences(old, new) == ["l2: None -> 0.0"]
    assert differences(new | {"shadow": 1}, new) == ["shadow: 1 -> None"]


def test_the_part_that_a_run_depends_on():
    default = RunOptions("folder:here")
    assert part_of_the_run(dataclasses.replace(default, cache="none", data_dir="x")) == part_of_the_run(default)
    assert part_of_the_run(dataclasses.replace(default, seed=2)) == part_of_the_run(default) | {"seed": 2}
