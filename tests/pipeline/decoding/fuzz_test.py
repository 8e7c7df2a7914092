"""Damaged pictures by the thousand: neither reader crashes, hangs or takes much memory, and they never disagree.

They may not agree on everything: the header's reader looks at a few bytes, so it passes what only decoding can know to
be damaged. What must hold, of any bytes:

1. What the index refuses, the graph refuses. So a client's bytes are refused where a file of them would be.
2. What the graph decodes has the size and the orientation that the index read: no file is decoded at another size than
   the one that was found small enough. (A JPEG may be decoded at 1/2, 1/4 or 1/8 of it.)
3. What the graph refuses it refuses as InvalidArgumentError, with a reason that fits on a line; nothing else comes out.
4. Training's graph and the endpoint's say the same, and where they decode, the same pixels.
5. No picture takes 1 GB above what the interpreter and TensorFlow have, 20 seconds, or the process.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.mutations import SECONDS
from tests.helpers.run_fixtures import ROOT


def judge(seed: int, count: int, folder) -> dict:
    """How often which verdict was given to `count` damaged pictures."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.mutations", str(seed), str(count), str(folder)],
        check=False, capture_output=True, text=True, errors="replace", timeout=60 + SECONDS + count, cwd=ROOT,
        env=os.environ | {"PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    assert done.returncode == 0, f"{(folder / 'last.bin').read_bytes()[:200]}: {done.stderr[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def check(verdicts: dict, count: int) -> None:
    assert sum(verdicts.values()) == count
    # Damage that is never seen, or always, would test nothing.
    assert min(verdicts.values()) > count / 20
    assert set(verdicts) == {"decoded", "refused", "refused by the decoder alone"}


def test_a_few_hundred_damaged_pictures(tmp_path):
    check(judge(seed=1, count=300, folder=tmp_path), 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_tens_of_thousands_of_damaged_pictures(seed, tmp_path):
    check(judge(seed, 5000, tmp_path), 5000)
