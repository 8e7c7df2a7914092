"""The flags that describe a run, made from the fields of its options."""

from absl import flags

from base.errors import UserError
from base.options import Group, Leaf, leaves, with_presets
from cli.paths import expand_home
from jobs.options import RunOptions, resolve

_DEFINE = {str: flags.DEFINE_string, int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_boolean}
_PATHS = ("data_dir", "weights")


def define_run_flags(values: flags.FlagValues, only: tuple[str, ...] = ()) -> None:
    """Defines a flag for each option of a run; `only` leaves out the groups that are not named.

    No flag has a default: what is not given may have a preset.
    """
    for name, told in with_presets(RunOptions).items():
        if _is_wanted((name,), only):
            flags.DEFINE_string(name, None, preset_help(told), flag_values=values)
    for leaf in run_flags(only):
        define = flags.DEFINE_string if leaf.is_tuple else _DEFINE[leaf.kind]
        define(leaf.name, None, leaf_help(leaf), flag_values=values)


def run_flags(only: tuple[str, ...] = ()) -> list[Leaf]:
    """The options that have a flag, in the order of their groups."""
    return [leaf for leaf in leaves(RunOptions) if _is_wanted(leaf.path, only)]


def leaf_help(leaf: Leaf) -> str:
    """Its choices, then its field's help."""
    return "; ".join(filter(None, (one_of(leaf.option.choices), leaf.option.help)))


def preset_help(told: Group) -> str:
    """The names of a group's presets, then its field's help."""
    return f"{one_of(tuple(told.presets))}; {told.help}"


def one_of(names: tuple[str, ...]) -> str:
    """ "a, b or c"; empty for no names."""
    return ", ".join(names[:-1]) + " or " + names[-1] if names else ""


def options_of(values: flags.FlagValues, only: tuple[str, ...] = ()) -> RunOptions:
    """The resolved options; raises UserError for a bad value."""
    if not values.dataset:
        raise UserError("--dataset is missing: realsense, catdog, folder:PATH or tfds:NAME")
    names = [name for name in with_presets(RunOptions) if _is_wanted((name,), only)]
    given = {name: values[name].value for name in names if values[name].value is not None}
    for leaf in run_flags(only):
        value = values[leaf.name].value
        if value is not None:
            given[leaf.name] = leaf.parse(value) if leaf.is_tuple else value
    given |= {name: expand_home(given[name]) for name in _PATHS if name in given}
    return resolve(expand_home(values.dataset), given)


def _is_wanted(path: tuple[str, ...], only: tuple[str, ...]) -> bool:
    return not only or path[0] in only
