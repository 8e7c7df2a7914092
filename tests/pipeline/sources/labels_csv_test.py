"""A table of labels: which forms are read, which file a line means, and what each doubt is told."""

import os

import pytest

from base.errors import UserError
from pipeline.sources.catalog import open_catalog
from pipeline.sources.index import build_index
from pipeline.sources.labels_csv import read_labels


def read(tmp_path, content: str | bytes, name="labels.csv"):
    """The table `content`, at `name` beside the data folder tmp_path/flat."""
    (tmp_path / "flat").mkdir(exist_ok=True)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
    return read_labels(path, tmp_path / "flat")


def rows_of(table) -> list[tuple]:
    return [(os.fsdecode(path), *row) for path, row in table.rows.items()]


TWO = [("a.jpg", "cat", "", 2), ("b.jpg", "dog", "", 3)]


@pytest.mark.parametrize(
    "content",
    [
        "path,label\na.jpg,cat\nb.jpg,dog\n",
        "label,path\ncat,a.jpg\ndog,b.jpg",
        "Label;weight;Path\r\ncat;3;a.jpg\r\ndog;4;b.jpg\r\n",
        "filename\tclass\na.jpg\tcat\nb.jpg\tdog\n",
        '"path", "label"\n"a.jpg", "cat"\n"b.jpg", dog \n\n,\n',
        "\ufeffpath,label\na.jpg,cat\nb.jpg,dog\n",
        "path,label\na.jpg,cat\nb.jpg,dog\n".encode("utf-16"),
    ],
)
def test_any_order_any_delimiter_any_usual_encoding(content, tmp_path):
    table = read(tmp_path, content)
    assert rows_of(table) == TWO
    assert table.class_names == ("cat", "dog")


def test_splits_by_every_usual_name(tmp_path):
    table = read(tmp_path, "path,label,split\na.jpg,cat,Train\nb.jpg,dog,val\nc.jpg,dog,testing\n")
    assert [row.split for row in table.rows.values()] == ["train", "validation", "test"]


def test_names_of_two_systems_are_one_class(tmp_path):
    table = read(tmp_path, "path,label\na.jpg,caf\u00e9\nb.jpg,cafe\u0301\nc.jpg,tea\n")
    assert table.class_names == ("caf\u00e9", "tea")


@pytest.mark.parametrize(
    ("name", "written", "file"),
    [
        ("labels.csv", "deep/a.jpg", "deep/a.jpg"),
        ("labels.csv", "./deep//a.jpg", "deep/a.jpg"),
        ("labels.csv", "deep\\a.jpg", "deep/a.jpg"),
        ("labels.csv", "deep/a", "deep/a.jpg"),
        ("labels.csv", "flat/deep/a.jpg", "deep/a.jpg"),
        ("flat/deep/labels.csv", "a.jpg", "deep/a.jpg"),
        ("tables/labels.csv", "../flat/deep/a.jpg", "deep/a.jpg"),
        ("labels.csv", "{root}/deep/a.jpg", "deep/a.jpg"),
        ("labels.csv", "caf\udce9.jpg", "caf\udce9.jpg"),
    ],
)
def test_what_a_path_may_mean(name, written, file, tmp_path):
    table = read(tmp_path, f"path,label\n{written.format(root=tmp_path / 'flat')},cat\nother.jpg,dog\n", name)
    found = table.find([os.fsencode(file), b"unnamed.jpg"])
    assert {os.fsdecode(path): row.class_name for path, row in found.items()} == {file: "cat"}


