"""The GPU check on a machine without one: its line, its plan, what turns it red, and each part on tiny sizes."""

import dataclasses
import functools
import importlib
import json
import math
import types
from pathlib import Path

import pytest

from base.errors import UserError
from benchmarks.gpu import checks, launch, parts, plan, resume, table
from tests.helpers.run_fixtures import ROOT, Done, run_script, session_dir, write_shapes

NO_LAUNCH = launch.Launcher("cpu", Path("/nowhere"), Path("/nowhere"), 60.0)
HASH = "a" * 64


@functools.cache
def pictures_dir() -> Path:
    """60 pictures of two classes."""
    return write_shapes(session_dir() / "gpu_check", {"disk": 30, "square": 30})


def check(*arguments: str, data_dir: Path | None = None) -> Done:
    folders = (f"--data_dir={data_dir or pictures_dir()}", f"--cache_dir={session_dir() / 'cache'}")
    return run_script("benchmarks/gpu_check.py", *folders, *arguments)


def values_of(tmp_path: Path, **changes) -> types.SimpleNamespace:
    """Flags of a check of two parts."""
    values = {"data_dir": str(pictures_dir()), "cache_dir": str(tmp_path), "quick": True, "device": "gpu",
              "only": ["precision", "resume"], "out": str(tmp_path / "out.json")}  # fmt: skip
    return types.SimpleNamespace(**(values | changes))


