"""Writes flags.md from the flags that the scripts define and the options behind them; a test fails when it is stale.

python -m cli.flags_page
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from absl import flags

from base.options import Group, Leaf, groups, leaves, with_presets
from cli.arguments import SCRIPTS, flags_of
from cli.flags import LeafParser, leaf_help, preset_leaf, shown
from cli.help import docstring_of
from jobs.options import (
    FULL_TRAIN_RECIPES,
    PRESETS,
    PRETRAINED_RECIPE,
    RECIPES,
    RESIDUAL_LEARNING_RATE,
    SCRATCH_RECIPE,
    RunOptions,
)

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "flags.md"
_NO_PRESETS = Group()
# Of a backbone's own size of pictures a name says nothing here; docs/training.md says it.
_ALL_PRESETS = PRESETS | RECIPES | {
    "random weights": SCRATCH_RECIPE, "residual networks": {"learning_rate": RESIDUAL_LEARNING_RATE},
    "published weights": PRETRAINED_RECIPE,
}  # fmt: skip
_HEAD = """# Flags

Written by `make flags` from the options' fields. `--help` shows those of a script. `--flagfile=FILE` reads flags from a
file, a line each, UTF-8 or UTF-16, as a run's own flags.txt; a flag after it beats it. A switch is turned off by
`--noNAME`. Where a column names data sets or presets, these are the values that they set; what you give yourself beats
every preset. In a path, `~` is your home.
"""


def render() -> str:
    """The page, in Markdown."""
    defined = {script: flags_of(script) for script in SCRIPTS}
    parts = [_HEAD, "## What a run is", "", *_table([leaf for leaf in leaves(RunOptions) if len(leaf.path) == 1])]
    for name, options_class, told in groups(RunOptions):
        users = _users(defined, options_class)
        parts += ["", f"## {name.capitalize()} ({users})", "", *_table(list(leaves(options_class)), name, told)]
    shared = defined["train"]["cache_dir"]
    users = [f"{script}.py" for script, values in defined.items() if shared.name in values]
    parts += ["", f"## {', '.join(users[:-1])} and {users[-1]}", "", *_own_table([shared])]
    for script, values in defined.items():
        known = {name for name in _run_flags() if any(_uses(values, one) for _, one, _ in groups(RunOptions))}
        own = [values[name] for name in values if name not in known | {shared.name}]
        summary = docstring_of(ROOT / f"{script}.py")[0]
        parts += ["", f"## {script}.py", "", summary, "", *_own_table(own)]
    return "\n".join(parts) + "\n"


def _users(defined: Mapping[str, flags.FlagValues], options_class: type) -> str:
    """ "train.py and prepare.py": the scripts that have these options, with their names where these are only some."""
    every = " and ".join(f"{script}.py" for script, values in defined.items() if _uses(values, options_class))
    names = [leaf.name for leaf in leaves(options_class)]
    some = []
    for script, values in defined.items():
        ours = [f"--{name}" for name in names if name in values and isinstance(values[name].parser, LeafParser)]
        if ours and not _uses(values, options_class):
            some.append(f"; {script}.py has {' and '.join(ours)}")
    return every + "".join(some)


def _run_flags() -> set[str]:
    """The names of all flags that come from options."""
    return {leaf.name for leaf in leaves(RunOptions)} | with_presets(RunOptions).keys()


def _own_table(own: Iterable[flags.Flag]) -> list[str]:
    rows = [f"| `--{flag.name}` | {_value(flag.default)} | {_cell(flag.help)} |" for flag in own]
    return ["| flag | default | meaning |", "|---|---|---|", *rows]


def _uses(values: flags.FlagValues, options_class: type) -> bool:
    return all(leaf.name in values for leaf in leaves(options_class))


def _table(rows: Iterable[Leaf], name: str = "", told: Group = _NO_PRESETS) -> list[str]:
    lines = ["| flag | kind | default | presets | meaning |", "|---|---|---|---|---|"]
    if told.presets:
        presets = _set_by(_ALL_PRESETS, name)
        leaf = preset_leaf(name, told)
        lines.append(f"| `--{name}` | string | {_value(leaf.default)} | {presets} | {_cell(leaf_help(leaf))} |")
    for leaf in rows:
        presets = {key: preset.by_flag() for key, preset in told.presets.items()} or _ALL_PRESETS
        set_by = "; ".join(filter(None, (_set_by(presets, leaf.name, leaf.default), _with_full_train(leaf.name))))
        kind = f"{leaf.kind.__name__}s" if leaf.is_tuple else leaf.kind.__name__.replace("str", "string")
        lines.append(f"| `--{leaf.name}` | {kind} | {_value(leaf.default)} | {set_by} | {_cell(leaf_help(leaf))} |")
    return lines


def _set_by(presets: dict, name: str, default: object = None) -> str:
    """ "catdog 112, realsense 100": what each preset sets, where that is not the default."""
    values = {key: preset.get(name, default) for key, preset in presets.items()}
    return ", ".join(f"{key} {_value(value)}" for key, value in values.items() if value != default)


def _with_full_train(name: str) -> str:
    values = {key: preset[name] for key, preset in FULL_TRAIN_RECIPES.items() if name in preset}
    return ", ".join(f"{key} with --full_train {_value(value)}" for key, value in values.items())


def _value(value: object) -> str:
    return f"`{text}`" if (text := shown(value)) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render())
