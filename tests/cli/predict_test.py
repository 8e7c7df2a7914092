"""predict.py: files and folders in, a line each out; a bad file has its reason and disturbs no other."""

import os
import shutil

import pytest

from base.files import MAX_FILE_BYTES
from cli import predict
from pipeline.sources.headers import read_header
from serving import predictor
from tests.helpers.run_fixtures import BROKEN, SHAPES, call_script, finished_run, read_rows, shapes_dir, write_shapes


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(predict, list(map(str, arguments)), monkeypatch, capfd)


@pytest.fixture
def album(tmp_path):
    """Five pictures of the test split in nested folders, a hidden file and a broken one."""
    root = tmp_path / "album"
    for number, row in enumerate(read_rows(finished_run() / "predictions_test.csv")[:50:10]):
        folder = root / "deep" if number % 2 else root
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(shapes_dir() / row["path"], folder / f"{number}{row['path'][-4:]}")
    (root / ".hidden.jpg").write_bytes(BROKEN)
    (root / "2b.jpg").write_bytes(BROKEN)
    return root


def expected() -> list[dict]:
    return read_rows(finished_run() / "predictions_test.csv")[:50:10]


def test_a_broken_file_has_its_reason_and_the_others_their_class(call, album, tmp_path):
    done = call(f"--run={finished_run()}", f"--csv={tmp_path / 'out.csv'}", album)
    assert done.code == 2
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [len(line) for line in lines].count(2) == 1
    by_stem = {line[0].split("/")[-1].split(".")[0]: line for line in lines}
    assert set(by_stem) == {"0", "1", "2", "3", "4", "2b"}
    for number, row in enumerate(expected()):
        assert by_stem[str(number)][1:] == [row["prediction"], f"{float(row[row['prediction']]):.4f}"]
    assert "JPEG" in by_stem["2b"][1]
    assert done.stderr.startswith("error: 1 of 6 files could not be classified; the first: ")
    assert done.stderr.count("\n") == 1
    check_table(read_rows(tmp_path / "out.csv"))


def test_home_is_home_in_pictures_too(call, album, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(album))
    (tmp_path / "~").symlink_to(album / "0.png" if (album / "0.png").exists() else album / "0.jpg")
    monkeypatch.chdir(tmp_path)
    assert call(f"--run={finished_run()}", "~/deep").stdout.startswith(f"{album}/deep/")
    assert call(f"--run={finished_run()}", "~").stdout.startswith("~\t")  # a file that is called so


def check_table(rows):
    assert list(rows[0]) == ["path", "prediction", "probability", *sorted(SHAPES), "reason"]
    assert len(rows) == 6
    for row in rows:
        if row["path"].endswith("2b.jpg"):
            assert "JPEG" in row["reason"]
            assert [row[name] for name in ("prediction", "probability", *SHAPES)] == [""] * 5
            continue
        said = expected()[int(row["path"].split("/")[-1][0])]
        assert (row["prediction"], row["reason"]) == (said["prediction"], "")
        for name in SHAPES:
            assert float(row[name]) == pytest.approx(float(said[name]), abs=1e-5)
        assert float(row["probability"]) == max(float(row[name]) for name in SHAPES)


def test_a_bare_saved_model_predicts_as_its_run(call, album, tmp_path):
    (album / "2b.jpg").unlink()
    from_run = call(f"--run={finished_run()}", album)
    shutil.copytree(finished_run() / "saved_model", tmp_path / "moved")
    from_model = call(f"--run={tmp_path / 'moved'}", album)
    assert from_run.code == from_model.code == 0
    assert from_run.stdout == from_model.stdout
    assert len(from_run.stdout.splitlines()) == 5


def test_files_come_in_the_order_given_and_folders_sorted(call, tmp_path):
    root = write_shapes(tmp_path, {"disk": 2, "square": 35})
    last = root / "disk" / "0001.png"
    done = call(f"--run={finished_run()}", last, root / "square", root / "disk" / "0000.jpg")
    names = [line.split("\t")[0] for line in done.stdout.splitlines()]
    squares = sorted(str(path) for path in (root / "square").iterdir())
    assert names == [str(last), *squares, str(root / "disk" / "0000.jpg")]


