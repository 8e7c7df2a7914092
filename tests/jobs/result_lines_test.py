"""The last lines of a run's log."""

from pathlib import Path

import pytest

from jobs.result_lines import _log_dir


@pytest.mark.parametrize(
    ("run_dir", "expected"),
    [("runs/catdog/2026-01-31-120000", "runs"), ("/data/out/mine", "/data/out"), ("mine", "."), ("runs/mine", "runs")],
)
def test_tensorboard_is_sent_where_the_run_is(run_dir, expected):
    assert str(_log_dir(Path(run_dir))) == expected
