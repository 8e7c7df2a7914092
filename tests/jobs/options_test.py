"""Resolving options: who wins, what is refused and in which words, and what a resumed run may change."""

import dataclasses
import json
import math

import pytest

from base.errors import UserError
from base.options import differences, leaves, not_identity
from jobs.options import RunOptions, chosen_lines, notes_on, resolve
from pipeline.augment.options import AUGMENT_PRESETS
from tests.helpers.other_values import OTHER_VALUES, beside

FREE = {"dataset", "data_dir", "labels_csv", "epochs", "weights", "cache", "on_bad_image", "max_bad_fraction",
        "calibrate", "threshold_for", "positive_class",
        "checkpoint_every_steps", "profile_steps", "strategy", "replicas", "train_minutes"}  # fmt: skip


def test_a_realsense_run_is_the_reports():
    options = resolve("realsense", {}).by_flag()
    expected = {"model": "realsense_cnn", "image_size": (100,), "resize": "squash", "epochs": 15,
                "learning_rate": 1e-3, "color_mode": "rgb",
                "global_batch_size": 64, "optimizer": "adam", "split_fractions": None,
                "split_seed": 1}  # fmt: skip
    assert {name: options[name] for name in expected} == expected
    assert not resolve("realsense", {}).augment.active


def test_a_catdog_run_is_the_reports():
    options = resolve("catdog", {}).by_flag()
    expected = {"model": "catdog_2", "image_size": (112,), "resize": "squash", "epochs": 100,
                "learning_rate": 1e-4, "rotate_degrees": 20.0,
                "shift_fraction": 0.2, "shear_degrees": 0.1, "zoom_fraction": 0.2, "horizontal_flip": True,
                "vertical_flip": False, "early_stop_patience": 0}  # fmt: skip
    assert {name: options[name] for name in expected} == expected
    assert resolve("catdog", {"full_train": True}).training.early_stop_patience == 7
    assert resolve("catdog", {"full_train": True, "early_stop_patience": 2}).training.early_stop_patience == 2


def test_a_recipe_belongs_to_the_reports_models_and_not_to_their_data():
    for given in ({"model": "mobilenet_v2"}, {"model": "residual_small", "full_train": True}):
        catdog, folder = (resolve(dataset, given).by_flag() for dataset in ("catdog", "folder:x"))
        assert {name for name in catdog if catdog[name] != folder[name]} == {"dataset", "color_mode"}
        assert resolve("catdog", given).augment == AUGMENT_PRESETS["light"]
    catdog, folder = (resolve(dataset, {"model": "catdog_2"}).by_flag() for dataset in ("catdog", "folder:x"))
    assert {name for name in catdog if catdog[name] != folder[name]} == {"dataset", "color_mode"}
    assert resolve("realsense", {"model": "catdog_2"}).training.learning_rate == 1e-4


def test_what_the_user_did_not_give_is_said_with_where_it_comes_from():
    lines = chosen_lines("catdog", {"epochs": 5, "full_train": True})
    assert lines[-1] == "chosen      for catdog: color_mode rgb, model catdog_2"
    assert (
        "for catdog_2: image_size 112, resize squash, global_batch_size 64, learning_rate 0.0001, "
        "early_stop_patience 7, augment report" in lines[-2]
    )
    said = " ".join(lines)
    assert "epochs" not in said.replace("warmup_epochs", "")
    assert "global_batch_size 64" in said
    plain = chosen_lines("folder:x", {"augment": "none", "rotate_degrees": 3.0})
    assert [line.partition(":")[0] for line in plain] == ["chosen      by default", "chosen      from random weights"]
    assert "augment" not in plain[0]
    assert "residual_small" in plain[0]
    assert "epochs 60, learning_rate 0.002, optimizer adamw" in plain[1]


