"""Options: frozen dataclasses whose fields say of each option, once, all that there is to know of it.

`option` makes a field with its help, its choices or range, and whether a run's identity depends on it. Flags, their
page, checks, options.json, identity and differences are derived from the fields, so a new option is one line.
"""

import dataclasses
import json
import operator
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from base.errors import UserError, unknown_name
from base.option_text import READERS, meant_number, meant_numbers

_KEY = "option"


@dataclasses.dataclass(frozen=True)
class Option:
    """What a field says of its option.

    Attributes:
      help: of its flag, without what choices and range say by themselves.
      choices: the values that it may have; empty for any.
      within: smallest and largest value, both allowed (of a tuple, of each entry); None for any.
      identity: whether a run is another run with another value; what it does not compute is none of its identity. A
        function, where only a part of a value is, gives that part.
      flag: the flag's name, where that is not the field's.
      rule: ends the sentence "it must be ..." where a flag's text has not the option's type, and its type does not
        say it.
      words: of a path, the values that are none.
      path: whether it is a path, or holds one, of the user's: a ~ in it is his home. A function says so of a value.
      only_with: (another option's field, those of its values with which this one does anything); empty for all.
    """

    help: str
    choices: tuple = ()
    within: tuple | None = None
    identity: bool | Callable[[Any], Any] = True
    flag: str = ""
    rule: str = ""
    path: bool | Callable[[str], bool] = False
    words: tuple[str, ...] = ()
    only_with: tuple[str, tuple] | tuple = ()

    def is_path(self, text: str) -> bool:
        """Whether the value that a flag's text stands for is a path."""
        return self.path(text) if callable(self.path) else self.path and bool(text) and text not in self.words


