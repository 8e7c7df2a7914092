"""A run's folder becomes a run when its options are in it."""

from types import SimpleNamespace

from tests.helpers.runs import run_of


def test_what_was_made_for_a_run_stays_once_it_is_written_down(tmp_path):
    run = run_of(SimpleNamespace(split_rows=list), tmp_path)
    seen = []
    run.folder.keep = lambda: seen.append(run.folder.has_begun)
    run.write_down()
    assert seen == [True]
