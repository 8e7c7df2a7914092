"""--help: what a script is for, how it is called, and its flags by group, made from the options' fields."""

import ast
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from absl import flags

from base.options import groups
from cli.flags import default_of
from jobs.options import RunOptions

_ASKING = ("--help", "-help", "-h", "--h", "-?", "--helpshort", "-helpshort")
_LEAST_COLUMNS, _MOST_COLUMNS, _INDENT = 80, 100, 28
_PRESETS = (
    "What is not given has the default, or what the data set presets (flags.md). A switch is turned off by --noNAME."
)
_FOOT = "--flagfile=FILE reads flags from a file, as a run's flags.txt; --helpfull lists absl's own flags too."


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Whether help is all that is wanted, whatever else is given; behind -- stand no flags."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return [*arguments] == ["help"] or any(argument.removesuffix("=true") in _ASKING for argument in before)


def help_page(script: Path, values: flags.FlagValues, columns: int) -> str:
    """The page of the script at a path, no wider than a terminal's `columns`, within reason."""
    width = min(max(columns, _LEAST_COLUMNS), _MOST_COLUMNS) - 1
    names = [name for name, *_ in groups(RunOptions)]
    sections = {name: [] for name in [*names, ""]}
    for module, ours in values.flags_by_module_dict().items():
        if not module.startswith("absl."):
            sections[module if module in names else ""] += ours
    summary, examples = docstring_of(script)
    parts = [textwrap.fill(summary, width), textwrap.indent(examples, "  ")]
    for name, ours in sections.items():
        if ours:
            title = name.capitalize() or ("Run" if len(parts) > 2 else "Flags")
            parts.append("\n".join([f"{title}:", *_lines_of(ours, width)]))
    foot = f"{_PRESETS} {_FOOT}" if any(sections[name] for name in names) else _FOOT
    return "\n\n".join([*parts, textwrap.fill(foot, width)])


def docstring_of(script: Path) -> tuple[str, str]:
    """(what a script is for, examples), as its file says of itself."""
    summary, _, examples = ast.get_docstring(ast.parse(script.read_text("utf-8"))).partition("\n\n")
    return summary, examples


def _lines_of(ours: Iterable[flags.Flag], width: int) -> Iterable[str]:
    for flag in ours:
        default = default_of(flag)
        text = f"{flag.help} (default {default})" if default else flag.help
        lines = textwrap.wrap(text, width - _INDENT, break_on_hyphens=False) or [""]
        name = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}"
        yield f"{name:<{_INDENT - 1}} {lines[0]}"
        yield from (" " * _INDENT + line for line in lines[1:])
