"""history.csv: a column a figure, and every bit of it."""

from records.history import COLUMNS, read_history, write_history


def test_the_file_has_a_column_a_figure_and_gives_every_bit_back(tmp_path):
    first = dict.fromkeys(COLUMNS, 0.01) | {"validation_accuracy": 0.1 + 0.2, "validation_loss": 1 / 3}
    second = first | {"step": 20, "validation_accuracy": None, "validation_loss": None}
    write_history(tmp_path / "history.csv", [first, second])
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[2].startswith("0.01,20,0.01,0.01,,,0.01,")
    assert read_history(tmp_path / "history.csv") == [first, second]