def test_what_does_nothing_or_is_still_to_be_found_is_not_said_to_be_chosen():
    said = " ".join(chosen_lines("realsense", {}))
    assert "epochs 15" in said
    assert "decay_factor" not in said
    assert "decay_factor 0.1, step_epochs 10.0" in " ".join(chosen_lines("realsense", {"schedule": "step"}))
    assert "epochs 15" not in " ".join(chosen_lines("realsense", {"train_minutes": 1.0}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"warmup_epochs": 10, "epochs": 1}, "climbs until the end and comes to about 0.0002, never to 0.002"),
        ({"warmup_epochs": 3, "epochs": 3}, "--warmup_epochs=3 of 3 epochs: the learning rate climbs until the end"),
        ({"early_stop_patience": 60}, "--early_stop_patience=60 of 60 epochs: it never stops the run"),
        ({"warmup_epochs": 10, "early_stop_patience": 3}, ""),
        ({"mix_probability": 0.5}, "--mix_probability=0.5 without --mixup_alpha or --cutmix_alpha: nothing is mixed"),
        ({"randaugment_magnitude": 5.0}, "--randaugment_magnitude=5 without --randaugment_operations"),
        ({"mix_probability": 0.5, "cutmix_alpha": 1.0}, ""),
        ({"train_minutes": 1.0, "early_stop_patience": 30}, ""),
        (
            {"crop_scale": (0.5, 1.0)},
            "--crop_scale: parts of pictures of 96 pixels are enlarged to that again; --pack_size, up to 192, keeps",
        ),
        ({"crop_scale": (0.5, 1.0), "image_size": (1024, 1500)}, "--pack_size, up to 2048, keeps"),
        ({"crop_scale": (0.5, 1.0), "pack_size": 128}, ""),
        ({"test_time_flip": True}, "--test_time_flip without --horizontal_flip: it asks about mirrored pictures, and"),
        ({"test_time_flip": True, "augment": "medium"}, ""),
    ],
)
def test_what_comes_to_nothing_is_said(given, words):
    lines = notes_on(resolve("folder:x", given))
    assert len(lines) == bool(words)
    assert words in "".join(lines)


@pytest.mark.parametrize("dataset", ["folder:some/place", "tfds:cats_vs_dogs"])
def test_other_data_sets_have_a_light_preset(dataset):
    options = resolve(dataset, {})
    assert (options.model.name, options.augment) == ("residual_small", AUGMENT_PRESETS["light"])


@pytest.mark.parametrize("name", [name for name in OTHER_VALUES if name != "dataset"])
def test_what_the_user_gives_beats_every_preset(name):
    options = resolve("catdog", {name: OTHER_VALUES[name]} | beside(name))
    assert options.by_flag()[name] == OTHER_VALUES[name]


def test_a_knob_overrides_its_preset_alone():
    options = resolve("catdog", {"rotate_degrees": 5.0, "horizontal_flip": False})
    assert options.augment == AUGMENT_PRESETS["report"].changed({"rotate_degrees": 5.0, "horizontal_flip": False})
    options = resolve("realsense", {"augment": "strong", "zoom_fraction": 0.0})
    assert options.augment == AUGMENT_PRESETS["strong"].changed({"zoom_fraction": 0.0})


