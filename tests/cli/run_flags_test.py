"""Flags and options: each flag reaches a field, each field has a flag, and a flagfile gives a run's options again."""

import dataclasses

import pytest
from absl import flags

from base.errors import UserError
from cli import run_flags, train
from pipeline.augment.options import AugmentOptions
from tests.helpers.run_fixtures import OTHER_VALUES
from training.options import RunOptions, resolve

# Flags that say where files are and what to do with a run folder; they are no part of a run's options.
PLACES = {"cache_dir", "run_dir", "resume"}
KNOBS = {field.name for field in dataclasses.fields(AugmentOptions)}


def options_from(*arguments: str) -> RunOptions:
    """What train.py makes of a command line."""
    values = flags.FlagValues()
    flags.DEFINE_multi_string("flagfile", [], "", flag_values=values)
    train.define_flags(values)
    values(["train.py", *arguments])
    return run_flags.options_of(values, run_flags.DATA_FLAGS + run_flags.TRAIN_FLAGS)


def flag_names() -> set[str]:
    values = flags.FlagValues()
    train.define_flags(values)
    return set(values)


def shown(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_every_field_has_a_flag_and_every_flag_a_field():
    fields = {field.name for field in dataclasses.fields(RunOptions)}
    assert flag_names() - PLACES - KNOBS == fields
    assert flag_names() >= KNOBS
    assert set(run_flags.DATA_FLAGS + run_flags.TRAIN_FLAGS) == flag_names() - PLACES - {"dataset"}


@pytest.mark.parametrize("name", sorted(set(OTHER_VALUES) - {"dataset", "augment", "weights", "units", "filters"}))
def test_a_flag_reaches_its_field(name):
    options = options_from("--dataset=folder:here", f"--{name}={shown(OTHER_VALUES[name])}")
    expected = {"dataset": "folder:here", name: OTHER_VALUES[name]}
    assert {key: getattr(options, key) for key in expected} == expected
    others = dataclasses.replace(options, **{name: getattr(resolve("folder:here", {}), name)})
    assert others == resolve("folder:here", {})


def test_a_models_flags_reach_their_fields():
    options = options_from("--dataset=catdog", "--units=5", "--filters=4,8")
    assert (options.units, options.filters) == (5, (4, 8))
    options = options_from("--dataset=catdog", "--model=mobilenet_v2", "--weights=imagenet")
    assert options.weights == "imagenet"


@pytest.mark.parametrize("field", dataclasses.fields(AugmentOptions), ids=lambda field: field.name)
def test_a_knobs_flag_turns_that_knob_alone(field):
    value = True if field.type in (bool, "bool") else 0.5
    options = options_from("--dataset=realsense", f"--{field.name}={value}")
    assert options.augment == dataclasses.replace(AugmentOptions(), **{field.name: value})


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dataset=realsense",),
        ("--dataset=catdog", "--full_train"),
        ("--dataset=tfds:cats_vs_dogs", "--model=catdog_2", "--units=5", "--filters=4,8", "--dropout=0.35"),
        ("--dataset=folder:with space/and=sign", "--model=mobilenet_v2", "--weights=imagenet", "--data_dir=/x y"),
        ("--dataset=catdog", "--nohorizontal_flip", "--shear_degrees=0.1", "--learning_rate=0.00012345678901234567"),
        ("--dataset=folder:here", "--split_fractions=0.3333333,0.3333333,0.3333334"),
        ("--dataset=folder:here", "--split_fractions=0.7,0.1,0.2", "--l2=1e-05", "--warmup_epochs=0.1"),
        ("--dataset=folder:here", *(f"--{name}={shown(value)}" for name, value in OTHER_VALUES.items()
                                    if name not in ("dataset", "augment", "weights"))),
    ],
    ids=lambda arguments: " ".join(arguments)[:50],
)  # fmt: skip
def test_a_flagfile_gives_the_same_options_again(arguments, tmp_path):
    options = options_from(*arguments)
    (tmp_path / "flags.txt").write_text(run_flags.flagfile_of(options))
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}") == options


@pytest.mark.parametrize("path", ["/pictures/end ", "/pictures/two\nlines", "/pictures/\udcff", "/\x1b[2J"])
def test_what_no_flagfile_can_hold_is_told_in_it_and_given_beside_it(path, tmp_path):
    options = options_from(f"--dataset=folder:{path}", "--epochs=3")
    text = run_flags.flagfile_of(options)
    (tmp_path / "flags.txt").write_text(text)
    assert f"# give on the command line what no line here can hold: --dataset={'folder:' + path!a}\n" in text
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}", f"--dataset=folder:{path}") == options


def test_a_flagfile_does_not_lean_on_presets(tmp_path):
    options = options_from("--dataset=catdog", "--full_train")
    text = run_flags.flagfile_of(options)
    for name in set(OTHER_VALUES) - {"augment", "data_dir", "filters", "units", "dropout", "profile_steps"}:
        assert f"--{name}=" in text
    assert "--augment=none" in text
    assert all(f"--{knob}=" in text for knob in KNOBS)


def test_a_later_flag_beats_the_flagfile(tmp_path):
    (tmp_path / "flags.txt").write_text(run_flags.flagfile_of(options_from("--dataset=catdog")))
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}", "--epochs=2").epochs == 2


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--filters=4,x", "--filters=4,x"),
        ("--filters=", "--filters="),
        ("--split_fractions=a,b", "--split_fractions=a,b"),
        ("--profile_steps=2,x", "--profile_steps=2,x: it must be two whole numbers"),
        ("--profile_steps=2.5,4", "--profile_steps=2.5,4: it must be two whole numbers"),
        ("--profile_steps=", "--profile_steps=: it must be two whole numbers"),
    ],
)
def test_lists_that_are_not_numbers_are_named(argument, named):
    with pytest.raises(UserError, match=named):
        options_from("--dataset=catdog", argument)


def test_a_missing_dataset_is_named_with_the_forms():
    with pytest.raises(UserError, match=r"--dataset is missing: realsense, catdog, folder:PATH or tfds:NAME"):
        options_from("--epochs=3")
