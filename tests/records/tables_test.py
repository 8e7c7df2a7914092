"""Tables of text: every name comes back, and a file that is no such table is told."""

import pytest

from records.tables import BAD_BATCH, LABEL_ISSUES, QUARANTINE, SLICES, SPLIT, RefusedRow, SplitRow

NAMES = ["a/with space.jpg", 'a/comma,"quote".jpg', "a/line\nbreak.jpg", "a/Icon\r.jpg", "b/caf\udce9\udcff.jpg",
         "b/日本.jpg", "b/-x.jpg", "b/[1].jpg"]  # fmt: skip


def test_every_name_comes_back(tmp_path):
    rows = [SplitRow(name, f"class of {name}", "train", "0f") for name in NAMES]
    SPLIT.write(tmp_path / "table", rows)
    assert SPLIT.read(tmp_path / "table") == rows


@pytest.mark.parametrize(
    ("table", "header"),
    [
        (SPLIT, "path,label,split,sha256\n"),
        (QUARANTINE, "path,reason\n"),
        (BAD_BATCH, "step,example_id,path,label,finite\n"),
        (LABEL_ISSUES, "rank,path,label,suggested_label,label_probability,suggested_probability,left_out_in,reason\n"),
        (SLICES, "column,slice,examples,right,accuracy,low,high,corrected_low,corrected_high,verdict\n"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_columns_have_their_names_and_a_table_without_rows_has_them_alone(table, header, tmp_path):
    table.write(tmp_path / "table", [])
    assert (tmp_path / "table").read_text() == table.beginning.decode() == header
    assert table.read(tmp_path / "table") == []


def test_columns_are_found_by_name(tmp_path):
    (tmp_path / "table").write_text("reason,more,path\nbroken,x,a.jpg\n\n")
    assert QUARANTINE.read(tmp_path / "table") == [RefusedRow("a.jpg", "broken")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "table has no column 'path'"),
        ("path,why\na.jpg,broken\n", "table has no column 'reason'"),
        ("path,reason\na.jpg\n", "table has 2 columns and a row of 1 fields"),
        ("path,reason\na.jpg,broken,3\n", "table has 2 columns and a row of 3 fields"),
        ("path,reason\n" + "x" * 200_000 + ",broken\n", "table is no table: field larger than field limit"),
    ],
)
def test_what_is_no_such_table_is_told(content, words, tmp_path):
    (tmp_path / "table").write_text(content)
    with pytest.raises(ValueError, match=words):
        QUARANTINE.read(tmp_path / "table")