@pytest.fixture
def script(monkeypatch):
    """benchmarks/gpu_check.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("gpu_check")


def test_without_a_gpu_one_line_says_how_to_get_one_going(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    done = check()
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("no GPU: ")
    assert done.stdout.count("\n") == 1
    assert "nvidia-smi" in done.stdout


@pytest.mark.parametrize(("cuda", "words"), [(False, "run make setup GPU=1, then make gpu-check GPU=1"),
                                             (True, "TensorFlow has CUDA but sees no card")])  # fmt: skip
def test_the_line_tells_a_cpu_build_from_an_unseen_card(script, cuda, words):
    assert words in script.no_gpu_line({"built_with_cuda": cuda})


@pytest.mark.parametrize(("flag", "words"), [("--only=speed,sped", "sped"), ("--device=tpu", "tpu"),
                                             ("quick", "'quick' is not a flag")])  # fmt: skip
def test_a_mistyped_flag_is_refused_at_once(flag, words):
    done = check(flag)
    assert done.code == 2
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_a_folder_that_is_not_there_is_refused_before_any_job(script, tmp_path, monkeypatch):
    monkeypatch.setattr(launch.Launcher, "run", lambda self, kind: {"gpus": 1, "name": "A Card", "tensorflow": "2"})
    with pytest.raises(UserError, match=r"--data_dir=.*missing is not a folder: give one"):
        script.main(values_of(tmp_path, data_dir=str(tmp_path / "missing")), [])


def test_make_gpu_check_uses_the_projects_environment():
    recipe = (ROOT / "Makefile").read_text().partition("\ngpu-check: setup\n")[2]
    assert recipe.startswith("\t$(BIN)/python benchmarks/gpu_check.py\n")


def test_the_full_plan_is_every_combination_and_the_quick_one_a_change_at_a_time():
    full, quick = list(plan.speed_jobs(plan.FULL)), list(plan.speed_jobs(plan.QUICK))
    assert len(full) == len(set(full)) == 2 * 4 * 2 * 2 * 3
    assert len(quick) == len(set(quick)) == 2 * (1 + 3 + 1 + 1 + 2)
    assert {dataclasses.replace(job, seconds=plan.FULL.seconds) for job in quick} < set(full)
    assert plan.base_speed_job(plan.QUICK, "catdog_2") in quick


def test_the_share_of_the_peak_is_rate_times_operations():
    row = {"images_per_second": 200.0, "step_flops": 3_000_000}
    assert parts.against_peak(row, {"flops_per_second": 2.4e9}) == {"flops_per_second": 6e8, "matmul_fraction": 0.25}
    assert parts.against_peak(row, {"error": "hung"})["matmul_fraction"] is None
    assert parts.against_peak({"error": "out of memory"}, {"flops_per_second": 1.0}) == {}


def augmentation_rows(difference) -> dict:
    return {"report": {"max_absolute_difference": difference, "pictures": 8}}


@pytest.mark.parametrize(("difference", "passed"), [(0.0, True), (1 / 255, True), (1.01 / 255, False), (None, False)])
def test_one_gray_level_between_host_and_device_is_the_limit(difference, passed):
    assert [found.passed for found in checks.augmentation_check(augmentation_rows(difference))] == [passed]


def test_a_comparison_that_could_not_be_made_is_not_green():
    broken = {"error": "out of memory"}
    fine = {"losses": [1.0], "weights_sha256": HASH}
    found = [*checks.augmentation_check({"report": broken}), checks.precision_check("m", "tf32", fine, broken),
             checks.precision_check("m", "tf32", broken, fine), checks.determinism_check("m", [fine, broken]),
             checks.resume_check("m", broken)]  # fmt: skip
    assert [(one.passed, one.words) for one in found] == [(False, "out of memory")] * 5


@pytest.mark.parametrize(
    ("losses", "reference", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.1, 2.0], [1.0, 2.0], 0.1),
        ([1.0, 1.0], [1.0, 2.0], 0.5),
        ([1.0], [1.0, 2.0], math.inf),
        ([], [], math.inf),
        ([1.0, None], [1.0, 2.0], math.inf),
        ([1.0, math.nan], [1.0, math.nan], math.inf),
        ([0.0], [0.0], 0.0),
    ],
)
def test_the_largest_relative_difference_of_two_curves(losses, reference, expected):
    assert checks.largest_relative_difference(losses, reference) == pytest.approx(expected)


@pytest.mark.parametrize(("loss", "passed"), [(0.65, True), (0.9, False), (None, False)])
def test_a_precision_that_leaves_the_curve_is_red(loss, passed):
    found = checks.precision_check("m", "tf32", {"losses": [0.7, loss]}, {"losses": [0.7, 0.66]})
    assert found.passed is passed


def test_other_weights_after_a_kill_or_in_a_second_run_are_red():
    same, other = {"weights_sha256": HASH}, {"weights_sha256": "b" * 64}
    assert checks.determinism_check("m", [same, same]).passed
    assert not checks.determinism_check("m", [same, other]).passed
    assert not checks.determinism_check("m", [same]).passed
    assert checks.resume_check("m", {"whole": HASH, "resumed": HASH, "killed_at": 3}).passed
    assert not checks.resume_check("m", {"whole": HASH, "resumed": "b" * 64, "killed_at": 3}).passed


def test_a_failed_check_is_exit_code_1_and_the_other_parts_go_on(script, tmp_path, monkeypatch, capsys):
    red = checks.Check("planted", False, "words")
    monkeypatch.setitem(parts.RUN, "precision", lambda *_: ({}, [red]))
    monkeypatch.setitem(parts.RUN, "resume", lambda *_: ({"ran": True}, [dataclasses.replace(red, passed=True)]))
    monkeypatch.setattr(launch.Launcher, "run", lambda self, kind: {"gpus": 1, "name": "A Card", "tensorflow": "2"})
    with pytest.raises(SystemExit) as stop:
        script.main(values_of(tmp_path), [])
    assert stop.value.code == 1
    assert "FAILED  planted: words" in capsys.readouterr().out
    report = json.loads((tmp_path / "out.json").read_text())
    assert [one["passed"] for one in report["checks"]] == [False, True]
    assert report["parts"]["resume"] == {"ran": True}


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "row"),
    [
        (0, 'note\n{"a": 1, "b": NaN}\n', "", {"a": 1, "b": None}),
        (0, "note\n", "", {"error": "no result: 'note\\n'"}),
        (1, "", "x\ntensorflow.ResourceExhaustedError: OOM when\n", {"error": "out of memory"}),
        (1, "", "Traceback\n  at\npkg.UserError: the words\n  more\n", {"error": "pkg.UserError: the words"}),
        (1, "", "just words\n", {"error": "just words"}),
        (-11, "", "", {"error": "ended by signal 11"}),
        (3, "", "", {"error": "exit code 3"}),
    ],
)
def test_whatever_becomes_of_a_process_is_a_row(code, stdout, stderr, row):
    assert launch.row_of(code, stdout, stderr) == row


def test_a_hung_process_is_a_row_and_a_failed_one_leaves_the_rest_of_the_table(monkeypatch):
    assert dataclasses.replace(NO_LAUNCH, timeout_seconds=0.01).run("describe")["error"].startswith("hung")
    timed = {"images_per_second": 10.0, "step_flops": 10, "input_wait_fraction": 0.5, "starved_fraction": 0.25,
             "peak_bytes": 2**21}  # fmt: skip
    answers = {"matmul": {"flops_per_second": 1000.0, "dtype": "float32"}}
    monkeypatch.setattr(launch.Launcher, "run", lambda self, kind, **fields: answers.get(kind) or (
        {"error": "out of memory"} if fields["job"]["xla"] else timed))  # fmt: skip
    lines = []
    found, verdicts = parts.speed(NO_LAUNCH, plan.TINY, lines.append)
    assert (len(found["rows"]), verdicts) == (4, [])
    assert sum("out of memory" in line for line in lines) == 1
    assert sum("50.0 %       25.0 %    2          0.00      10.0 %" in line for line in lines) == 3
    assert table.determinism_line([{"model": "m", "deterministic": True, "error": "gone"}], False).endswith("gone")


def test_cpu_hides_every_card_and_gpu_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert NO_LAUNCH.environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert dataclasses.replace(NO_LAUNCH, device="gpu").environment["CUDA_VISIBLE_DEVICES"] == "0"


def test_a_job_runs_in_a_process_of_its_own(tmp_path):
    launcher = launch.Launcher("cpu", pictures_dir(), session_dir() / "cache", 300.0)
    row = launcher.train(dataclasses.replace(plan.base_speed_job(plan.TINY, "catdog_2"), steps=2))
    assert "error" not in row, row["error"]
    assert (row["model"], row["policy"], len(row["losses"])) == ("catdog_2", "mixed_bfloat16", 2)
    assert row["images_per_second"] > 0
    refused = dataclasses.replace(launcher, data_dir=tmp_path).train(tiny := plan.TrainJob(**job_of(row)))
    assert refused["error"].startswith("base.errors.UserError: ")
    assert "holds no class folder" in refused["error"]
    assert job_of(refused) == dataclasses.asdict(tiny)


def job_of(row: dict) -> dict:
    return {field.name: row[field.name] for field in dataclasses.fields(plan.TrainJob)}


@pytest.mark.slow
@pytest.mark.parametrize("part", plan.PARTS)
def test_a_part_runs_on_the_cpu(part, tmp_path):
    done = check("--device=cpu", f"--only={part}", f"--out={tmp_path / 'out.json'}")
    assert done.code == 0, done.stdout + done.stderr
    assert "CPU: nothing below is a measurement" in done.stdout
    report = json.loads((tmp_path / "out.json").read_text())
    assert list(report["parts"]) == [part]
    assert "error" not in json.dumps(report)


@pytest.mark.slow
def test_a_run_that_ends_before_the_kill_is_no_verdict(monkeypatch):
    monkeypatch.setattr(resume, "KILL_AFTER_EPOCHS", 99)
    launcher = launch.Launcher("cpu", pictures_dir(), session_dir() / "cache", 300.0)
    assert "ended before it was killed" in resume.kill_and_resume(launcher, plan.TINY, "catdog_2")["error"]
