"""Pictures that one run has right and another wrong: found, listed, and shown from their own bytes or not at all."""

import shutil

import numpy as np
import pytest

from jobs.disagreements import content_of, disagreement_rows, groups_to_show, table_rows
from jobs.finished_runs import open_runs
from jobs.joined import join_tests
from tests.helpers.compared_runs import write_pictures, write_run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def join(tmp_path, pictures):
    """join([examples that a run has wrong], ...) -> their joined test examples."""

    def join(*wrong, pictures=pictures):
        paths = [write_run(tmp_path / f"run{number}", pictures, its) for number, its in enumerate(wrong)]
        return join_tests(open_runs(paths), "", tmp_path)

    return join


def test_of_two_runs_both_directions_are_shown(join, pictures):
    joined = join([1, 2, 3, 9], [3, 4])
    rows = disagreement_rows(joined)
    groups = groups_to_show(joined, rows, ["a", "b"])
    assert [(group.only, group.count) for group in groups] == [("a", 1), ("b", 3)]
    names = [pictures.rows[number][0] for number in (4, 1, 2, 9)]
    assert [one.path for group in groups for one in group.shown] == names  # surer, then less sure mistakes
    one = groups[0].shown[0]
    assert (one.label, [answer.prediction for answer in one.answers]) == ("dogs", ["dogs", "wolves"])
    assert [answer.is_right for answer in one.answers] == [True, False]
    assert one.image.shape == (12, 16, 3)


def test_of_more_the_most_contested_come_first_and_no_more_than_fit(join, pictures):
    joined = join([1, 2], [2], [], [*range(2, 28)])
    (group,) = groups_to_show(joined, disagreement_rows(joined), list("abcd"))
    assert (group.only, group.count, len(group.shown)) == ("", 27, 24)
    assert group.shown[0].path == pictures.rows[1][0]  # one of four is wrong, as of the others, but none is surer
    votes = [sum(answer.is_right for answer in one.answers) for one in group.shown]
    assert [min(count, 4 - count) for count in votes] == sorted([min(c, 4 - c) for c in votes], reverse=True)


def test_runs_that_agree_have_none(join):
    joined = join([1], [1])
    assert len(disagreement_rows(joined)) == 0
    assert [group.count for group in groups_to_show(joined, disagreement_rows(joined), ["a", "b"])] == [0, 0]


def test_every_disagreement_is_a_line_of_the_table(join, pictures):
    joined = join([1, 2], [2, 5])
    header, *lines = table_rows(joined, disagreement_rows(joined), ["a", "b"])
    assert header == ["path", "label", "sha256", "prediction(a)", "prediction(b)", "p(a)", "p(b)"]
    assert sorted(line[:3] for line in lines) == sorted([*pictures.rows[number]] for number in (1, 5))
    for line in lines:
        right = [line[3] == line[1], line[4] == line[1]]
        assert right == [line[0] == pictures.rows[5][0], line[0] == pictures.rows[1][0]]
        assert [float(value) > 0.5 for value in line[5:]] == right


def test_a_picture_that_is_gone_or_another_now_is_not_shown(join, tmp_path):
    pictures = write_pictures(tmp_path / "here")
    joined = join([1], [], pictures=pictures)
    (row,) = disagreement_rows(joined)
    path = pictures.root / joined.paths[row]
    content = path.read_bytes()
    assert content_of(joined, row) == content
    shutil.copy(pictures.root / joined.paths[row - 1], path)
    assert content_of(joined, row) is None
    assert groups_to_show(joined, np.array([row]), ["a", "b"])[1].shown[0].image is None
    path.unlink()
    assert content_of(joined, row) is None
    path.mkdir()
    assert content_of(joined, row) is None
