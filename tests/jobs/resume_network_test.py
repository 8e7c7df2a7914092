"""Which checkpoints a run with a network of the user's own may go on from."""

import re
from pathlib import Path

from jobs.run import Run
from pipeline.data import Data
from tests.helpers.runs import OPTIONS, run_of
from tests.jobs.resume_test import data, find, identity_now, refusal, run_dir, save

__all__ = ["data", "run_dir"]  # fixtures


def network_run(data, run_dir: Path, folder: Path, text: str, function: str = "build") -> Run:
    folder.mkdir()
    (folder / "net.py").write_text(text)
    return run_of(data, run_dir, OPTIONS.changed({"model": f"{folder}/net.py:{function}"}))


def test_a_network_of_ones_own_is_its_text_and_its_function_wherever_it_lies(run_dir, data, tmp_path):
    save(run_dir, 7, identity_now(network_run(data, run_dir, tmp_path / "a", "width = 3\n")))
    assert find(network_run(data, run_dir, tmp_path / "b", "width = 3\n")).step == 7
    text = refusal(network_run(data, run_dir, tmp_path / "c", "width = 4\n"))
    assert re.search(r"\(network_sha256: \w{64} -> \w{64}\)", text)
    text = refusal(network_run(data, run_dir, tmp_path / "d", "width = 3\n", "other"))
    assert "(options.model.name: FILE:build -> FILE:other)" in text
    assert "network_sha256: None -> " in refusal_of_plain(run_dir, data, tmp_path)


def refusal_of_plain(run_dir: Path, data: Data, tmp_path: Path) -> str:
    """A run of a model by name, continued with a network of one's own."""
    save(run_dir, 9, identity_now(run_of(data, run_dir)))
    return refusal(network_run(data, run_dir, tmp_path / "e", "width = 3\n"))
