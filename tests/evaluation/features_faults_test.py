"""Features that are damaged, interrupted, wanted twice, or for which there is no room."""

import dataclasses
import errno
import itertools
import shutil
import signal

import numpy as np
import pytest

from base import durable, locks
from base.errors import UserError
from base.signals import Stopped, StopRequest
from base.watch import Watch
from evaluation import features
from evaluation.features import open_or_build_features
from models.options import ModelOptions
from models.zoo import build_model
from tests.helpers.features import IDENTITY, OPTIONS, explode, kept, load
from tests.helpers.run_fixtures import run_code
from tests.helpers.storage import file_size_limit
from tests.helpers.watches import Recording


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
@pytest.mark.parametrize("name", ["features.bin", "checksums.npz"])
def test_damaged_ones_are_computed_again(model, data, cache_dir, name, damage):
    built = np.array(open_or_build_features(model, data, cache_dir, IDENTITY))
    folder = cache_dir / "features" / kept(cache_dir)[0]
    content = bytearray((folder / name).read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 4
    (folder / name).write_bytes({"cut": content[:-1], "flip": content}.get(damage, b""))
    if damage == "gone":
        (folder / name).unlink()
    watch = Recording()
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), built)
    assert watch.lines[0] == f"features    {folder} is damaged: computing them again"
    assert kept(cache_dir) == [folder.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_midway_leaves_nothing(model, data, cache_dir, error):
    asked = itertools.count(1)

    def stop():
        if next(asked) == 2:
            raise error

    with pytest.raises(error):
        open_or_build_features(model, data, cache_dir, IDENTITY, Recording(stop))
    assert kept(cache_dir) == []


def test_a_stop_is_heard_between_two_batches(model, data, cache_dir):
    stop = StopRequest()

    class StopAtTheFirst(Watch):
        def progress(self, done, total, doing, note=""):
            stop.signal_name = "SIGTERM"

    with pytest.raises(Stopped, match="SIGTERM"):
        open_or_build_features(model, data, cache_dir, IDENTITY, StopAtTheFirst(stop))
    assert kept(cache_dir) == []


KILLED = """
import sys
from pathlib import Path
from base import kill_points
from evaluation.features import open_or_build_features
from tests.helpers.features import IDENTITY, load, model_of
kill_points.arm(sys.argv[3])
root, cache_dir = Path(sys.argv[1]), Path(sys.argv[2])
open_or_build_features(model_of(), load(root, cache_dir), cache_dir, IDENTITY)
"""


@pytest.mark.parametrize("point", ["features.batch:1", "features.batch:2", "folder.written:1", "folder.renamed:1"])
def test_killed_anywhere_the_next_one_has_the_same_bits(point, model, root, data, cache_dir, tmp_path):
    whole = open_or_build_features(model, data, tmp_path / "whole", IDENTITY)
    done = run_code(KILLED, str(root), str(cache_dir), point)
    assert done.code == -signal.SIGKILL, done.stderr
    watch = Recording()
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), whole)
    assert ("computed before" in watch.lines[-1]) == point.startswith("folder.renamed")
    held = [name for name in kept(cache_dir) if not name.endswith(locks.SUFFIX)]  # which goes with the next maker
    assert held == kept(tmp_path / "whole")


def test_those_that_another_process_finishes_meanwhile_are_used(model, data, cache_dir, tmp_path, monkeypatch):
    whole = open_or_build_features(model, data, tmp_path / "whole", IDENTITY)
    (name,) = kept(tmp_path / "whole")
    (cache_dir / "features").mkdir(parents=True)
    held = locks.acquire(cache_dir / "features" / f"{name}{locks.SUFFIX}")

    def finish():
        shutil.copytree(tmp_path / "whole" / "features" / name, cache_dir / "features" / name)
        held.close()

    monkeypatch.setattr(features, "_compute", explode)
    watch = Recording(finish)
    np.testing.assert_array_equal(open_or_build_features(model, data, cache_dir, IDENTITY, watch), whole)
    folder = cache_dir / "features" / name
    assert watch.lines == [f"features    another process is computing the same features into {folder}: waiting for it"]
    assert kept(cache_dir) == [name]


@pytest.mark.parametrize("fault", ["planted", "full", "flush"])
def test_where_they_cannot_be_kept_they_are_in_memory_and_that_is_said(
    fault, model, data, cache_dir, tmp_path, monkeypatch
):
    whole = np.array(open_or_build_features(model, data, tmp_path / "whole", IDENTITY))
    watch = Recording()
    if fault == "planted":
        (cache_dir / "features").write_text("a file where the folder should be")
        found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    elif fault == "full":
        with file_size_limit(whole.nbytes - 1):
            found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(
                durable.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error"))
            )
            found = open_or_build_features(model, data, cache_dir, IDENTITY, watch)
    np.testing.assert_array_equal(found, whole)
    warnings = [line for line in watch.lines if "warning: they cannot be kept" in line]
    assert len(warnings) == 1
    assert fault == "planted" or kept(cache_dir) == []


def test_a_picture_that_changes_meanwhile_is_named(model, root, tmp_path):
    streamed = load(root, tmp_path / "other", dataclasses.replace(OPTIONS, cache="none"))
    (root / "a" / "0004.jpg").write_bytes((root / "a" / "0006.jpg").read_bytes() + b"x")
    with pytest.raises(UserError, match=r"a/0004.jpg' has changed"):
        open_or_build_features(model, streamed, tmp_path / "other", IDENTITY)
    assert kept(tmp_path / "other") == []


def test_a_model_without_features_is_refused(data, cache_dir):
    with pytest.raises(UserError, match="--model=catdog_1"):
        open_or_build_features(
            build_model(ModelOptions("catdog_1", filters=(4,)), 1, 2, (16, 16, 3)), data, cache_dir, {}
        )
