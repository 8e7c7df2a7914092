"""--folds and --sweep on the command line: which runs they become, and which lines are refused before any begins."""

import os
import shlex

import pytest

from cli import several, train
from cli.arguments import parse
from jobs.options import RunOptions
from tests.helpers.made_runs import write_finished
from tests.helpers.run_fixtures import ROOT, call_script, write_shapes

SWEEPS = sorted((ROOT / "configs").glob("*.sweep"))


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Runs train.py in this process, from an empty folder; the runs that it would begin are made, and in `call.runs`:
    a run's name, and its options."""
    monkeypatch.chdir(tmp_path)
    runs: dict[str, RunOptions] = {}

    def run_child(command, stop) -> int:
        assert command[1].endswith("train.py")
        options, path = options_of(command[2:])
        assert path.name not in runs
        runs[path.name] = options
        write_finished(path, options, 9 - len(runs), 10 * len(runs) if options.data.folds else 0)
        return 0

    monkeypatch.setattr(several, "run_child", run_child)

    def call_train(*arguments: str):
        return call_script(train, list(arguments), monkeypatch, capfd)

    call_train.runs = runs
    return call_train


def options_of(arguments):
    """(options, run folder) of a command."""
    values = several.flags.FlagValues()
    train.define_flags(values)
    assert parse("train", arguments, values) == []
    return train.options_of(values), train.paths.path_of(values.run_dir)


@pytest.fixture
def sweep_file(tmp_path):
    def write(text: str) -> str:
        (tmp_path / "f.sweep").write_text(text)
        return f"--sweep={tmp_path / 'f.sweep'}"

    return write


def test_folds_are_runs_of_the_same_options_but_for_their_number(call, tmp_path):
    write_shapes(tmp_path / "shapes", {"disk": 1, "square": 1})
    given = ("--dataset=shapes", "--folds=4", "--epochs=3", "--augment=medium", "--rotate_degrees=5", "--filters=4,8",
             "--model=catdog_1", "--split_fractions=0.75,0.25,0", "--nohorizontal_flip")  # fmt: skip
    done = call(*given, "--run_dir=out")
    assert (done.code, done.stderr) == (0, "")
    alone, _ = options_of([*given, "--run_dir=x"])
    expected = {f"fold-{number}": alone.changed({"fold": number}) for number in range(1, 5)}
    assert call.runs == expected
    assert {"folds.csv", "folds.json", "fold-1", "fold-4"} <= {*os.listdir("out")}
    assert "mean of 4: accuracy" in done.stdout


def test_one_fold_is_an_ordinary_run(call):
    done = call("--dataset=nowhere_here", "--folds=4", "--fold=2", "--run_dir=out")
    assert done.code == 2  # it looked for the pictures itself
    assert call.runs == {}


def test_a_lines_flags_beat_those_of_all(call, sweep_file):
    text = "--learning_rate=0.5\nb: --epochs=4 --model=catdog_1 # no\n"
    done = call(sweep_file(text.replace(" # no", "")), "--dataset=folder:/here", "--epochs=3", "--run_dir=out")
    assert (done.code, done.stderr) == (0, "")
    first, second = call.runs["learning_rate=0.5"], call.runs["b"]
    assert (first.training.learning_rate, first.training.epochs, first.model.name) == (0.5, 3, "residual_small")
    assert (second.training.epochs, second.model.name, second.training.learning_rate) == (4, "catdog_1", 1e-4)
    assert "chosen: learning_rate=0.5" in done.stdout
    assert {"sweep.csv", "sweep.json", "b", "learning_rate=0.5"} <= {*os.listdir("out")}


def test_a_finished_sweep_is_not_begun_again(call, sweep_file):
    given = (sweep_file("--epochs=3\n--epochs=4\n"), "--dataset=folder:/here", "--run_dir=out")
    call(*given)
    call.runs.clear()
    assert call(*given).code == 0
    assert call.runs == {}


