"""A table of values: which column holds the paths, whose values are whose, and what each doubt is told."""

import os

import pytest

from base.errors import UserError
from pipeline.sources.values_csv import read_values

FILES = [b"a.jpg", b"deep/b.png", b"c.jpg"]


def read(tmp_path, content: str | bytes, name: str = "more.csv"):
    (tmp_path / "flat").mkdir(exist_ok=True)
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
    return read_values("--slices", path, tmp_path / "flat")


@pytest.mark.parametrize(
    "content",
    [
        "path,camera,depth\na.jpg,x,1.5\ndeep/b.png,y,\nc.jpg,,2\n",
        "camera;Path;depth\r\nx;a.jpg;1.5\r\ny;deep\\b.png;\r\n;c.jpg;2\r\n",
        "picture\tcamera\tdepth\n{root}/a.jpg\tx\t1.5\n{root}/deep/b.png\ty\t\nflat/c\t\t2\n",
        "\ufeffCamera,depth,image_id\nx,1.5,a\ny,,deep/b\n,2,c\n",
    ],
)
def test_each_picture_has_its_own_values(content, tmp_path):
    table = read(tmp_path, content.format(root=tmp_path / "flat"))
    columns, notes = table.values_of(FILES)
    assert columns == {"camera": ["x", "y", ""], "depth": ["1.5", "", "2"]}
    assert notes == []
    assert table.values_of(FILES[::-1])[0]["camera"] == ["", "y", "x"]


def test_what_the_table_lacks_and_has_besides_is_counted(tmp_path):
    table = read(tmp_path, "path,camera\na.jpg,x\nelse.jpg,y\nother.jpg,z\n")
    columns, notes = table.values_of(FILES)
    assert columns == {"camera": ["x", "", ""]}
    assert notes == ["more.csv: 2 pictures are not in it", "more.csv: 2 of its lines are of others"]


def test_names_that_are_no_utf_8_and_unicode_spellings_are_found(tmp_path):
    table = read(tmp_path, "path,camera\ncaf\udce9.jpg,x\ncafe\u0301.jpg,y\n")
    files = [b"caf\xe9.jpg", os.fsencode("caf\u00e9.jpg")]
    assert table.values_of(files)[0] == {"camera": ["x", "y"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: its first line must name the columns: path, then"),
        ("path,camera\n", "has only its first line: give a line a picture"),
        ("path\na.jpg\n", "line 1: it names 'path' alone, and no column of values"),
        ("path,camera,camera\na.jpg,1,2\n", "line 1: it names 'camera' twice: keep one of them"),
        ("path,,camera\na.jpg,1,2\n", "line 1: a column has no name"),
        ("path,camera\na.jpg\n", "line 2: 1 fields, and the first line has 2"),
        ("path,camera\na.jpg,x\n,y\n", "line 3: no path"),
        ("path,camera\na.jpg,x\na.jpg,y\n", "line 3: 'a.jpg' has other values here than in line 2"),
        ("path,camera\n../../b.jpg,x\n", "line 2: '../../b.jpg' does not lie in the data folder"),
        ('path,camera\n"a.jpg,x\n', "is no table"),
        (b"\x89PNG\x00", "is no table"),
    ],
)
def test_what_leaves_a_doubt_is_told_in_one_line(content, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(f"--slices={tmp_path / 'more.csv'}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,camera\nx.jpg,2\ny.jpg,1\n",
         r"names none of the 3 pictures that are scored, as 'a.jpg'; its first is 'x.jpg': give paths as predictions"),
        ("path,camera\na.jpg,1\nflat/a.jpg,2\n", r"lines 2 and 3 both name 'a.jpg': keep one of them"),
    ],
)  # fmt: skip
def test_tables_of_other_pictures_are_told(content, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content).values_of(FILES)
    assert len(str(caught.value).splitlines()) == 1


def test_a_table_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"--slices=.*none.csv cannot be read: No such file"):
        read_values("--slices", tmp_path / "none.csv", tmp_path)


def test_the_same_line_twice_is_no_doubt(tmp_path):
    columns, _ = read(tmp_path, "path,camera\na.jpg,x\na.jpg,x\n").values_of(FILES)
    assert columns == {"camera": ["x", "", ""]}
