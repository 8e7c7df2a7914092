"""The options that a user varies from run to run, as plain values: what a table of several runs has for columns."""

from collections.abc import Mapping
from pathlib import Path

from base.options import leaves
from jobs.options import RunOptions

# Those that every run has, so that no column has gaps; of the others what is not left as it is by default.
ALWAYS = ("model", "weights", "image_size", "epochs", "global_batch_size", "learning_rate", "optimizer", "schedule",
          "seed")  # fmt: skip
_NEVER = ("threads",)  # the machine's, mostly
Plain = bool | int | float | str


def varied_options(options: RunOptions, chosen: Mapping[str, Plain]) -> dict[str, Plain]:
    """By flag; `chosen` are the values that the run took where an option leaves the choice to it.

    Left out are options that are off or as they are by default, that do nothing beside others, that hold a place, and
    that change no bit of a run.
    """
    values, idle = options.by_flag(), options.idle()
    values |= {"model": options.model.shown, "weights": Path(options.model.weights).name}
    found = {}
    for leaf in leaves(RunOptions):
        value = values[leaf.name]
        is_its = bool(leaf.option.identity) and leaf.name not in (*_NEVER, *idle)
        if leaf.name in ALWAYS or (is_its and value not in (leaf.default, None, "")):
            found[leaf.name] = _plain(chosen.get(leaf.name, value) if value in ("auto", 0, None) else value)
    return {name: found[name] for name in (*ALWAYS, *found) if name in found}


def _plain(value: object) -> Plain:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return value if isinstance(value, Plain) else str(value)