def test_a_path_that_is_there_as_written_is_meant_before_any_other(tmp_path):
    table = read(tmp_path, "path,label\na,cat\nflat/b.jpg,dog\n")
    assert list(table.find([b"a", b"a.jpg", b"b.jpg", b"flat/b.jpg"])) == [b"a", b"flat/b.jpg"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.jpg,cat\nb.jpg,dog\n", "line 1: it names a.jpg, cat: its first line must name the columns path and label"),
        ("", "is empty: its first line must name"),
        ("path,label\n", "has only its first line: give a line a picture"),
        ("path,label\na.jpg,cat\nb.jpg,\n", "line 3: no label"),
        ("path,label\na.jpg,cat\n,dog\n", "line 3: no path"),
        ("path,label\na.jpg,cat\nb.jpg\n", "line 3: 1 fields, and the first line has 2"),
        ("path,label\na.jpg,cat\na.jpg,dog\n", "line 3: 'a.jpg' is .*dog.* here and .*cat.* in line 2"),
        ("path,label,split\na.jpg,cat,train\nb.jpg,dog,later\n", "line 3: split 'later': it must be train, valid"),
        ("path,label,split\na.jpg,cat,train\nb.jpg,dog,\n", "line 3: no split, where other lines have one"),
        ("path,label\na.jpg,cat\n../../b.jpg,dog\n", "line 3: '../../b.jpg' does not lie in the data folder"),
        ("path,label\na.jpg,cat\n/etc/passwd,dog\n", "line 3: '/etc/passwd' does not lie in the data folder"),
        ("path,label\na.jpg,c\udcff\nb.jpg,dog\n", r"line 2: the label 'c\\xff' is no UTF-8"),
        ('path,label\n"a.jpg,cat\nb.jpg,dog\n', "is no table"),
        (b"\xff\xfe\x00", "is no table"),
    ],
)
def test_what_leaves_a_doubt_is_told_in_one_line(content, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert len(str(caught.value).splitlines()) == 1
    assert str(tmp_path / "labels.csv") in str(caught.value)


def test_two_lines_for_one_file_are_refused(tmp_path):
    table = read(tmp_path, "path,label\na.jpg,cat\nflat/a.jpg,dog\n")
    with pytest.raises(UserError, match=r"lines 2 and 3 both name 'a.jpg': keep one of them"):
        table.find([b"a.jpg"])


def test_a_table_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"--labels_csv=.*none.csv cannot be read: No such file"):
        read_labels(tmp_path / "none.csv", tmp_path)


@pytest.fixture
def look(tmp_path, picture_tree):
    """look(table, counts) -> (catalog, manifest) of the pictures in `counts`, labelled by the text `table`."""

    def look(table: str, counts: dict, name="pictures/labels.csv"):
        root = picture_tree(counts, suffixes=(".png",))
        (tmp_path / name).write_text(table)
        catalog = open_catalog(f"folder:{root}", "", tmp_path / "cache", labels_csv=str(tmp_path / name))
        return catalog, build_index(catalog, tmp_path / "cache", 1)

    return look


def test_a_table_gives_labels_and_splits_to_pictures_that_lie_anywhere(look):
    table = "split,path,label\n" + "".join(
        f"{split},{path},{label}\n"
        for split, path, label in (
            ("train", "0002.png", "dog"), ("train", "deep/0000.png", "cat"), ("test", "0000.png", "cat"),
            ("val", "deep/0001.png", "dog"),
        )
    )  # fmt: skip
    catalog, manifest = look(table, {".": 4, "deep": 2})
    assert catalog.class_names == ("cat", "dog")
    assert catalog.named_splits == (("test", b""), ("train", b""), ("validation", b""))
    rows = zip(manifest.paths, manifest.labels.tolist(), manifest.given_splits.tolist(), strict=True)
    assert list(rows) == [
        (b"0000.png", 0, 2), (b"deep/0000.png", 0, 0), (b"0002.png", 1, 0), (b"deep/0001.png", 1, 1),
    ]  # fmt: skip
    # The table itself is used; what it does not name is not, and that is told.
    assert manifest.aside == (
        (b"0001.png", "no line of labels.csv names it"), (b"0003.png", "no line of labels.csv names it"),
    )  # fmt: skip
    assert manifest.quarantine == ()


def test_a_picture_that_is_named_and_not_there_counts_as_bad(look):
    catalog, manifest = look("path,label\n0000.png,cat\n0001.png,dog\ngone.png,dog\n", {".": 2})
    assert manifest.quarantine == ((b"gone.png", "not there: line 4 of labels.csv names it"),)
    assert catalog.table.labels_of([b"gone.png", b"0000.png"]) == {b"gone.png": 1, b"0000.png": 0}


