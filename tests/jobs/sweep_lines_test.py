"""A sweep's file: what a line is, how its run is called, and which line is wrong."""

import random
import re
import shlex

import pytest

from base.errors import UserError
from jobs.sweep_lines import name_of, read_lines

LETTERS = " abz0/.,:#~é日本*?[]'\"\\"
NAME = re.compile(r"\w[\w.=,+-]{0,80}")


def test_a_line_is_a_run_and_blank_ones_and_comments_are_none():
    text = "# three models\n\n--model=catdog_1 --epochs=20\n   // not this one\n  small: --model=catdog_2   \n"
    assert [(one.number, one.name, one.arguments) for one in read_lines(text, "--sweep=f")] == [
        (3, "model=catdog_1,epochs=20", ("--model=catdog_1", "--epochs=20")),
        (5, "small", ("--model=catdog_2",)),
    ]


def test_quotes_are_a_shells_and_a_hash_within_a_line_is_no_comment():
    (one,) = read_lines("--data_dir='my pictures' --background=#ff8000 --labels_csv=a\\ b.csv", "f")
    assert one.arguments == ("--data_dir=my pictures", "--background=#ff8000", "--labels_csv=a b.csv")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_quoted_comes_back_under_a_name_that_is_a_folders(seed):
    draw = random.Random(seed)
    arguments = tuple(
        f"--{draw.choice(('model', 'epochs'))}={''.join(draw.choices(LETTERS, k=draw.randint(1, 60)))}"
        for _ in range(draw.randint(1, 4))
    )
    (one,) = read_lines(shlex.join(arguments), "f")
    assert one.arguments == arguments
    assert NAME.fullmatch(one.name)
    assert one.name == name_of(arguments)


def test_long_names_differ_where_the_flags_do():
    one, other = (name_of([f"--data_dir={'x' * 200}{end}"]) for end in "ab")
    assert one != other
    assert one.startswith("data_dir=xxx")
    assert max(len(one), len(other)) <= 80
    assert name_of(["--", "--."]) != name_of(["--", "--.."])  # of which nothing is left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--epochs=3\n--model='a", "--sweep=f, line 2: No closing quotation"),
        ("--epochs=3\n\ncats --epochs=4", "--sweep=f, line 3: 'cats' is not a flag: a line holds flags, or NAME:"),
        ("a/b: --epochs=3", "line 1: 'a/b' cannot name a folder"),
        ("..: --epochs=3", "line 1: '..' cannot name a folder"),
        ("runs.json:", "line 1: 'runs.json:' holds no flag"),
        (": --epochs=3", "line 1: '' cannot name a folder"),
        ("--epochs=3\n--epochs=3", "line 2: 'epochs=3' is the name of line 1 too: say the difference"),
        ("A: --epochs=3\na: --epochs=4", "line 2: 'a' is the name of line 1 too"),
        ("", "--sweep=f holds no run: write a line of flags for each"),
        ("# nothing\n\n", "--sweep=f holds no run"),
    ],
)
def test_a_wrong_line_is_named(text, words):
    with pytest.raises(UserError) as refused:
        read_lines(text, "--sweep=f")
    assert words in str(refused.value)
