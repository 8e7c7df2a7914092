"""history.csv: a column a figure, and every bit comes back."""

from records.history import COLUMNS, HISTORY


def test_every_row_comes_back_bit_for_bit(tmp_path):
    row = dict.fromkeys(COLUMNS, 1e-300) | {
        "epoch": 1,
        "step": 10,
        "phase": "head",
        "validation_accuracy": 0.1 + 0.2,
        "loss": 1 / 3,
    }
    history = [row, row | {"epoch": 2, "step": 20, "validation_loss": None, "validation_accuracy": None}]
    HISTORY.write(tmp_path / "history.csv", history)
    read = HISTORY.read(tmp_path / "history.csv")
    assert read == history
    assert [type(value) for value in read[0].values()] == [int, int, str, *[float] * (len(COLUMNS) - 3)]


def test_the_file_is_a_table_with_empty_fields_where_a_split_is_missing(tmp_path):
    row = dict.fromkeys(COLUMNS, 0.5) | {
        "epoch": 1,
        "step": 20,
        "phase": "all",
        "validation_loss": None,
        "validation_accuracy": None,
    }
    # In another order, and with a figure that has no column.
    HISTORY.write(tmp_path / "history.csv", [{"more": 1} | dict(reversed(row.items()))])
    first, second = (tmp_path / "history.csv").read_text().splitlines()
    assert first == ",".join(COLUMNS)
    assert second.startswith("1,20,all,0.5,0.5,,,0.5,")
