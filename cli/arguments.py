"""A command line that cannot be understood: what is wrong with it, in one line, and what to write."""

import contextlib
import importlib
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from absl import flags

from base.errors import UserError
from base.options import Leaf, Option
from cli.other_names import RENAMED, SAID

SCRIPTS = ("train", "prepare", "evaluate", "predict", "compare", "reproduce")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
_WORDS = ("true", "false", "yes", "no", "on", "off", "0", "1")


def check(arguments: Sequence[str], values: flags.FlagValues) -> None:
    """Raises UserError for what absl would say in its own words, or take for something else than was meant."""
    places = iter(range(len(arguments)))
    for place in places:
        argument, following = arguments[place], [*arguments[place + 1 : place + 2]]
        if argument == "--":
            return
        _check_dash(argument)
        name, equals, _ = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or not name or name == "undefok":
            continue
        if _is_absls(name, values) and (said := _said_of(_plain(name), argument, values)):
            raise UserError(f"--{name}: {said}")
        if name not in values:
            _check_switched_off(name, equals, values)
        elif values[name].boolean and not equals and following and following[0].lower() in _WORDS:
            raise UserError(f"--{name} {following[0]}: the value of a switch stands behind =, as in --{name}=true")
        elif not values[name].boolean and not equals:
            if not following or following[0].startswith("--"):
                raise UserError(f"--{name} has no value: write --{name}=VALUE ({values[name].help})")
            next(places)


def parse(script: str, given: Iterable[str], values: flags.FlagValues) -> list[str]:
    """The words of a command line that are no flags; those that are stand in `values` then.

    Raises UserError for what cannot be understood.
    """
    given = [*given]
    check(given, values)
    try:
        return values([script, *given])[1:]
    except flags.UnrecognizedFlagError as error:
        raise unknown_flag(script, error.flagname, error.flagvalue, values) from None
    except flags.IllegalFlagValueError as error:
        raise bad_value(error, values) from None
    except flags.Error as error:
        raise UserError(str(error)) from None


def unknown_flag(script: str, name: str, argument: str, values: flags.FlagValues) -> UserError:
    """Of a flag that the script has not, given as `argument`: what it is called here, or has instead."""
    word, blank, value = name.partition(" ")
    if blank and word in values:
        return UserError(f"{argument!r}: the value of a flag stands behind =, as in --{word}={value.strip()}")
    plain = _plain(name)
    if said := _said_of(plain, argument, values):
        return UserError(f"--{name}: {said}")
    for other in SCRIPTS:
        theirs = flags_of(other)
        if other != script and (plain in theirs or (ours := renamed(plain, theirs))):
            called = f"--{plain}" if plain in theirs else f"--{ours}, as it is called there,"
            return UserError(f"--{name}: {script}.py has no such flag; {called} is one of {other}.py (see --help)")
    ours = [one for one in values if len(one) > 1 and not _is_absls(one, values)]
    near = get_close_matches(plain, ours, n=1, cutoff=0.6)
    return UserError(f"unknown flag --{name}: {f'did you mean --{near[0]}? ' if near else ''}see --help")


def bad_value(error: flags.IllegalFlagValueError, values: flags.FlagValues) -> UserError:
    """Of a value that is not of the flag's type, where no option says more of it."""
    name, text = re.match(r"flag --(\w+)=(.*?): ", str(error), re.DOTALL).groups()
    kind = {"bool": bool, "int": int, "float": float}.get(values[name].flag_type(), str)
    try:
        Leaf(name, (name,), kind, False, None, Option(values[name].help)).parse(text)
    except UserError as ours:
        return ours
    return UserError(f"--{name}={text}: it cannot be this ({values[name].help})")


def no_flag(word: str, values: flags.FlagValues) -> UserError:
    """Of a word that is no flag, where a script takes flags only."""
    parts = re.fullmatch(r"(\w+)(?:\s*[=:]\s*(.*))?", word)
    if parts and parts[1] in values:
        return UserError(f"{word!r} is not a flag: write --{parts[1]}={parts[2] or 'VALUE'}")
    fix = "a value with blanks in it stands in quotes"
    for wanted, what in (("dataset", "a data set, or a folder of pictures,"), ("run", "a run folder")):
        if wanted in values and not values[wanted].value:
            fix = f"{what} is --{wanted}={shlex.quote(word)}"
    return UserError(f"{word!r} is not a flag: options are written --name=value; {fix}")


def flags_of(script: str) -> flags.FlagValues:
    """What cli/`script`.py defines."""
    values = flags.FlagValues()
    importlib.import_module(f"cli.{script}").define_flags(values)
    return values


def renamed(name: str, values: Mapping) -> str:
    """The flag of `values` that others call `name`; empty for none."""
    return next((ours for ours, theirs in RENAMED if name in theirs.split() and ours in values), "")


def said_of(name: str, values: Mapping) -> str:
    """What to say where a script whose flags are `values` is given another program's flag; empty for nothing."""
    ours = {*values, "flagfile"}
    return next((said for names, said in SAID if name in names.split() and mentioned(said) <= ours), "")


def mentioned(text: str) -> set[str]:
    """The flags that a text names."""
    return set(re.findall(r"--(\w+)", text))


def _said_of(name: str, argument: str, values: flags.FlagValues) -> str:
    if name in values and not _is_absls(name, values):
        return f"it is written --{name} here"
    switch = name.removeprefix("no_")
    if switch != name and switch in values and values[switch].boolean:
        return f"it is written --no{switch} here"
    if ours := renamed(name, values):
        value = _fitting(argument.partition("=")[2], values[ours])
        return f"it is called --{ours} here" + (f": --{ours}={value}" if value else f" ({values[ours].help})")
    return said_of(name, values)


def _fitting(value: str, flag: flags.Flag) -> str:
    """The value, where it is plain that the flag means the same by it; empty otherwise."""
    leaf = getattr(flag.parser, "leaf", None)
    if not leaf or not value or leaf.kind is bool or (leaf.is_tuple and leaf.kind is not int):
        return "" if leaf else value
    with contextlib.suppress(UserError):
        if not leaf.option.choices or leaf.parse(value) in leaf.option.choices:
            leaf.parse(value)
            return value
    return ""


def _is_absls(name: str, values: flags.FlagValues) -> bool:
    """Whether absl takes the flag, and does nothing with it that anybody means: --log_dir."""
    return str(values.find_module_defining_flag(name)).startswith("absl.")


def _plain(name: str) -> str:
    """A name as ours are written: small letters, and _ between words."""
    return name.lower().replace("-", "_").replace(".", "_")


def _check_dash(argument: str) -> None:
    if argument[:1] in _DASHES and not os.path.exists(argument):
        bare = argument.lstrip(_DASHES + "-")
        raise UserError(f"{argument!r} begins with a dash that a text program made: write --{bare}, with two hyphens")


def _check_switched_off(name: str, equals: str, values: flags.FlagValues) -> None:
    switch = name.removeprefix("no")
    if equals and switch != name and switch in values and values[switch].boolean:
        raise UserError(f"--{name} takes no value: write --{name} alone, or --{switch}=true or false")
