"""Test examples of several runs are joined by content, or refused with a line that says how many differ."""

import json

import numpy as np
import pytest

from base.errors import UserError
from jobs.finished_runs import open_runs
from jobs.joined import Joined, join_tests
from records.run_folder import RunFolder
from tests.helpers.compared_runs import CLASSES, write_pictures, write_run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


def join(*paths, data_dir="") -> Joined:
    return join_tests(open_runs(paths), data_dir, paths[0] / "cache")


def refusal(*paths) -> str:
    with pytest.raises(UserError) as caught:
        join(*paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_examples_are_joined_whatever_their_order_and_names(tmp_path, pictures):
    moved = [(f"elsewhere/{number}.png", *row[1:]) for number, row in enumerate(pictures.rows)][::-1]
    first = write_run(tmp_path / "a", pictures, wrong=[3, 7])
    other = write_run(tmp_path / "b", pictures, wrong=[len(moved) - 1 - 3, 0], rows=moved)
    joined = join(first, other)
    assert joined.right.sum(axis=1).tolist() == [28, 28]
    found = {joined.paths[row] for row in np.flatnonzero(~joined.right[0])}
    assert found == {pictures.rows[3][0], pictures.rows[7][0]}
    assert [joined.digests[row] for row in np.flatnonzero(~joined.right[0] & ~joined.right[1])] == [pictures.rows[3][2]]
    assert sorted(joined.digests) == joined.digests == sorted(row[2] for row in pictures.rows)
    assert [joined.class_names[label] for label in joined.labels] == [
        next(row[1] for row in pictures.rows if row[0] == path) for path in joined.paths
    ]


def test_columns_of_classes_in_another_order_mean_the_same(tmp_path, pictures):
    first = write_run(tmp_path / "a", pictures, wrong=[1])
    other = write_run(tmp_path / "b", pictures, wrong=[2], class_names=CLASSES[::-1])
    joined = join(first, other)
    assert joined.right.sum(axis=1).tolist() == [29, 29]
    assert joined.of_class[1][joined.right[1]].min() > 0.5


def test_examples_of_one_content_are_joined_in_their_order(tmp_path):
    pictures = write_pictures(tmp_path / "pictures", class_names=("cats",))  # the last two are alike
    first = write_run(tmp_path / "a", pictures, wrong=[28], class_names=("cats", "dogs"))
    joined = join(first, write_run(tmp_path / "b", pictures, wrong=[29], class_names=("cats", "dogs")))
    assert (joined.right[0] & ~joined.right[1]).sum() == (~joined.right[0] & joined.right[1]).sum() == 1


def test_the_key_is_of_the_examples_alone(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures, wrong=[3]) for name in "abc"]
    key = join(*paths).key
    assert key == join(paths[2], paths[0]).key
    fewer = [write_run(tmp_path / f"fewer{name}", pictures, rows=pictures.rows[1:]) for name in "ab"]
    assert join(*fewer).key != key


def test_losses_and_probabilities_are_those_of_the_tables(tmp_path, pictures):
    joined = join(write_run(tmp_path / "a", pictures, wrong=[5]), write_run(tmp_path / "b", pictures, sure=0.6))
    results = [RunFolder(tmp_path / name).results.read()["test"] for name in "ab"]
    np.testing.assert_allclose(joined.losses.mean(axis=1), [one["loss"] for one in results], rtol=1e-6)
    np.testing.assert_allclose(joined.right.mean(axis=1), [one["accuracy"] for one in results])
    np.testing.assert_allclose(np.exp(-joined.losses), joined.of_class, rtol=1e-6)


def test_an_answer_is_what_the_run_says_and_not_the_likeliest_class(tmp_path):
    pictures, names = write_pictures(tmp_path / "pictures", class_names=("cats", "dogs")), ("cats", "dogs")
    first = write_run(tmp_path / "a", pictures, wrong=[4], class_names=names, sure=0.45)  # below a half of its answers
    joined = join(first, write_run(tmp_path / "b", pictures, class_names=names))
    assert joined.right.sum(axis=1).tolist() == [29, 30]
    assert (joined.of_class[0][joined.right[0]] < 0.5).all()


def test_other_examples_are_refused_with_their_number_and_the_fix(tmp_path, pictures):
    whole = write_run(tmp_path / "whole", pictures)
    fewer = write_run(tmp_path / "fewer", pictures, rows=pictures.rows[:-3])
    fix = (
        "; train both on the same pictures with the same --split_seed, or score all of them on other pictures with "
        "--dataset=folder:PATH"
    )
    told = "'fewer' was tested on other examples than 'whole': 3 of 30 are not among its 27"
    assert refusal(whole, fewer) == told + fix
    told = "'whole' was tested on other examples than 'fewer': 3 of its 30 are not among the 27"
    assert refusal(fewer, whole) == told + fix
    changed = [(*row[:2], f"{number:064x}") if number < 4 else row for number, row in enumerate(pictures.rows)]
    assert "4 of 30 are not among its 30;" in refusal(whole, write_run(tmp_path / "changed", pictures, rows=changed))
    labelled = [(row[0], "dogs", row[2]) for row in pictures.rows]
    assert ": 20 of 30 have another label;" in refusal(whole, write_run(tmp_path / "other", pictures, rows=labelled))


