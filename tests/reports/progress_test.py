"""What a run says: lines as they are, a bar on terminals alone."""

import io
import sys

import pytest
from rich.console import Console

from reports.progress import Terminal


@pytest.mark.parametrize(
    "line",
    [
        "data in [train] and [/] and [bold]x[/bold]",
        "a folder :cat: and :warning:",
        "C:\\new\\[x]",
        "caf\u00e9 \u732b",
        "x" * 500,
        "two  spaces\tand a tab",
        "",
    ],
)
def test_a_line_comes_out_as_it_is(line, capsys):
    Terminal().say(line)
    assert capsys.readouterr().out.expandtabs() == line.expandtabs() + "\n"


def test_nothing_moves_where_there_is_no_terminal(capsys):
    terminal = Terminal()
    terminal.progress(5, 10, "epoch 1/2", "100 images/s")
    terminal.close()
    terminal.close()
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_bar_with_note_and_lines_above_it(monkeypatch):
    terminal = Terminal()
    screen = io.StringIO()
    terminal._console = Console(file=screen, force_terminal=True, width=120)
    terminal.progress(5, 10, "epoch 1/2", "100 images/s")
    terminal.say("a line")
    terminal.close()
    shown = screen.getvalue()
    for words in ("epoch 1/2", "5/10", "100 images/s", "a line"):
        assert words in shown


def test_a_log_on_a_full_disk_does_not_cost_the_run(monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")

    full = Full()
    monkeypatch.setattr(sys, "stdout", full)
    terminal = Terminal()
    for number in range(3):
        terminal.say(f"line {number}")
    assert full.getvalue().startswith("line 0\n")
