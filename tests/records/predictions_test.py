"""Tables of predictions: a run's own gives every bit back; the other one says why a file has none."""

import csv

import numpy as np
import pytest

from records.tables import ANSWERS_BEGINNING, LABELLED_BEGINNING, PREDICTIONS, AnswerRow, PredictionRow, write_answers


def test_a_runs_table_gives_every_bit_back_in_the_fewest_digits(tmp_path):
    values = np.array([[0.1, 1 / 3], [1.0, 1e-9]], np.float32)
    rows = [PredictionRow(f"{n}.jpg", "label", "path", row) for n, row in enumerate(values)]
    PREDICTIONS.write(tmp_path / "table", ("label", "path"), rows)
    assert (tmp_path / "table").read_text() == (
        "path,label,prediction,p(label),p(path)\n0.jpg,label,path,0.1,0.33333334\n1.jpg,label,path,1.0,0.000000001\n"
    )
    found = PREDICTIONS.read(tmp_path / "table")
    assert [row[:3] for row in found] == [row[:3] for row in rows]
    np.testing.assert_array_equal([row.probabilities for row in found], values)


@pytest.mark.parametrize("content", ["", "path,prediction,label,a\n", "path,label,prediction,a\nx.jpg,a,a,much\n"])
def test_another_table_is_none_of_a_runs(content, tmp_path):
    (tmp_path / "table").write_text(content)
    with pytest.raises(ValueError, match=r"does not begin with the columns path|could not convert"):
        PREDICTIONS.read(tmp_path / "table")


def test_answers_are_numbers_or_a_reason(tmp_path):
    good = AnswerRow("a.jpg", "dogs", 2 / 3, np.array([1 / 3, 2 / 3], np.float32), "")
    write_answers(tmp_path / "table", ("cats", "dogs"), [good, AnswerRow("b.jpg", "", 0.0, None, "no picture")])
    assert (tmp_path / "table").read_text() == (
        "path,prediction,probability,p(cats),p(dogs),reason\n"
        "a.jpg,dogs,0.66666667,0.33333334,0.66666669,\n"
        "b.jpg,,,,,no picture\n"
    )
    assert (tmp_path / "table").read_bytes().startswith(ANSWERS_BEGINNING)


def test_every_column_has_a_name_of_its_own_whatever_the_classes_are_called(tmp_path):
    names = ("label", "path", "prediction", "probability", "reason", "p(path)")
    answer = AnswerRow("a.jpg", "path", 0.5, np.full(6, 0.5, np.float32), "")
    write_answers(tmp_path / "table", names, [answer], ["reason"])
    assert (tmp_path / "table").read_bytes().startswith(LABELLED_BEGINNING)
    with open(tmp_path / "table", newline="") as file:
        reader = csv.DictReader(file)
        (row,) = reader
    assert len(set(reader.fieldnames)) == len(reader.fieldnames) == 11
    fixed = ("path", "label", "prediction", "probability", "reason")
    assert [row[name] for name in fixed] == ["a.jpg", "reason", "path", "0.5", ""]
    assert {row[f"p({name})"] for name in names} == {"0.5"}
