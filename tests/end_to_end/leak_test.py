"""One long process: after hundreds of epochs it holds what it held after the first ones."""

import dataclasses
import statistics

import pytest

from tests.helpers.process_watch import files_under, watch
from tests.helpers.run_fixtures import SMALL_MODEL, read_rows, start_process, write_shapes

EPOCHS = 240
# By the end a process may hold this much more than after its first third; the history itself is a few kilobytes.
MEMORY_MARGIN = 16 << 20
THREADS_MARGIN = 8  # of the pools that come and go with every validation


@pytest.mark.slow
def test_memory_handles_and_threads_do_not_grow_over_hundreds_of_epochs(tmp_path):
    root = write_shapes(tmp_path / "pictures", {"disk": 40, "square": 40})
    run_dir = tmp_path / "run"
    flags = (f"--dataset=folder:{root}", *SMALL_MODEL, "--augment=strong", f"--epochs={EPOCHS}",
             "--global_batch_size=16", "--checkpoint_every_steps=2", f"--run_dir={run_dir}")  # fmt: skip
    looks, done = watch(start_process("train.py", *flags))
    assert done.code == 0, done.stderr
    assert len(read_rows(run_dir / "history.csv")) == EPOCHS
    assert len(looks) > 60, "too few looks to compare: let the run last longer"
    third = len(looks) // 3
    # Medians: a look may fall into a write. The end of the run, with its second model, is left out.
    early, late = (middle(part) for part in (looks[third - third // 3 : third], looks[-third : -third // 4]))
    print(f"{len(looks)} looks: {early} after a third, {late} by the end")
    assert late["memory"] <= early["memory"] + MEMORY_MARGIN
    assert late["handles"] <= early["handles"] + 1
    assert late["threads"] <= early["threads"] + THREADS_MARGIN
    files = files_under(run_dir)
    assert files["temporaries"] == 0
    assert files["events"] <= 3
    assert len(list((run_dir / "checkpoints").iterdir())) <= 4


def middle(looks) -> dict:
    """The median of each thing held."""
    rows = [dataclasses.asdict(look) for look in looks]
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}
