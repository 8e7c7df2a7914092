"""What of two tables of a split is not the same."""

from records.split_changes import changed_pictures, moved_pictures
from records.tables import SplitRow

OLD = [
    SplitRow("a.jpg", "cat", "train", "1"),
    SplitRow("b.jpg", "cat", "test", "2"),
    SplitRow("c.jpg", "dog", "test", "3"),
]


def test_nothing_is_said_of_the_same_pictures_in_another_order():
    assert changed_pictures(OLD, OLD[::-1]) == moved_pictures(OLD, OLD[::-1]) == []


def test_new_gone_and_changed_ones_are_counted_and_the_first_is_named():
    new = [
        OLD[0]._replace(sha256="9"),
        OLD[1]._replace(label="dog"),
        *(SplitRow(f"{n}.jpg", "dog", "test", n) for n in "zy"),
    ]
    assert changed_pictures(OLD, new) == ["new pictures: 2, as 'y.jpg'", "gone pictures: 1, as 'c.jpg'",
                                          "changed pictures: 2, as 'a.jpg'"]  # fmt: skip


def test_one_that_moved_is_told_with_its_splits():
    new = [OLD[0], OLD[1]._replace(split="train"), OLD[2]._replace(split="validation")]
    assert changed_pictures(OLD, new) == []
    assert moved_pictures(OLD, new) == ["pictures in another split: 2, as 'b.jpg': test -> train"]
