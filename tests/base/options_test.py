"""Options: what a field says is all there is to say, and everything else follows from it."""

import dataclasses
import math

import pytest

from base.errors import UserError
from base.options import Options, differences, group, groups, identity_part, leaves, not_identity, option


@dataclasses.dataclass(frozen=True)
class Knobs(Options):
    turn: float = option(0.0, "how far", within=(0.0, 1.0))
    flip: bool = option(False, "whether")


PRESETS = {"none": Knobs(), "all": Knobs(0.5, True)}


@dataclasses.dataclass(frozen=True)
class Inner(Options):
    kind: str = option("plain", "which", choices=("plain", "fancy"))
    place: str = option("", "where", identity=False)
    sizes: tuple[int, ...] | None = option(None, "how large", within=(1, 9), rule="whole numbers")
    name: str = option("x", "called", flag="title")


@dataclasses.dataclass(frozen=True)
class Whole(Options):
    seed: int = option(1, "of all", within=(0, 10))
    inner: Inner = group(Inner())
    knobs: Knobs = group(Knobs(), presets=PRESETS, help="all at once")


def test_leaves_are_found_where_they_stand_with_all_that_their_fields_say():
    found = {leaf.name: leaf for leaf in leaves(Whole)}
    assert list(found) == ["seed", "kind", "place", "sizes", "title", "turn", "flip"]
    assert found["title"].path == ("inner", "name")
    assert [(found[name].kind, found[name].is_tuple) for name in ("seed", "sizes", "turn", "flip", "kind")] == [
        (int, False), (int, True), (float, False), (bool, False), (str, False)]  # fmt: skip
    assert (found["turn"].default, found["turn"].option.help) == (0.0, "how far")
    assert [name for name, _, told in groups(Whole) if told.presets] == ["knobs"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": 11}, "--seed=11: it must be from 0 to 10"),
        ({"turn": -0.5}, "--turn=-0.5: it must be from 0 to 1"),
        ({"turn": math.nan}, "--turn=nan: it must be from 0 to 1"),
        ({"kind": "fanzy"}, "unknown --kind 'fanzy': did you mean 'fancy'"),
        ({"sizes": (4, 10)}, "--sizes=4,10: it must be from 1 to 9"),
    ],
)
def test_a_value_out_of_its_choices_or_range_is_refused_at_birth_however_deep(values, words):
    with pytest.raises(UserError, match=words):
        Whole().changed(values)


def test_changed_reaches_every_leaf_by_its_flag_and_leaves_the_others():
    new = {"seed": 2, "kind": "fancy", "place": "there", "sizes": (4, 5), "title": "y", "turn": 0.25, "flip": True}
    changed = Whole().changed(new)
    assert changed.by_flag() == new
    assert changed.inner.name == "y"
    for name, value in new.items():
        assert Whole().changed({name: value}).by_flag() == Whole().by_flag() | {name: value}


def test_a_preset_is_a_start_that_single_flags_change():
    assert Whole().changed({"knobs": "all"}).knobs == PRESETS["all"]
    assert Whole().changed({"knobs": "all", "turn": 0.125}).knobs == Knobs(0.125, True)
    assert Whole(knobs=PRESETS["all"]).changed({"knobs": "none"}).knobs == Knobs()


@dataclasses.dataclass(frozen=True)
class Paint(Options):
    kind: str = option("plain", "which", choices=("plain", "fancy", "odd"))
    glitter: float = option(0.5, "how fancy", only_with=("kind", ("fancy", "odd")))


@dataclasses.dataclass(frozen=True)
class House(Options):
    paint: Paint = group(Paint())


def test_what_another_option_has_no_use_for_is_refused_and_its_default_is_idle():
    words = r"--glitter=0.25: with --kind=plain it does nothing; leave it out, or give --kind=fancy or odd"
    with pytest.raises(UserError, match=words):
        House().changed({"glitter": 0.25})
    assert House().changed({"kind": "odd", "glitter": 0.25}).paint.glitter == 0.25
    assert House().idle() == {"glitter"}
    assert House().changed({"kind": "fancy"}).idle() == set()


def test_text_becomes_several_values_or_is_refused_with_the_rule():
    (sizes,) = (leaf for leaf in leaves(Whole) if leaf.name == "sizes")
    assert sizes.parse("4,5") == (4, 5)
    for text in ("4,x", "", "4.5,5"):
        with pytest.raises(UserError, match=f"--sizes={text}: it must be whole numbers"):
            sizes.parse(text)


def test_the_identity_leaves_out_what_a_run_does_not_depend_on():
    whole = Whole()
    assert whole.identity() == {"seed": 1, "inner.kind": "plain", "inner.sizes": None, "inner.name": "x",
                                "knobs.turn": 0.0, "knobs.flip": False}  # fmt: skip
    assert whole.changed({"place": "there"}).identity() == whole.identity()
    assert whole.changed({"kind": "fancy"}).identity() != whole.identity()
    assert not_identity(Whole) == {"inner.place"}


def test_differences_are_named_with_dots_and_both_values():
    old, new = Whole().to_json(), Whole().changed({"seed": 3, "sizes": (2,), "place": "there"}).to_json()
    assert differences(old, new) == ["inner.place:  -> there", "inner.sizes: None -> [2]", "seed: 1 -> 3"]
    assert differences(old, new, not_identity(Whole)) == ["inner.sizes: None -> [2]", "seed: 1 -> 3"]
    # What one side lacks is a difference too.
    assert differences({"a": 1}, {"b": {"c": 2}}) == ["a: 1 -> None", "b.c: None -> 2"]
    assert differences({"sizes": [1, 2]}, {"sizes": (1, 2)}) == []


def test_a_part_of_a_value_may_be_all_that_a_run_depends_on():
    @dataclasses.dataclass(frozen=True)
    class Placed(Options):
        place: str = option(
            "a/x", "where", identity=lambda text: text.rpartition("/")[2], path=lambda text: "/" in text
        )

    @dataclasses.dataclass(frozen=True)
    class Outer(Options):
        inner: Placed = group(Placed())

    assert Outer().changed({"place": "b/x"}).identity() == Outer().identity() == {"inner.place": "x"}
    assert Outer().changed({"place": "a/y"}).identity() != Outer().identity()
    assert identity_part(Outer, {"inner": {"place": "c/z"}, "gone": 3}) == {"inner.place": "z", "gone": 3}
    (leaf,) = leaves(Outer)
    assert [leaf.option.is_path(text) for text in ("a/x", "x", "")] == [True, False, False]
    assert leaf.option.identity  # so that nobody takes it for one that a run does not depend on
    assert not_identity(Outer) == set()