def test_a_flagfile_in_a_line_is_read(call, sweep_file, tmp_path):
    (tmp_path / "small.flags").write_text("# small\n--model=catdog_1\n--filters=4,8\n")
    assert call(sweep_file("--flagfile=small.flags --epochs=2"), "--dataset=folder:/here", "--run_dir=out").code == 0
    (options,) = call.runs.values()
    assert (options.model.filters, options.training.epochs) == ((4, 8), 2)


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("--epochs=3\n--epohcs=4", (), ["line 2: unknown flag --epohcs: did you mean --epochs?"]),
        ("--epochs=3\n\n--lr=4", (), ["line 3: --lr: it is called --learning_rate here"]),
        ("--epochs=three", (), ["line 1: --epochs=three: it must be a whole number"]),
        ("--augment=storng", (), ["line 1: unknown --augment 'storng'"]),
        ("--epochs=3 verbose", (), ["line 1: 'verbose' is not a flag"]),
        ("--run_dir=x", (), ["line 1: --run_dir is for all runs: give it on the command line"]),
        ("--epochs=3\n--sweep=x", (), ["line 2: --sweep is for all runs"]),
        ("--resume=must", (), ["line 1: --resume is for all runs"]),
        ("--cache_dir=x", (), ["line 1: --cache_dir is for all runs"]),
        ("--epochs=3\na: --epochs=3", (), ["line 2: it asks for the same run as line 1"]),
        ("--train_minutes=3", ("--epochs=3",), ["line 1: --epochs=3: --train_minutes=3 chooses how many"]),
        ("--folds=3", (), ["line 1: --folds=3: this looks at one of them"]),
        ("--epochs=3", ("--folds=3",), ["line 1: --folds=3: this looks at one of them"]),
        ("--epochs=3", ("--find_learning_rate",), ["--find_learning_rate with --sweep=", "give it alone"]),
        ("--epochs='3", (), ["line 1: No closing quotation"]),
        ("", (), ["holds no run"]),
    ],
)
def test_a_wrong_line_is_told_before_any_run_begins(text, more, words, call, sweep_file, tmp_path):
    done = call(sweep_file(text), "--dataset=folder:/here", "--run_dir=out", *more)
    assert done.code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert call.runs == {}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--sweep=nowhere",), "--sweep=nowhere cannot be read: No such file"),
        (("--sweep=",), "--sweep names no file"),
        (("--folds=3", "--find_learning_rate", "--dataset=folder:/x"), "--find_learning_rate with --folds=3"),
        (("--folds=3", "--dataset=folder:/x", "--run_dir=/x/out"), "lies in the data folder"),
        (("--folds=3", "--dataset=folder:/x", "--resume=must", "--run_dir=out"), "holds no cross-validation to cont"),
    ],
)
def test_other_mistakes_are_one_line(given, words, call, tmp_path):
    done = call(*given)
    assert done.code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_the_data_set_may_stand_in_each_line(call, sweep_file):
    assert call(sweep_file("--dataset=folder:/a\n--dataset=folder:/b"), "--run_dir=out").code == 0
    assert [one.data.dataset for one in call.runs.values()] == ["folder:/a", "folder:/b"]
    done = call(sweep_file("--epochs=3"), "--run_dir=other")
    assert "line 1: --dataset is missing: give it on the command line, for all runs, or in each line" in done.stderr


@pytest.mark.parametrize("path", SWEEPS, ids=[path.stem for path in SWEEPS])
def test_the_sweeps_under_configs_are_runs_by_the_command_that_they_say(path, call, monkeypatch):
    command = next(line for line in path.read_text().splitlines() if line.startswith("# python train.py "))
    given = [word.replace(f"configs/{path.name}", str(path)) for word in shlex.split(command)[3:]]
    done = call(*given)
    assert (done.code, done.stderr) == (0, "")
    assert len(call.runs) > 1
