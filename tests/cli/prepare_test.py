"""prepare.py: the same tables as a run's, pictures to look at, and nothing trained."""

import os

import pytest

from base.signals import Stopped, StopRequest
from base.watch import SILENT, Watch
from cli import prepare
from jobs.options import resolve
from jobs.prepare import load_data
from tests.helpers.run_fixtures import (
    BROKEN,
    SMALL_MODEL,
    call_script,
    finished_run,
    read_rows,
    shapes_dir,
    write_shapes,
)

DATA = [f"--dataset=folder:{shapes_dir()}", "--image_size=16", "--seed=3"]


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(prepare, list(arguments), monkeypatch, capfd)


def test_the_tables_are_a_runs(call, tmp_path):
    (tmp_path / ".incomplete-samples.png-abcd1234").write_text("of a killed process")
    for _ in range(2):  # its own tables and sheets it replaces
        done = call(*DATA, f"--out_dir={tmp_path}", "--augment=strong")
        assert done.code == 0, done.stderr
    names = {"split.csv", "quarantine.csv", "left_aside.csv", "samples.png", "augmented.png", "data_report.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in ("split.csv", "quarantine.csv", "left_aside.csv"):
        assert (tmp_path / name).read_bytes() == (finished_run() / name).read_bytes()
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names if name.endswith("png"))
    assert "321 examples, 1 quarantined" in done.stdout


def test_every_file_is_an_example_or_quarantined(call, tmp_path):
    root = write_shapes(tmp_path / "few", {"disk": 8, "square": 8, "stripes": 8})
    (root / "disk" / "0001.png").write_bytes(BROKEN)  # refused by its header
    path = root / "square" / "0000.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # refused by the decoder alone
    (root / "stripes" / "copy.jpg").write_bytes((root / "disk" / "0000.jpg").read_bytes())
    done = call(f"--dataset=folder:{root}", "--image_size=16", f"--out_dir={tmp_path / 'out'}")
    assert "23 examples, 2 quarantined" in done.stdout
    assert "another class and are used all the same, as disk/0000.jpg and stripes/copy.jpg" in done.stdout
    assert len(read_rows(tmp_path / "out" / "split.csv")) == 23