def test_a_run_without_test_examples_or_without_their_table_is_refused(tmp_path, pictures):
    whole, empty = write_run(tmp_path / "a", pictures), write_run(tmp_path / "b", pictures, rows=[])
    assert refusal(whole, empty).startswith(f"'{empty}' has no test example: compare runs that have a test split, or")
    (empty / "predictions_test.csv").unlink()
    assert refusal(whole, empty).startswith(f"'{empty}' has no predictions_test.csv: put it back, or score all of them")


def damage(path, old, new):
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("predictions_test.csv", b"path,label,prediction,", b"path,prediction,label,", "is damaged (predictions_test"),
        ("predictions_test.csv", b"p(cats),p(dogs)", b"p(dogs),p(cats)", "has other classes than results.json"),
        ("predictions_test.csv", b"p(wolves)\n", b"p(wolves),p(foxes)\n", "(predictions_test.csv has 7 columns"),
        ("predictions_test.csv", b"cats,0.8,", b"cats,0.8,0.8,", "is damaged (predictions_test.csv has 6 columns and"),
        ("predictions_test.csv", b"cats,0.8,", b"cats,much,", "is damaged (could not convert"),
        ("predictions_test.csv", b"cats,0.8,", b"cats,nan,", "is damaged (probabilities holds a value that is not in"),
        ("predictions_test.csv", b"cats,0.8,", b"cats,1.8,", "is damaged (probabilities holds a value that is not in"),
        ("predictions_test.csv", b"cats/000.png", b"cats/0.png", "other test examples: they are not of one run"),
        ("predictions_test.csv", b"cats,0.8,", b"cats,0.0,", "comes to loss 0.8"),
        ("predictions_test.csv", b"cats,cats,0.8,", b"cats,dogs,0.8,", "to accuracy 0.9667, results.json says 1.0000"),
        ("predictions_test.csv", b"cats,cats,0.8,", b"cats,foxes,0.8,", "is damaged ('foxes' is not in list)"),
        ("split.csv", b"path,label,split,sha256", b"path,label,split,md5", "is not a run folder (split.csv has no"),
        ("split.csv", b"cats/000.png,cats,test,", b"cats/000.png,dogs,test,", "other test examples: they are"),
        ("split.csv", b"cats/000.png,cats,test,", b"cats/000.png,cats,test,x", "split.csv has no SHA-256 of 'cats/000"),
        ("split.csv", b"cats/000.png,cats,test,", b"/etc/passwd,cats,test,", "which is not under the data folder"),
        ("split.csv", b"cats/000.png,cats,test,", b"cats/000.png,foxes,test,", "split.csv has the label 'foxes'"),
        ("options.json", b'"dataset": ', b'"dataset": 3, "x": ', "is not a run folder (3 where a name should be)"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(name, old, new, words, tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in "ab"]
    damage(paths[1] / name, old, new)
    assert words in refusal(*paths)
    assert str(paths[1]) in refusal(*paths)


def test_a_table_of_noise_is_refused(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in "ab"]
    (paths[1] / "predictions_test.csv").write_bytes(np.random.default_rng(0).bytes(4000))
    assert f"'{paths[1]}'" in refusal(*paths)


def test_a_run_that_trained_on_test_pictures_is_told_of(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in "ab"]
    assert join(*paths).notes == []
    damage(paths[1] / "split.csv", f"{1:064x}".encode(), pictures.rows[0][2].encode())
    assert join(*paths).notes == ["b trained on the bytes of 1 of these pictures, which flatters it"]


def test_pictures_are_looked_for_where_each_run_had_them_and_where_they_are_said_to_be(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in "ab"]
    row = 7
    joined = join(*paths)
    assert joined.files[row] == [bytes(pictures.root / joined.paths[row])] * 2
    assert join(*paths, data_dir="/moved").files[row] == [f"/moved/{joined.paths[row]}".encode()] * 2
    options = json.loads((paths[1] / "options.json").read_text())
    options["data"] |= {"dataset": "tfds:mnist", "data_dir": ""}
    (paths[1] / "options.json").write_text(json.dumps(options))
    (paths[0] / "cache" / "tfds" / "mnist-1").mkdir(parents=True)
    assert bytes(paths[0] / "cache" / "tfds" / "mnist-1" / joined.paths[row]) in join(*paths).files[row]
