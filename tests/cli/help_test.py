"""--help: what a script is for, how it is called, and every flag that it has."""

import re
import subprocess
import sys

import pytest
from absl import flags

from base.options import leaves
from cli import arguments, help
from cli.arguments import SCRIPTS, flags_of
from cli.flags import run_flags
from jobs.options import RunOptions
from tests.cli.start_test import begin
from tests.helpers.run_fixtures import ROOT


def page_of(script: str, columns: int = 80) -> str:
    return help.help_page(ROOT / f"{script}.py", flags_of(script), columns)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_says_what_the_script_is_for_and_gives_three_examples(script):
    page = page_of(script)
    assert re.match(r"[A-Z][^.]+\.", page.replace("\n", " "))
    examples = re.findall(rf"^  python {script}\.py (.+)$", page, re.MULTILINE)
    assert len(examples) == 3
    for example in examples:
        given = [word for word in example.split() if word.startswith("--")]
        arguments.check(given, flags_of(script))
        flags_of(script)([script, *given])  # raises for a flag that is not there


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("columns", [20, 80, 90, 300])
def test_it_fits_a_terminal(script, columns):
    lines = page_of(script, columns).splitlines()
    flags_begin = next(place for place, line in enumerate(lines) if line.endswith(":"))
    assert max(map(len, lines[:flags_begin])) <= 100
    assert max(map(len, lines[flags_begin:])) < min(max(columns, 80), 100)


def test_every_flag_stands_in_its_group_with_its_choices_and_its_default():
    page = page_of("train")
    groups = re.split(r"\n\n(\w+):\n", page)
    by_title = dict(zip(groups[1::2], groups[2::2], strict=True))
    assert list(by_title) == ["Data", "Augment", "Model", "Training", "Decision", "Run"]
    groups_of_options = ("data", "augment", "model", "training", "decision")
    for leaf in run_flags():
        title = leaf.path[0].capitalize() if leaf.path[0] in groups_of_options else "Run"
        text = " ".join(re.split(rf"  --(?:\[no\])?{leaf.name} ", by_title[title])[1].split("\n  --")[0].split())
        assert leaf.option.help in text
        assert all(choice in text for choice in leaf.option.choices)
        assert leaf.default in (None, "") or "(default " in text
    assert "(default 96)" in page
    assert "--[no]horizontal_flip" in by_title["Augment"]
    assert all(f"  --{name} " in by_title["Run"] for name in ("run_dir", "resume", "cache_dir", "seed"))
    assert len(run_flags()) == len([*leaves(RunOptions)]) + 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_flag_of_a_script_is_left_out(script):
    listed = set(re.findall(r"^  --(?:\[no\])?(\w+)", page_of(script), re.MULTILINE))
    assert listed == set(flags_of(script))


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["-help"], ["--zzz", "-h"], ["--help=true"], ["help"]])
def test_it_is_no_mistake_to_ask(asked):
    done = begin("train", *asked, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == page_of("train") + "\n"


def test_a_picture_may_be_called_so_behind_two_hyphens():
    assert not help.is_asked_for(["--run=x", "--", "-h"])
    assert help.is_asked_for(["-h", "--"])


def test_absls_own_page_is_there_too():
    done = begin("prepare", "--helpfull")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--verbosity" in done.stdout
    assert "--out_dir" in done.stdout


def test_a_reader_that_goes_away_is_no_fault():
    command = f"{sys.executable} {ROOT / 'train.py'} --help | head -1"
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Trains an image classifier from pictures on disk.\n", "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_who_gives_nothing_is_told_of_it(script):
    done = begin(script)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert re.match(r"error: (--\w+ is missing|no run is given): .*; see --help\n", done.stderr)


def test_a_flag_without_an_option_is_shown_with_its_default(tmp_path):
    (tmp_path / "mine.py").write_text('"""Does something.\n\npython mine.py\n"""\n')
    values = flags.FlagValues()
    flags.DEFINE_list("parts", ["a", "b"], "which", flag_values=values, module_name="cli.mine")
    page = help.help_page(tmp_path / "mine.py", values, 80)
    assert page.startswith(
        "Does something.\n\n  python mine.py\n\nFlags:\n  --parts                   which (default a,b)\n"
    )
