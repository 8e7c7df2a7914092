"""Flags and options: each field has a flag that reaches it, and a flagfile gives a run's options again."""

import dataclasses

import pytest
from absl import flags

import cli.flags
import jobs.options
from base.errors import UserError
from base.options import group, leaves, option
from cli import flags_page, train
from cli.flags import options_of
from jobs.options import RunOptions, flagfile, resolve
from tests.helpers.other_values import OTHER_VALUES, beside, other_values_together
from training.options import TrainingOptions

# Flags that say where files are and what to do with a run folder; they are no part of a run's options.
PLACES = {"cache_dir", "run_dir", "resume", "find_learning_rate", "sweep"}


def options_from(*arguments: str) -> RunOptions:
    """What train.py makes of a command line."""
    values = flags.FlagValues()
    flags.DEFINE_multi_string("flagfile", [], "", flag_values=values)
    train.define_flags(values)
    values(["train.py", *arguments])
    return options_of(values)


def shown(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_every_field_has_a_flag_and_every_flag_a_field():
    values = flags.FlagValues()
    train.define_flags(values)
    assert set(values) - PLACES - {"augment"} == {leaf.name for leaf in leaves(RunOptions)}


@pytest.mark.parametrize("name", sorted(set(OTHER_VALUES) - {"dataset"}))
def test_a_flag_reaches_its_field_and_no_other(name):
    given = beside(name) | {name: OTHER_VALUES[name]}
    arguments = [f"--{key}={shown(value)}" for key, value in given.items()]
    assert options_from("--dataset=folder:/here", *arguments) == resolve("folder:/here", given)


def test_a_new_option_is_one_line_in_one_place(monkeypatch, tmp_path):
    @dataclasses.dataclass(frozen=True)
    class MoreTraining(TrainingOptions):
        gradient_noise: float = option(0.0, "deviation of what joins each gradient", within=(0.0, 0.5))

    @dataclasses.dataclass(frozen=True)
    class MoreOptions(RunOptions):
        training: MoreTraining = group(MoreTraining())

    for module in (cli.flags, jobs.options, flags_page):
        monkeypatch.setattr(module, "RunOptions", MoreOptions)
    options = options_from("--dataset=folder:here", "--gradient_noise=0.25")
    assert options.training.gradient_noise == 0.25
    with pytest.raises(UserError, match=r"--gradient_noise=0.75: it must be from 0 to 0.5"):
        options_from("--dataset=folder:here", "--gradient_noise=0.75")
    (tmp_path / "flags.txt").write_text(flagfile(options))
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}") == options
    assert options.to_json()["training"]["gradient_noise"] == options.identity()["training.gradient_noise"] == 0.25
    row = "| `--gradient_noise` | float | `0.0` |  | deviation of what joins each gradient |"
    assert row in flags_page.render()


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
        ("--dataset=folder:here", *(f"--{name}={shown(value)}" for name, value in other_values_together().items()
                                    if name not in ("dataset", "weights", "blocks"))),  # catdog_1 has no such blocks
    ],
    ids=lambda arguments: " ".join(arguments)[:50],
)  # fmt: skip
def test_a_flagfile_gives_the_same_options_again(arguments, tmp_path):
    options = options_from(*arguments)
    (tmp_path / "flags.txt").write_text(flagfile(options))
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}") == options


@pytest.mark.parametrize("path", ["/pictures/end ", "/pictures/two\nlines", "/pictures/\udcff", "/\x1b[2J"])
def test_what_no_flagfile_can_hold_is_told_in_it_and_given_beside_it(path, tmp_path):
    options = options_from(f"--dataset=folder:{path}", "--epochs=3")
    text = flagfile(options)
    (tmp_path / "flags.txt").write_text(text)
    assert f"# give on the command line what no line here can hold: --dataset={'folder:' + path!a}\n" in text
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}", f"--dataset=folder:{path}") == options


def test_a_flagfile_does_not_lean_on_presets(tmp_path):
    options = options_from("--dataset=catdog", "--full_train")
    text = flagfile(options)
    unset = {name for name, value in options.by_flag().items() if value in (None, "")}
    for name in set(OTHER_VALUES) - unset - {"train_minutes"}:
        assert f"--{name}=" in text
    assert text.startswith("--augment=none\n")


def test_a_flagfile_says_how_many_epochs_fitted_and_not_into_what(tmp_path):
    options = options_from("--dataset=folder:here", "--train_minutes=5").changed({"epochs": 17})
    (tmp_path / "flags.txt").write_text(flagfile(options))
    again = options_from(f"--flagfile={tmp_path / 'flags.txt'}")
    assert again == options.changed({"train_minutes": 0.0})


def test_a_later_flag_beats_the_flagfile(tmp_path):
    (tmp_path / "flags.txt").write_text(flagfile(options_from("--dataset=catdog")))
    assert options_from(f"--flagfile={tmp_path / 'flags.txt'}", "--epochs=2").training.epochs == 2


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