@dataclasses.dataclass(frozen=True)
class Group:
    """What a field says of options that it nests: `presets` by name, one of which its own flag takes."""

    help: str = ""
    presets: Mapping[str, "Options"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Leaf:
    """An option found in a class of options.

    Attributes:
      name: of its flag.
      path: the names of the fields that lead to it, its own last.
      kind: str, int, float or bool.
      is_tuple: whether it holds several of `kind`.
      default: its value where nobody says otherwise.
      option: what its field says.
    """

    name: str
    path: tuple[str, ...]
    kind: type
    is_tuple: bool
    default: Any
    option: Option

    def parse(self, text: str) -> Any:
        """The value that a flag's text stands for; raises UserError where it stands for none."""
        read = READERS[self.kind]
        try:
            return tuple(map(read, text.split(","))) if self.is_tuple else read(text)
        except ValueError:
            meant = meant_numbers(text, self.kind) if self.is_tuple else meant_number(text, self.kind)
            fix = f"; write --{self.name}={meant}" if meant else ""
            raise UserError(f"--{self.name}={text:.80}: it must be {self.rule}{fix}") from None

    @property
    def rule(self) -> str:
        """What ends the sentence "it must be ...": the kind of its values, and between which they lie."""
        if self.option.rule:
            return self.option.rule
        if self.kind is bool:
            return f"true or false (--{self.name} says true, --no{self.name} false)"
        one, several = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers")}[self.kind]
        within = f" {between(self.option.within)}" if self.option.within else ""
        return f"{several}{within}, with commas between them" if self.is_tuple else f"{one}{within}"


class Options:
    """The base of every class of options: a frozen dataclass that refuses bad values at birth."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            told = field.metadata.get(_KEY)
            if isinstance(told, Option):
                name, value = told.flag or field.name, getattr(self, field.name)
                _check(name, value, told)
                if self._is_idle(told) and value != field.default:
                    other, values = told.only_with
                    fix = f"leave it out, or give --{other}={' or '.join(values)}"
                    raise UserError(f"--{name}={value}: with --{other}={getattr(self, other)} it does nothing; {fix}")

    def to_json(self) -> dict:
        """Plain values by room, as options.json holds them."""
        return dataclasses.asdict(self)

    def identity(self) -> dict:
        """The values that a run is a function of, by dotted name."""
        return identity_part(type(self), self.to_json())

    def changed(self, values: Mapping[str, Any]) -> typing.Self:
        """These options with the values of some flags, by name."""
        news = {}
        for field in dataclasses.fields(self):
            old, told = getattr(self, field.name), field.metadata.get(_KEY)
            if isinstance(old, Options):
                base = told.presets[values[field.name]] if told and field.name in values and told.presets else old
                news[field.name] = base.changed(values)
            elif (name := told.flag or field.name) in values:
                news[field.name] = values[name]
        return dataclasses.replace(self, **news)

    def idle(self) -> set[str]:
        """The flags of the options that do nothing, as another's value has no use for them."""
        names: set[str] = set()
        for field in dataclasses.fields(self):
            value, told = getattr(self, field.name), field.metadata.get(_KEY)
            if isinstance(value, Options):
                names |= value.idle()
            elif self._is_idle(told):
                names.add(told.flag or field.name)
        return names

    def _is_idle(self, told: Option) -> bool:
        return bool(told.only_with) and getattr(self, told.only_with[0]) not in told.only_with[1]

    def by_flag(self) -> dict[str, Any]:
        """All values, by the name of their flag."""
        return {leaf.name: operator.attrgetter(".".join(leaf.path))(self) for leaf in leaves(type(self))}


def option(default: Any, help: str, **told: Any) -> Any:
    """A dataclass field for an option; `told` are the other attributes of `Option`."""
    return dataclasses.field(default=default, metadata={_KEY: Option(help, **told)})


def group(default: Options, **told: Any) -> Any:
    """A dataclass field that nests options; `told` are the attributes of `Group`."""
    return dataclasses.field(default=default, metadata={_KEY: Group(**told)})


def leaves(options_class: type[Options], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every option of a class, nested ones where they stand."""
    for field in dataclasses.fields(options_class):
        told, place = field.metadata.get(_KEY), (*path, field.name)
        if isinstance(field.type, type) and issubclass(field.type, Options):
            yield from leaves(field.type, place)
        else:
            kind, is_tuple = _kind_of(field.type)
            yield Leaf(told.flag or field.name, place, kind, is_tuple, field.default, told)


def groups(options_class: type[Options]) -> Iterator[tuple[str, type[Options], Group]]:
    """(name, class, what its field says) of each class of options that is nested directly."""
    for field in dataclasses.fields(options_class):
        if isinstance(field.type, type) and issubclass(field.type, Options):
            yield field.name, field.type, field.metadata.get(_KEY) or Group()


def with_presets(options_class: type[Options]) -> dict[str, Group]:
    """The groups that have presets, by name, which is that of the flag that takes a preset's."""
    return {name: told for name, _, told in groups(options_class) if told.presets}


def between(within: tuple) -> str:
    """ "from 1 to 100": a range in words."""
    low, high = (value if isinstance(value, int) else f"{value:g}" for value in within)
    return f"from {low} to {high}"


def differences(old: Mapping, new: Mapping, except_for: Collection[str] = ()) -> list[str]:
    """What two descriptions of a run disagree on, as "name: old -> new" lines.

    A name within a name is written with a dot, as training.epochs. `except_for` are names that may differ.
    """
    old, new = _flattened(json.loads(json.dumps(old))), _flattened(json.loads(json.dumps(new)))
    names = [name for name in sorted(old.keys() | new.keys()) if name not in except_for]
    return [f"{name}: {old.get(name)} -> {new.get(name)}" for name in names if old.get(name) != new.get(name)]


def identity_part(options_class: type[Options], values: Mapping) -> dict[str, Any]:
    """What of `values`, plain and by room as options.json holds them, a run is a function of, by dotted name."""
    flat = _flattened(values)
    for leaf in leaves(options_class):
        name = ".".join(leaf.path)
        if callable(leaf.option.identity) and name in flat:
            flat[name] = leaf.option.identity(flat[name])
    passed_over = not_identity(options_class)
    return {name: value for name, value in flat.items() if name not in passed_over}


def not_identity(options_class: type[Options]) -> set[str]:
    """The dotted names of the options that a run's identity does not depend on."""
    return {".".join(leaf.path) for leaf in leaves(options_class) if not leaf.option.identity}


def _check(name: str, value: Any, told: Option) -> None:
    if told.choices and value not in told.choices:
        raise unknown_name(f"--{name}", value, told.choices)
    entries = value if isinstance(value, tuple) else () if value is None else (value,)
    if told.within and not all(told.within[0] <= entry <= told.within[1] for entry in entries):
        raise UserError(f"--{name}={','.join(map(str, entries))}: it must be {between(told.within)}")


def _flattened(values: Mapping, prefix: str = "") -> dict:
    flat = {}
    for name, value in values.items():
        flat |= _flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _kind_of(annotation: Any) -> tuple[Callable, bool]:
    """(int, True) for `tuple[int, ...] | None`."""
    if isinstance(annotation, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not types.NoneType)
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0], True
    return annotation, False
