"""The flags that describe a run, made from the fields of its options."""

import itertools
from typing import Any

from absl import flags

from base.errors import UserError
from base.options import Group, Leaf, Option, leaves, with_presets
from cli.paths import absolute, dataset_of
from jobs.options import OTHERWISE, RunOptions, resolve


class LeafParser(flags.ArgumentParser):
    """Reads an option's value in the words of the option: raises UserError, which absl lets pass."""

    def __init__(self, leaf: Leaf):
        """`leaf` says what the option is."""
        self.leaf = leaf

    def parse(self, argument: str) -> Any:
        """See flags.ArgumentParser."""
        return self.leaf.parse(absolute(argument) if self.leaf.option.is_path(argument) else argument)

    def flag_type(self) -> str:
        """See flags.ArgumentParser."""
        return f"{self.leaf.kind.__name__}s" if self.leaf.is_tuple else self.leaf.kind.__name__


def define_run_flags(values: flags.FlagValues, only: tuple[str, ...] = ()) -> None:
    """Defines a flag for each option of a run; `only` leaves out the groups, and options by path as "model.name", that
    are not named.

    No flag has a default: what is not given may have a preset. The module that a flag is defined by, for absl, is the
    group of its option, or its own name outside of them.
    """
    for leaf in run_flags(only):
        is_switch = leaf.kind is bool and not leaf.is_tuple
        flag = flags.Flag(LeafParser(leaf), None, leaf.name, None, leaf_help(leaf), boolean=is_switch)
        flags.DEFINE_flag(flag, values, leaf.path[0])


def run_flags(only: tuple[str, ...] = ()) -> list[Leaf]:
    """What has a flag: the presets of groups that have some, then the options, in the order of their groups."""
    found = [*itertools.starmap(preset_leaf, with_presets(RunOptions).items()), *leaves(RunOptions)]
    return [leaf for leaf in found if not only or leaf.path[0] in only or ".".join(leaf.path) in only]


def preset_leaf(name: str, told: Group) -> Leaf:
    """The flag that takes a preset's name, as an option."""
    return Leaf(name, (name,), str, False, OTHERWISE[name], Option(told.help, tuple(told.presets)))


def leaf_help(leaf: Leaf) -> str:
    """Its choices, then its field's help."""
    return "; ".join(filter(None, (one_of(leaf.option.choices), leaf.option.help)))


def default_of(flag: flags.Flag) -> str:
    """The value where nobody says otherwise, as it is written; empty for none."""
    leaf = getattr(flag.parser, "leaf", None)
    return shown(leaf.default if leaf else flag.default)


def shown(value: object) -> str:
    """A value as it is written on the command line; empty for none."""
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def one_of(names: tuple[str, ...]) -> str:
    """ "a, b or c"; empty for no names."""
    return ", ".join(names[:-1]) + " or " + names[-1] if names else ""


def options_of(values: flags.FlagValues, only: tuple[str, ...] = ()) -> RunOptions:
    """The resolved options; raises UserError for a bad value."""
    if not values.dataset:
        raise UserError("--dataset is missing: realsense, catdog, folder:PATH or tfds:NAME; see --help")
    return resolve(dataset_of(values.dataset), given_of(values, only))


def given_of(values: flags.FlagValues, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values that the user gave, by flag."""
    names = [leaf.name for leaf in run_flags(only)]
    return {name: values[name].value for name in names if values[name].value is not None}