@pytest.mark.parametrize(
    ("given", "named", "rule"),
    [
        ({"epochs": 0}, "--epochs=0", "from 1 to"),
        ({"global_batch_size": -8}, "--global_batch_size=-8", "from 0 to"),
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
        ({"dropout": 1.0}, "--dropout=1.0", "below 1"),
        ({"units": 4}, "--units=4", "leave it out"),
        ({"split_fractions": (0.6, 0.2, 0.3)}, "--split_fractions=0.6,0.2,0.3", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (0.6, 0.4)}, "--split_fractions=0.6,0.4", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (0.0, 0.5, 0.5)}, "--split_fractions=0,0.5,0.5", "as in 0.6,0.2,0.2"),
        ({"split_fractions": (1.4, -0.2, -0.2)}, "--split_fractions=1.4,-0.2,-0.2", "as in 0.6,0.2,0.2"),
        ({"profile_steps": (5,)}, "--profile_steps=5:", "two whole numbers"),
        ({"profile_steps": (1, 2, 3)}, "--profile_steps=1,2,3:", "two whole numbers"),
        ({"profile_steps": (0, 4)}, "--profile_steps=0,4:", "1 <= first <= last, as in 20,40"),
        ({"profile_steps": (4, 3)}, "--profile_steps=4,3:", "1 <= first <= last"),
        (
            {"epochs": 5, "train_minutes": 10.0},
            "--epochs=5",
            "--train_minutes=10 chooses how many; give one of the two",
        ),
        ({"early_stop_on": "loss"}, "--early_stop_on=loss", "nothing without --early_stop_patience"),
        ({"early_stop_on": "validation_los", "early_stop_patience": 1}, "'validation_los'", "mean 'validation_loss'"),
        (
            {"best_on": "validation_loss", "full_train": True},
            "--best_on=validation_loss",
            "with --full_train nothing is",
        ),
        (
            {"early_stop_on": "validation_accuracy", "early_stop_patience": 1, "full_train": True},
            "--early_stop_on=validation_accuracy",
            "name a figure on train",
        ),
        ({"calibrate": True, "full_train": True}, "--calibrate: with --full_train", "nothing to fit it on"),
        (
            {"threshold_for": "recall:0.9", "full_train": True},
            "--threshold_for=recall:0.9: with --full_train",
            "nothing to fit",
        ),
        ({"threshold_for": "recall"}, "--threshold_for=recall:", "as in recall:0.95"),
        ({"threshold_for": "recal:0.9"}, "--threshold_for=recal:0.9:", "recall or precision and a rate"),
        ({"threshold_for": "recall:1.5"}, "--threshold_for=recall:1.5:", "up to 1"),
        ({"threshold_for": "precision:0"}, "--threshold_for=precision:0:", "above 0"),
        ({"threshold_for": "0.3"}, "--threshold_for=0.3:", "as in recall:0.95"),
        ({"threshold_for": "recall:nan"}, "--threshold_for=recall:nan:", "up to 1"),
        ({"positive_class": "dogs"}, "--positive_class=dogs", "without --threshold_for it does nothing"),
        ({"image_size": (64, 64, 3)}, "--image_size=64,64,3", "the side of a square, or two"),
        ({"image_size": ()}, "--image_size=:", "the side of a square, or two"),
        ({"image_size": (64, 4)}, "--image_size=64,4", "from 8 to 2048"),
        ({"pack_size": 64}, "--pack_size=64 with --image_size=96", "as long as that of the picture"),
        ({"pack_size": (96, 194), "crop_scale": (0.5, 1)}, "--pack_size=96,194", "no more than twice as long"),
        ({"pack_size": (96, 2049), "crop_scale": (0.5, 1)}, "--pack_size=96,2049", "from 0 to 2048"),
        ({"pack_size": 128}, "--pack_size=128: without crops", "--crop_scale=0.35,1, or leave it out"),
        ({"crop_ratio": (0.5, 2.0)}, "--crop_ratio=0.5,2: nothing is cropped", "--crop_scale=0.35,1"),
        ({"crop_scale": (0.5,)}, "--crop_scale=0.5:", "two numbers from 0.01 to 1, the smaller one first"),
        ({"crop_scale": (1.0, 0.5)}, "--crop_scale=1,0.5:", "the smaller one first"),
        ({"crop_scale": (0.0, 0.5)}, "--crop_scale=0.0,0.5", "from 0.01 to 1"),
        ({"crop_scale": (math.nan, 0.5)}, "--crop_scale=nan,0.5", "two numbers"),
        ({"crop_scale": (0.5, 1.0), "crop_ratio": (0.01, 1.0)}, "--crop_ratio=0.01,1.0", "from 0.1 to 10"),
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


def test_other_values_cover_every_option_and_no_value_is_the_default():
    default = resolve("folder:here", {}).by_flag()
    assert set(OTHER_VALUES) == set(default)
    assert not [name for name in OTHER_VALUES if OTHER_VALUES[name] == default[name]]


@pytest.mark.parametrize("name", list(OTHER_VALUES))
def test_differences_names_each_option_that_a_run_depends_on(name):
    old = resolve("folder:here", beside(name))
    new = old.changed({name: OTHER_VALUES[name]})
    # What is compared comes out of a file, where tuples are lists.
    lines = differences(json.loads(json.dumps(old.to_json())), new.to_json(), not_identity(RunOptions))
    (path,) = (".".join(leaf.path) for leaf in leaves(RunOptions) if leaf.name == name)
    if name in FREE:
        assert lines == []
        assert old.identity() == new.identity()
    else:
        (line,) = lines
        assert line.startswith(f"{path}: ")
        assert " -> " in line
        assert differences(old.identity(), new.identity()) == lines


def test_options_are_kept_as_plain_values_by_room():
    plain = json.loads(json.dumps(resolve("catdog", {}).to_json()))
    assert set(plain) == {"seed", "threads", "data", "augment", "model", "training", "decision"}
    assert plain["data"]["split_fractions"] is None
    assert plain["model"]["name"] == "catdog_2"
    assert [field.name for field in dataclasses.fields(RunOptions)] == list(plain)