def test_what_is_not_used_is_counted_listed_and_no_reason_to_stop(call, tmp_path):
    root = write_shapes(tmp_path / "few", {"disk": 5, "square": 5})
    for picture in sorted(root.rglob("*.*")):
        picture.with_suffix(".json").write_text("{}")
    (root / "disk" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (root / "loose.png").write_bytes((root / "disk" / "0001.png").read_bytes())
    done = call(f"--dataset=folder:{root}", "--image_size=16", f"--out_dir={tmp_path / 'out'}", "--on_bad_image=fail")
    assert done.code == 0, done.stderr
    assert "10 examples, 0 quarantined" in done.stdout
    assert "  aside     11 not used: no pictures, by their names and contents, as 'disk/0000.json'" in done.stdout
    assert "  aside     1 not used: pictures that lie in no class folder, as 'loose.png'" in done.stdout
    assert "  note      test: drawn, 2 of 10 pictures, because the data names no split" in done.stdout
    assert len(read_rows(tmp_path / "out" / "left_aside.csv")) == 12


def test_a_table_gives_the_labels_of_flat_pictures(call, tmp_path):
    root = write_shapes(tmp_path / "few", {"disk": 6, "square": 6})
    lines = ["label,path"]
    for path in sorted(root.rglob("*.*")):
        flat = path.rename(root / f"{path.parent.name}-{path.name}")
        lines.append(f"{path.parent.name},{flat.name}")
    for name in ("disk", "square"):
        (root / name).rmdir()
    (tmp_path / "labels.csv").write_text("\n".join([*lines, "disk,gone.jpg"]))
    done = call(f"--dataset=folder:{root}", f"--labels_csv={tmp_path / 'labels.csv'}", "--image_size=16",
                f"--out_dir={tmp_path / 'out'}")  # fmt: skip
    assert done.code == 0, done.stderr
    assert "12 examples, 1 quarantined" in done.stdout
    assert "refused   gone.jpg: not there: line 14 of labels.csv names it" in done.stdout
    rows = read_rows(tmp_path / "out" / "split.csv")
    assert {(row["path"].partition("-")[0], row["label"]) for row in rows} == {("disk", "disk"), ("square", "square")}


def test_options_reach_the_sheets_and_the_split(call, tmp_path):
    plain = call(*DATA, f"--out_dir={tmp_path / 'plain'}", "--augment=none")
    strong = call(*DATA, f"--out_dir={tmp_path / 'strong'}", "--augment=strong", "--full_train", "--split_seed=9")
    assert plain.code == strong.code == 0
    sheets = [(tmp_path / name / "augmented.png").read_bytes() for name in ("plain", "strong")]
    assert sheets[0] != sheets[1]
    tables = [read_rows(tmp_path / name / "split.csv") for name in ("plain", "strong")]
    homes = [{row["path"]: row["split"] for row in table} for table in tables]
    assert set(homes[1].values()) == {"train", "test"}
    assert any(homes[0][path] == "test" and homes[1][path] == "train" for path in homes[0])


@pytest.mark.usefixtures("threads_as_they_are")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (DATA, ["--out_dir is missing"]),
        (["--out_dir={tmp}/out"], ["--dataset is missing"]),
        ([*DATA, "--out_dir={tmp}/file/out"], ["--out_dir=", "cannot be written", "give another folder"]),
        ([*DATA, f"--out_dir={shapes_dir()}/out"], ["--out_dir '", "shapes/out' lies in the data folder"]),
        ([*DATA, f"--out_dir={finished_run()}"], ["is a run folder", "give another folder"]),
        ([*DATA, "--out_dir={tmp}/mine"], ["mine holds 'split.csv', which this script did not write: give"]),
        ([*DATA, "--out_dir={tmp}/out", SMALL_MODEL[1]], ["--filters: prepare.py has no such flag"]),
        (
            [*DATA, "--out_dir={tmp}/out", "--model=mobilenet_v2", "--weights=imagenet"],
            ["--weights=imagenet: only --probe has a use for weights"],
        ),
        (
            [*DATA, "--out_dir={tmp}/out", "--probe"],
            ["--probe: residual_small would start from random weights", "give --model=mobilenet_v2 --weights=imagenet"],
        ),
        (
            [
                *DATA,
                "--out_dir={tmp}/out",
                "--probe",
                f"--weights={finished_run()}",
                "--model=catdog_1",
                "--image_size=32",
            ],
            ["--model=catdog_1: it has no layer 'pool'", "use residual_small or a keras.applications backbone"],
        ),
        (
            [
                *DATA,
                "--out_dir={tmp}/out",
                "--probe",
                "--model=mobilenet_v2_035",
                "--weights={tmp}/file.h5",
                "--image_size=32",
            ],
            ["--weights='{tmp}/file.h5': there is no such file"],
        ),
        (
            [*DATA, "--out_dir={tmp}/theirs", "--probe", "--weights=imagenet", "--model=mobilenet_v2_035"],
            ["theirs holds 'probe.csv', which this script did not write"],
        ),
        ([*DATA, "--out_dir={tmp}/out", "--rotate_degrees=999"], ["--rotate_degrees=999", "from 0 to 180"]),
        ([*DATA, "--out_dir={tmp}/out", "--folds=5"], ["--folds=5: this looks at one of them", "--fold=1 to 5"]),
    ],
)
def test_mistakes_are_one_line(arguments, words, call, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "probe.csv").write_text("voltage\n3\n")
    (tmp_path / "mine" / "split.csv").write_text("picture,split\na.jpg,train\n")
    done = call(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert done.code == 2
    assert (tmp_path / "mine" / "split.csv").read_text() == "picture,split\na.jpg,train\n"
    assert os.listdir(tmp_path / "mine") == ["split.csv"]
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word.format(tmp=tmp_path) in done.stderr


def test_a_run_that_is_asked_to_stop_while_it_decodes_stops_there(tmp_path):
    stop = StopRequest()

    class StopAsDecodingStarts(Watch):
        def progress(self, done, total, doing, note=""):
            if doing == "decoding":
                stop.signal_name = "SIGTERM"

    options = resolve(f"folder:{shapes_dir()}", {"image_size": 16})
    with pytest.raises(Stopped, match="SIGTERM: stopped before the first step"):
        load_data(options, tmp_path, StopAsDecodingStarts(stop))
    assert not list((tmp_path / "packs").iterdir())
    assert len(load_data(options, tmp_path, SILENT).manifest) == 321
