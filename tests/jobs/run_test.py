"""A run's folder becomes a run when its options are in it; how many replicas may share its batches."""

from types import SimpleNamespace

import pytest

from base.errors import UserError
from jobs.run import check_shares
from tests.helpers.runs import run_of


def test_what_was_made_for_a_run_stays_once_it_is_written_down(tmp_path):
    run = run_of(SimpleNamespace(split_rows=list), tmp_path)
    seen = []
    run.folder.keep = lambda: seen.append(run.folder.has_begun)
    run.write_down()
    assert seen == [True]


def test_replicas_share_the_batches_that_a_run_has_and_not_those_that_were_asked_for():
    check_shares(64, 24, 3)
    check_shares(64, None, 2)
    with pytest.raises(
        UserError, match=r"--replicas=5: the run that goes on has batches of 24 examples, .* divides 24"
    ):
        check_shares(500, 24, 5)
    with pytest.raises(UserError, match="--global_batch_size=64 cannot be shared by 3 replicas"):
        check_shares(64, None, 3)
