"""prepare.py --probe: what a linear head reaches, cross-validated, and nothing trained."""

import json

import pytest

from cli import prepare
from tests.helpers.run_fixtures import (
    call_script,
    read_rows,
    run_script,
    shapes_dir,
    write_shapes,
)


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(prepare, list(arguments), monkeypatch, capfd)


@pytest.fixture
def probed(threads_as_they_are, shared_data) -> list[str]:
    """The flags of a quick probe of real weights."""
    weights = shared_data / "weights" / "mobilenet_v2_0.35_224_no_top.weights.h5"
    return ["--probe", "--model=mobilenet_v2_035", f"--weights={weights}", "--image_size=32"]


def test_a_probe_says_what_a_linear_head_reaches(call, probed, tmp_path):
    done = call(f"--dataset=folder:{shapes_dir()}", *probed, f"--out_dir={tmp_path}")
    assert done.code == 0, done.stderr
    figures = json.loads((tmp_path / "probe.json").read_text())
    rows = read_rows(tmp_path / "probe.csv")
    split = {row["path"]: row for row in read_rows(tmp_path / "split.csv")}
    assert {row["path"] for row in rows} == {path for path, row in split.items() if row["split"] != "test"}
    assert all(row["label"] == split[row["path"]]["label"] for row in rows)
    right = sum(row["label"] == row["prediction"] for row in rows)
    assert figures["accuracy"] == right / len(rows) > 0.5
    assert figures["examples"] == len(rows) == sum(map(sum, figures["confusion"]))
    assert (figures["folds"], len(figures["strengths"])) == (5, 5)
    low, high = figures["accuracy_interval"]
    assert low < figures["accuracy"] < high
    assert f"probe       accuracy {figures['accuracy']:.4f} ({low:.4f} to {high:.4f})" in done.stdout
    for one in figures["classes"]:
        assert f"  {one['name']}: recall {one['recall']:.4f}" in done.stdout
    worst = figures["confused"][0]
    assert f"  confused  {worst['examples']} of " in done.stdout
    assert "computed in" in done.stdout
    written = done.stdout.rstrip().removesuffix(", suspicious_labels.png")  # where there are such
    assert written.endswith("augmented.png, data_report.html, probe.json, probe.csv, suspicious_labels.csv")
    doubts, by_path = read_rows(tmp_path / "suspicious_labels.csv"), {row["path"]: row for row in rows}
    assert {row["path"] for row in doubts} == {row["path"] for row in rows if row["label"] != row["prediction"]}
    for row in doubts:
        told = by_path[row["path"]]
        for name, share in (("label", "label_probability"), ("suggested_label", "suggested_probability")):
            assert float(row[share]) == pytest.approx(float(told[f"p({row[name]})"]), abs=1e-4)
    assert {row["left_out_in"] for row in doubts} <= {f"fold {number}" for number in range(1, 6)}
    assert f" of {len(rows)} labels " in done.stdout
    page = (tmp_path / "data_report.html").read_text()
    assert 'id="suspicious"' in page
    assert f"{100 * figures['accuracy']:.2f}%" in page

    again = call(f"--dataset=folder:{shapes_dir()}", *probed, f"--out_dir={tmp_path}")  # its own files it replaces
    assert "computed before" in again.stdout
    assert read_rows(tmp_path / "probe.csv") == rows


def test_a_probe_never_looks_at_the_test_split(call, probed, tmp_path):
    root = write_shapes(
        tmp_path / "few", {f"{split}/{name}": 12 for split in ("train", "val") for name in ("disk", "square")}
    )
    write_shapes(root, {"test/disk": 6, "test/square": 6}, seed=50)
    tables = []
    for number in range(2):
        out = tmp_path / str(number)
        assert call(f"--dataset=folder:{root}", *probed, f"--out_dir={out}").code == 0
        tables.append(read_rows(out / "probe.csv"))
        for name, other in (("disk", "square"), ("square", "disk")):  # labels of the test split that are all wrong
            (root / "test" / name).rename(root / "test" / f"{other}-")
        for name in ("disk", "square"):
            (root / "test" / f"{name}-").rename(root / "test" / name)
    assert tables[0] == tables[1]
    assert len(tables[0]) == 48


def test_small_classes_and_weights_that_know_the_pictures_are_said(call, probed, tmp_path):
    root = write_shapes(tmp_path / "few", {"train/disk": 9, "train/square": 9, "train/stripes": 2})
    write_shapes(root, {"val/disk": 3}, seed=50)
    done = call(f"--dataset=folder:{root}", *probed, f"--out_dir={tmp_path / 'out'}")
    assert (
        "  note      'stripes' has 2 different pictures: in some of the 3 folds there is nothing of it" in done.stdout
    )
    for name, more in (("run", ()), ("narrow", ("--filters=4",))):
        trained = run_script("train.py", f"--dataset=folder:{root}", *more, "--image_size=32", "--epochs=1",
                             f"--run_dir={tmp_path / name}")  # fmt: skip
        assert trained.code == 0, trained.stderr
    flags = [f"--dataset=folder:{root}", "--probe", "--image_size=32", f"--out_dir={tmp_path / 'out'}"]
    done = call(*flags, f"--weights={tmp_path / 'run'}")
    assert done.code == 0, done.stderr
    assert "were trained on 20 of 23 pictures: the figures are flattered" in done.stdout, done.stdout
    done = call(*flags, f"--weights={tmp_path / 'narrow'}")
    assert done.code == 2
    assert "do not fit residual_small, and would be random: give the --model of that run" in done.stderr
