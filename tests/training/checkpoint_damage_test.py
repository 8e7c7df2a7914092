"""Checkpoints that were damaged, planted or cut short: seen, named, passed over; and writes that fail midway."""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from base import durable
from base.watch import Watch
from tests.helpers.storage import SMALL_DISK_BYTES, file_size_limit
from tests.helpers.watches import Recording, Silence
from tests.training.checkpoint_test import HISTORY, IDENTITY, arrays_as_variables, arrays_of, bits, save
from training import checkpoint
from training.checkpoint import Checkpoint, DamagedError, keep_newest, load_checkpoint, load_newest, save_checkpoint


@pytest.mark.parametrize("name", ["variables.npz", "state.json"])
def test_a_flipped_bit_anywhere_is_seen_and_the_one_before_is_used(name, tmp_path):
    older = save(tmp_path, 5)
    save(tmp_path, 9)
    path = tmp_path / "step-00000009" / name
    content = path.read_bytes()
    generator = np.random.default_rng(1)
    for place in {0, len(content) - 1, *generator.integers(0, len(content), 40).tolist()}:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        watch = Recording()
        loaded = load_newest(tmp_path, watch)
        if name == "state.json" and loaded.step == 9:
            # White space and the like: another byte, the same content.
            assert bits(loaded.arrays) == bits(arrays_of(9))
            assert json.loads(bytes(damaged)) == json.loads(content)
            continue
        assert (loaded.step, bits(loaded.arrays)) == (5, bits(older)), place
        assert len(watch.lines) == 1
        assert "step-00000009 is damaged" in watch.lines[0]


@pytest.mark.parametrize("name", ["variables.npz", "state.json"])
def test_a_cut_file_is_seen_and_the_one_before_is_used(name, tmp_path):
    save(tmp_path, 5)
    save(tmp_path, 9)
    path = tmp_path / "step-00000009" / name
    content = path.read_bytes()
    # The very last byte of state.json is its closing line feed.
    for length in (0, 1, len(content) // 2, len(content) - 2):
        path.write_bytes(content[:length])
        watch = Recording()
        assert load_newest(tmp_path, watch).step == 5
        assert "step-00000009" in watch.lines[0]
    path.unlink()
    assert load_newest(tmp_path, Watch()).step == 5


def test_the_arrays_of_another_checkpoint_are_refused(tmp_path):
    save(tmp_path, 5)
    save(tmp_path, 9)
    content = (tmp_path / "step-00000005" / "variables.npz").read_bytes()
    (tmp_path / "step-00000009" / "variables.npz").write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        load_checkpoint(tmp_path / "step-00000009")


def test_junk_and_half_folders_are_passed_over(tmp_path):
    save(tmp_path, 5)
    (tmp_path / "step-00000012").mkdir()
    (tmp_path / "step-00000011").write_text("a file")
    (tmp_path / "step-00000010").symlink_to(tmp_path / "nowhere")
    (tmp_path / f"{durable.TEMPORARY_PREFIX}abc").mkdir()
    for junk in ("step-x", "step-7", "step-00000008.old", "notes.txt", "old-step-00000009"):
        (tmp_path / junk).mkdir()
    watch = Recording()
    assert load_newest(tmp_path, watch).step == 5
    assert [line.split()[1] for line in watch.lines] == ["step-00000012", "step-00000011", "step-00000010"]


def test_another_format_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT_VERSION", 2)
    save(tmp_path, 5)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 2, this program reads 4"):
        load_checkpoint(tmp_path / "step-00000005")


@pytest.mark.parametrize(("owner", "broken"), [(Path, "write_bytes"), (Path, "write_text"), (os, "fsync")])
def test_a_write_that_fails_midway_leaves_the_old_ones_and_nothing_else(owner, broken, tmp_path, monkeypatch):
    save(tmp_path, 5)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, broken, fail)
    for step in (9, 5):
        with pytest.raises(OSError, match="No space left"):
            save(tmp_path, step, seed=77)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["step-00000005"]
    assert bits(load_newest(tmp_path, Silence()).arrays) == bits(arrays_of(5))