def test_a_file_that_only_the_decoder_refuses_disturbs_no_other(call, tmp_path):
    # A good header and a damaged body: read_header lets it pass, the graph does not, in the middle of a batch.
    root = write_shapes(tmp_path, {"disk": 6})
    path = root / "disk" / "0003.png"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    assert read_header(bytes(content)).format == "png"
    done = call(f"--run={finished_run()}", root)
    assert done.code == 2
    fields = [len(line.split("\t")) for line in done.stdout.splitlines()]
    assert fields == [3, 3, 3, 2, 3, 3]
    assert "0003.png" in done.stderr
    assert "cannot be decoded: Invalid PNG data" in done.stderr


@pytest.fixture
def strange(tmp_path) -> dict[str, str]:
    """Places of things that are no picture, with the reason for each; a picture with an odd name is among them."""
    root = tmp_path / "strange"
    (root / "sub").mkdir(parents=True)
    os.mkfifo(root / "pipe.jpg")
    (root / "sub" / "dangling.jpg").symlink_to("nowhere")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "loop").symlink_to(root)
    with open(root / "huge.png", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    shutil.copy(shapes_dir() / "disk" / "0000.jpg", root / "line\nbreak\t.jpg")
    return {"pipe.jpg": "not a regular file", "sub/dangling.jpg": "cannot be read: No such file or directory",
            "zero.png": "not a regular file", "loop": "a folder: a link to one is not followed",
            "huge.png": f"{MAX_FILE_BYTES + 1} bytes: more than", r"line\nbreak\t.jpg": ""}  # fmt: skip


@pytest.mark.timeout(100, method="thread")  # who opens the pipe waits for ever
@pytest.mark.parametrize("given", ["folder", "files"])
def test_what_is_no_file_is_refused_and_nothing_waits_for_it(given, strange, call, tmp_path):
    root = tmp_path / "strange"
    places = (
        [root] if given == "folder" else [path for path in sorted(root.rglob("*")) if path.name not in ("sub", "loop")]
    )
    done = call(f"--run={finished_run()}", *places)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    lines = {line.split("\t")[0].removeprefix(f"{root}/"): line.split("\t")[1:] for line in done.stdout.splitlines()}
    assert set(lines) == set(strange) - ({"loop"} if given == "files" else set())
    for name, fields in lines.items():
        assert fields[0].startswith(strange[name])
        assert len(fields) == (1 if strange[name] else 2)


def test_what_never_was_a_picture_is_left_aside_in_a_folder_and_judged_where_it_is_named(call, tmp_path):
    root = write_shapes(tmp_path / "album", {"disk": 2})
    (root / "disk" / "0000.json").write_text("{}")
    (root / "@eaDir").mkdir()
    shutil.copy(root / "disk" / "0000.jpg", root / "@eaDir" / "thumb.jpg")
    shutil.copy(root / "disk" / "0000.jpg", root / "disk" / "no_suffix")
    done = call(f"--run={finished_run()}", root)
    assert (done.code, len(done.stdout.splitlines())) == (0, 3)
    assert done.stderr == f"1 files are no pictures, and left aside, as {root}/disk/0000.json\n"
    named = call(f"--run={finished_run()}", root / "disk" / "0000.json")
    assert (named.code, len(named.stdout.splitlines())) == (2, 1)


def test_a_folder_that_cannot_be_read_is_refused(call, tmp_path, monkeypatch):
    root = write_shapes(tmp_path / "album", {"disk": 1, "square": 1})
    scandir = os.scandir

    def deny(path):
        if os.fsencode(path).endswith(b"square"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(predictor.os, "scandir", deny)
    done = call(f"--run={finished_run()}", root)
    assert done.code == 2
    assert [line.split("\t")[0][-8:] for line in done.stdout.splitlines()] == ["0000.jpg", "m/square"]
    assert "1 of 2 files could not be classified" in done.stderr


def test_the_classes_do_not_depend_on_how_many_files_are_held_at_a_time(call, tmp_path, monkeypatch):
    root = write_shapes(tmp_path, {"disk": 5, "square": 4})
    at_once = call(f"--run={finished_run()}", root)
    held = []
    predict_batch = predictor.Predictor._predict_batch
    monkeypatch.setattr(predictor, "_BATCH_BYTES", 5000)
    monkeypatch.setattr(
        predictor.Predictor, "_predict_batch", lambda self, files: held.append(len(files)) or predict_batch(self, files)
    )
    in_parts = call(f"--run={finished_run()}", root)
    assert at_once.code == in_parts.code == 0
    assert at_once.stdout == in_parts.stdout
    assert len(held) > 2
    assert max(held) < 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{tmp}"], ["--run is missing"]),
        (["--run={run}"], ["no picture is given"]),
        (["--run={tmp}/none", "{tmp}"], ["none' does not exist", "give a run folder"]),
        (["--run={tmp}", "{tmp}"], ["holds no SavedModel"]),
        (["--run={run}", "{tmp}/none.jpg"], ["none.jpg' does not exist", "give pictures or folders"]),
        (["--run={run}", "{tmp}/empty"], ["empty' holds no picture"]),
        (["--run={tmp}/fake", "{run}/report.html"], ["is not a SavedModel that Penstock exported"]),
        (["--run={tmp}/run[1]", "{picture}"], ["--run '", "run[1]'", "takes '[' for a pattern", "relative"]),
        (["--run={run}", "--csv={tmp}/file/out.csv", "{picture}"], ["--csv=", "cannot be written", "another file"]),
        (["--run={run}", "--csv", "{picture}", "{picture}"], ["--csv=", "is no table of predictions: give another"]),
        (["--run={run}", "--csv={tmp}/empty", "{picture}"], ["--csv=", "Is a directory", "another file"]),
        (["--run={run}", "--csv={tmp}/pipe", "{picture}"], ["pipe cannot be written: it is a device or a pipe"]),
        (["--run={run}", "--csv={tmp}/null", "{picture}"], ["null cannot be written: it is a device or a pipe"]),
        (["--run={run}", "--cvs=x", "{tmp}"], ["unknown flag --cvs: did you mean --csv?", "csv"]),
    ],
)
@pytest.mark.timeout(100, method="thread")  # who opens the pipe waits for ever
def test_mistakes_are_one_line(arguments, words, call, tmp_path):
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to(os.devnull)
    (tmp_path / "file").write_text("")
    (tmp_path / "run[1]").symlink_to(finished_run())
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "saved_model.pb").write_bytes(b"no model")
    places = {"run": finished_run(), "tmp": tmp_path, "picture": shapes_dir() / "disk" / "0000.jpg"}
    before = places["picture"].read_bytes()
    done = call(*(argument.format(**places) for argument in arguments))
    assert (done.code, done.stdout) == (2, "")
    assert places["picture"].read_bytes() == before
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_a_table_goes_where_its_link_leads(call, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "out.csv").symlink_to("tables/real.csv")
    (tmp_path / "tables" / ".incomplete-real.csv-abcd1234").write_text("of a killed process")
    for _ in range(2):
        done = call(f"--run={finished_run()}", f"--csv={tmp_path / 'out.csv'}", shapes_dir() / "disk" / "0000.jpg")
        assert (done.code, done.stderr) == (0, "")
        assert os.readlink(tmp_path / "out.csv") == "tables/real.csv"
        assert len(read_rows(tmp_path / "tables" / "real.csv")) == 1
        assert os.listdir(tmp_path / "tables") == ["real.csv"]


def test_a_table_among_the_pictures_is_none_of_them(call, tmp_path):
    root = write_shapes(tmp_path, {"disk": 2})
    (root / "disk" / "dangling.jpg").symlink_to("nowhere")
    for _ in range(2):
        done = call(f"--run={finished_run()}", f"--csv={root / 'disk' / 'out.csv'}", root)
        assert "1 of 3 files could not be classified; the first: " in done.stderr
        assert len(read_rows(root / "disk" / "out.csv")) == 3
