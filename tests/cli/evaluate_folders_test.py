"""evaluate.py on other pictures: which of a folder are meant, what is left out, and that all of it is told."""

import json
import shutil

import pytest

from cli import evaluate
from tests.helpers.run_fixtures import SHAPES, call_script, finished_run, read_rows, shapes_dir, write_shapes


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(evaluate, list(arguments), monkeypatch, capfd)


@pytest.fixture
def score(call, tmp_path):
    """score(root, *flags) -> (scores.json, the rows of predictions.csv, standard output)."""

    def score(root, *arguments):
        out = tmp_path / "out"
        done = call(f"--run={finished_run()}", f"--dataset=folder:{root}", f"--out_dir={out}", *arguments)
        assert done.code == 0, done.stderr
        return json.loads((out / "scores.json").read_text()), read_rows(out / "predictions.csv"), done.stdout

    return score


def test_the_test_split_of_a_folder_is_meant_or_the_one_that_is_asked_for(score, tmp_path):
    root = write_shapes(tmp_path / "new", {"train/disk": 4, "valid/disk": 3, "test/disk": 2, "test/square": 1}, 777)
    shutil.copy(root / "test" / "disk" / "0000.jpg", root / "test" / "loose.jpg")
    (root / "extra").mkdir()
    scores, rows, said = score(root)
    assert (scores["split"], scores["dataset"], scores["examples"]) == ("test", f"folder:{root}", 3)
    assert {row["path"].removeprefix(f"{root}/").split("/")[0] for row in rows} == {"test"}
    assert "aside: 1 not used: pictures that lie in no class folder, as 'test/loose.jpg'" in said
    assert "aside: 1 not used: folders beside the split folders, as 'extra'" in said
    assert score(root, "--split=validation")[0]["examples"] == 3
    shutil.rmtree(root / "train")
    shutil.rmtree(root / "valid")
    assert score(root)[0]["split"] == "test"
    assert score(root / "test")[0]["split"] == "all"


def test_what_the_run_trained_on_is_counted_and_left_out(score, tmp_path):
    root, run_rows = tmp_path / "mixed", read_rows(finished_run() / "split.csv")
    write_shapes(root, {"disk": 2}, 888)
    for split, count in (("train", 3), ("validation", 2), ("test", 1)):
        for number, row in enumerate([row for row in run_rows if row["split"] == split][:count]):
            (root / row["label"]).mkdir(exist_ok=True)
            shutil.copy(shapes_dir() / row["path"], root / row["label"] / f"{split}{number}")
    scores, rows, said = score(root)
    assert scores["examples"] == len(rows) == 5
    assert "trained on: 3 of 8 files have the bytes of one that trained the run; left out (--include_trained)" in said
    assert "validated on: 2 of 8 files" in said
    scores, _, said = score(root, "--include_trained")
    assert scores["examples"] == 8
    assert "the score is flattered" in said


def test_only_what_the_run_trained_on_is_no_score(call, tmp_path):
    trained = next(row for row in read_rows(finished_run() / "split.csv") if row["split"] == "train")
    (tmp_path / "old" / trained["label"]).mkdir(parents=True)
    shutil.copy(shapes_dir() / trained["path"], tmp_path / "old" / trained["label"])
    done = call(f"--run={finished_run()}", f"--dataset=folder:{tmp_path / 'old'}")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "the run trained on all 1 pictures of" in done.stderr


def test_classes_that_the_run_does_not_know_are_told_and_not_scored(score, tmp_path):
    root = write_shapes(tmp_path / "new", {"disk": 3, "square": 2}, seed=999)
    (root / "square").rename(root / "Stripes")
    scores, rows, said = score(root)
    assert scores["examples"] == 3
    assert [row["label"] for row in rows] == ["Stripes"] * 2 + ["disk"] * 3
    assert all(row["prediction"] in SHAPES for row in rows)
    assert "not scored: 2 of 'Stripes', which the run does not know; it knows 'stripes': if that is the same" in said