@pytest.mark.parametrize(
    "state",
    ["", "{}", "[]", "7", "null", "NaN", '{"sha256": null}', '{"sha256": NaN, "step": 9}', '"' + "x" * 10_000_000 + '"',
     "9" * 100_000, "\0", "\udcff"],
    ids=lambda state: state[:20],
)  # fmt: skip
def test_any_other_content_of_the_state_is_damage(state, tmp_path):
    save(tmp_path, 5)
    save(tmp_path, 9)
    (tmp_path / "step-00000009" / "state.json").write_bytes(state.encode("utf-8", "surrogateescape"))
    watch = Recording()
    assert load_newest(tmp_path, watch).step == 5
    assert "step-00000009 is damaged" in watch.lines[0]
    assert len(watch.lines[0]) < 300


def test_a_nan_put_into_the_history_is_seen(tmp_path):
    save(tmp_path, 9)
    path = tmp_path / "step-00000009" / "state.json"
    state = json.loads(path.read_text())
    state["history"][0]["loss"] = float("nan")
    path.write_text(json.dumps(state))
    with pytest.raises(ValueError, match="does not have its checksum"):
        load_checkpoint(path.parent)


def test_none_whole_is_not_the_same_as_none(tmp_path):
    for step in (5, 9):
        save(tmp_path, step)
        (tmp_path / f"step-{step:08d}" / "variables.npz").write_bytes(b"")
    watch = Recording()
    with pytest.raises(DamagedError, match=r"none of the 2 checkpoints in .*; step-00000009: variables.npz"):
        load_newest(tmp_path, watch)
    assert len(watch.lines) == 2


def test_a_whole_checkpoint_under_another_name_is_refused(tmp_path):
    save(tmp_path, 5)
    (tmp_path / "step-00000005").rename(tmp_path / "step-00000099")
    with pytest.raises(ValueError, match="it holds step 5"):
        load_checkpoint(tmp_path / "step-00000099")


def test_what_claims_a_later_step_costs_no_checkpoint(tmp_path):
    for step in (2, 4, 6, 8):
        save(tmp_path, step)
    for step in (9, 10, 99999999):
        (tmp_path / f"step-{step:08d}").mkdir()
    keep_newest(tmp_path, 8, 3, set())
    kept = ["step-00000004", "step-00000006", "step-00000008", "step-00000009", "step-00000010", "step-99999999"]
    assert sorted(os.listdir(tmp_path)) == kept
    save(tmp_path, 10)
    assert load_newest(tmp_path, Watch()).step == 10


def test_the_step_counts_and_not_the_clock(tmp_path):
    steps = [3, 7, 10, 200, 1000]
    generator = random.Random(1)
    for step in generator.sample(steps, len(steps)):
        save(tmp_path, step)
    for shift in generator.sample(range(-86_400, 86_400), 20):
        for path in tmp_path.rglob("*"):
            os.utime(path, (1e9 + shift, 1e9 - shift * generator.random()))
        assert load_newest(tmp_path, Silence()).step == 1000
    keep_newest(tmp_path, 1000, 2, set())
    assert sorted(os.listdir(tmp_path)) == ["step-00000200", "step-00001000"]


def save_large(folder, step):
    arrays = {"model": [np.arange(SMALL_DISK_BYTES // 8, dtype=np.float32)]}
    save_checkpoint(folder, Checkpoint(step, HISTORY, IDENTITY, arrays), arrays_as_variables(arrays))


def test_a_full_disk_keeps_the_checkpoint_before(small_disk):
    save_large(small_disk, 5)
    with pytest.raises(durable.WriteError, match="No space left") as caught:
        save_large(small_disk, 9)
    assert caught.value.filename == str(small_disk / "step-00000009")
    assert os.listdir(small_disk) == ["step-00000005"]
    assert load_newest(small_disk, Silence()).step == 5


def test_a_limit_on_a_files_size_keeps_the_checkpoint_before(tmp_path):
    save(tmp_path, 5)
    with file_size_limit(100_000), pytest.raises(durable.WriteError, match="File too large"):
        save_large(tmp_path, 9)
    assert os.listdir(tmp_path) == ["step-00000005"]
    assert load_newest(tmp_path, Silence()).step == 5