def test_the_same_examples_are_the_same_run_however_the_table_spells_them(look):
    _, one = look("path,label\n0000.png,cat\n0001.png,dog\n", {".": 2})
    _, other = look("label;file\ndog;./0001\ncat;pictures/0000.png\n", {".": 2}, "labels.csv")
    assert one.sha256 == other.sha256


def test_a_table_of_one_label_is_nothing_to_train_on(look):
    with pytest.raises(UserError, match="has one label, 'cat': a classifier needs two or more"):
        look("path,label\n0000.png,cat\n", {".": 2})


def test_a_table_of_a_data_set_that_has_labels_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--labels_csv=x\.csv: --dataset=catdog has its own labels"):
        open_catalog("catdog", "", tmp_path, labels_csv="x.csv")


@pytest.mark.parametrize("name", ["phase", "data set", "fold", "usage"])
def test_a_column_that_holds_names_of_splits_alone_is_that_of_the_splits(name, tmp_path):
    table = read(tmp_path, f"path,label,{name}\na.jpg,cat,Train\nb.jpg,dog,VAL\n")
    assert [row.split for row in table.rows.values()] == ["train", "validation"]
    assert table.notes == (
        f"labels.csv: path from column 'path', label from column 'label', split from column {name!r}",
    )
    other = read(tmp_path, f"path,label,{name}\na.jpg,cat,train\nb.jpg,dog,1\n")
    assert [row.split for row in other.rows.values()] == ["", ""]
    assert other.notes[0].endswith(f"; not read: {name}")


@pytest.mark.parametrize("header", ["Image Path,Class Name", "image_name,labels", "Filename,ClassId", "img,target"])
def test_columns_by_other_usual_names(header, tmp_path):
    assert rows_of(read(tmp_path, f"{header}\na.jpg,cat\nb.jpg,dog\n")) == TWO


def test_files_are_found_however_unicode_spells_their_names(tmp_path):
    table = read(tmp_path, "path,label\ncafe\u0301.jpg,cat\ncaf\u00e9 2,dog\n")
    found = table.find(["caf\u00e9.jpg".encode(), "cafe\u0301 2.jpg".encode()])
    assert [row.class_name for row in found.values()] == ["cat", "dog"]


def test_a_path_through_a_link_to_the_data_folder_is_in_it(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "flat")
    table = read(tmp_path, f"path,label\n{tmp_path}/link/a.jpg,cat\n{tmp_path}/flat/b.jpg,dog\n")
    assert sorted(table.find([b"a.jpg", b"b.jpg"])) == [b"a.jpg", b"b.jpg"]


def test_pictures_in_a_folder_that_is_a_link_are_found(look, tmp_path, picture_tree):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "linked").symlink_to(picture_tree({".": 2}, "elsewhere", suffixes=(".png",)))
    _, manifest = look("path,label\nlinked/0000.png,cat\nlinked/0001.png,dog\n", {})
    assert (list(manifest.paths), manifest.aside) == ([b"linked/0000.png", b"linked/0001.png"], ())


def test_a_table_of_another_folder_is_told_the_folder(look):
    told = r"none of its 2 pictures .* '0000.png' of line 2; there is 'deep/0000.png': give --dataset=folder:.*/deep$"
    with pytest.raises(UserError, match=told):
        look("path,label\n0000.png,cat\n0001.png,dog\n", {"deep": 2})


def test_a_file_whose_name_differs_by_case_is_told(look):
    _, manifest = look("path,label\n0000.png,cat\n0001.PNG,dog\n0002.png,dog\n", {".": 3})
    assert manifest.quarantine == ((b"0001.PNG", "not there: line 3 of labels.csv names it; there is '0001.png'"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4\x14\0\0\0,\n", "is no table .it holds NUL bytes.*: save it as CSV"),
        ("path,\x1b[31mname\na,b\n", r"it names path, \\x1b\[31mname: its first line"),
        ("path,label,label\na.jpg,cat,dog\n", "line 1: it names 'label' twice"),
        ("path,label\na.jpg,cat\na.jpg,dog\n", "line 3: 'a.jpg' is 'dog' here and 'cat' in line 2"),
    ],
)
def test_words_about_a_table_are_no_programs_words(content, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(tmp_path, content)