def test_of_many_classes_that_the_run_does_not_know_the_rest_is_counted(score, tmp_path):
    root = write_shapes(tmp_path / "new", {"disk": 3, "square": 2}, seed=998)
    (root / "square").rename(root / "Stripes")
    for number in range(12):
        shutil.copytree(root / "disk", root / f"other{number:02}")
    scores, _, said = score(root)
    assert "and 3 other classes that the run does not know, 9 pictures" in scores["notes"][-1]
    unknown = [line.strip() for line in said.splitlines() if "the run does not know" in line]
    assert (len(unknown), unknown[0][:26]) == (11, "not scored: 2 of 'Stripes'")
    assert unknown[-1] == "and 3 other classes that the run does not know, 9 pictures"


def test_a_table_gives_the_labels_of_what_is_scored(score, tmp_path):
    root = write_shapes(tmp_path / "flat", {"disk": 3}, seed=444)
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "".join(
        f"disk/{path.name},disk,{split}\n" for path, split in zip(sorted((root / "disk").iterdir()), "tvt", strict=True)
    ).replace(",t\n", ",test\n").replace(",v\n", ",val\n"))  # fmt: skip
    scores, rows, _ = score(root, f"--labels_csv={tmp_path / 'labels.csv'}")
    assert (scores["split"], scores["examples"], len(rows)) == ("test", 2, 2)


def test_two_folders_of_one_name_have_results_of_their_own(call, tmp_path):
    shutil.copytree(finished_run() / "saved_model", tmp_path / "run" / "saved_model")
    for place in ("here", "there"):
        root = write_shapes(tmp_path / place / "album", {"disk": 2}, seed=333)
        assert call(f"--run={tmp_path / 'run'}", f"--dataset=folder:{root}").code == 0
    places = sorted((tmp_path / "run" / "evaluation").iterdir())
    assert len(places) == 2
    assert all(place.name.startswith("album-all-") for place in places)
    told = {json.loads((place / "scores.json").read_text())["dataset"] for place in places}
    assert told == {f"folder:{tmp_path / place / 'album'}" for place in ("here", "there")}


def test_a_saved_model_by_itself_knows_what_its_run_trained_on_or_says_that_it_does_not(call, tmp_path):
    trained = next(row for row in read_rows(finished_run() / "split.csv") if row["split"] == "train")
    root = write_shapes(tmp_path / "new", {trained["label"]: 2}, seed=222)
    shutil.copy(shapes_dir() / trained["path"], root / trained["label"] / "trained.jpg")
    shutil.copytree(finished_run() / "saved_model", tmp_path / "alone" / "saved_model")
    for place, told in ((finished_run(), "trained on: 1 of 3 files"), (tmp_path / "alone", "trained on: not known")):
        done = call(f"--run={place / 'saved_model'}", f"--dataset=folder:{root}", f"--out_dir={tmp_path / 'out'}")
        assert done.code == 0, done.stderr
        assert told in done.stdout


def test_files_that_are_refused_are_all_counted(score, tmp_path):
    root = write_shapes(tmp_path / "new", {"disk": 2}, seed=111)
    for number in range(9):
        (root / "disk" / f"bad{number}.jpg").write_bytes(b"none")
    assert "and 4 other files that were refused" in score(root)[2]


def test_scores_of_other_labels_or_with_what_was_trained_on_stand_beside_the_others(call, tmp_path):
    shutil.copytree(finished_run() / "saved_model", tmp_path / "run" / "saved_model")
    root = write_shapes(tmp_path / "album", {"disk": 2}, seed=333)
    tables = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for table in tables:
        table.write_text("path,label\n" + "".join(f"disk/{path.name},disk\n" for path in (root / "disk").iterdir()))
    for flags in ([], ["--include_trained"], *([f"--labels_csv={table}"] for table in tables)):
        assert call(f"--run={tmp_path / 'run'}", f"--dataset=folder:{root}", *flags).code == 0
    places = (tmp_path / "run" / "evaluation").iterdir()
    told = [json.loads((place / "scores.json").read_text()) for place in places]
    assert sorted((one["labels_csv"], one["include_trained"]) for one in told) == [
        ("", False), ("", True), *((str(table), False) for table in tables)
    ]  # fmt: skip
