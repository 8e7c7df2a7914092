"""A million files: one scan, bounded memory, and a second scan that opens none of them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import random_picture, write_picture
from tests.helpers.run_fixtures import ROOT

FILES, CLASSES = 1_000_000, 25
MOST_BYTES_A_FILE = 600  # of memory, at the peak

# A process of its own, so that its peak is the scan's. Python itself tells of every file that is opened.
SCAN = """
import json, os, sys
from pathlib import Path
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
def peak():
    # Not getrusage: its figure begins with that of the process which started this one.
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
root, cache = map(Path, sys.argv[1:])
opened = []
def note(event, arguments):
    if event == "open" and str(arguments[0]).rstrip("'").endswith(".png"):
        opened.append(None)  # several threads scan; a counter would lose some
sys.addaudithook(note)
bare = peak()
first = build_index(catalog_of_folder(root), cache, 2)
facts = {"files": len(first), "quarantined": len(first.quarantine), "bytes": peak() - bare, "sha256": first.sha256,
         "opened": len(opened)}
del first
second = build_index(catalog_of_folder(root), cache, 2)
print(json.dumps(facts | {"again": second.sha256, "bytes again": peak() - bare, "opened again": len(opened)}))
"""


@pytest.fixture
def scratch():
    """In memory where there is such a place: a disk takes minutes to forget a million names."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="penstock-tests-", dir=place) as folder:
        yield Path(folder)


@pytest.mark.slow
def test_a_million_files_are_scanned_once_in_bounded_memory(scratch):
    for label in range(CLASSES):
        folder = scratch / "pictures" / f"class{label:02d}"
        write_picture(folder / "0.png", random_picture(label, height=8, width=8))
        # A million names of a few files: the scan cannot tell, and the disk need not hold them.
        for number in range(1, FILES // CLASSES):
            os.link(folder / "0.png", folder / f"{number}.png")
    done = subprocess.run(
        [sys.executable, "-c", SCAN, str(scratch / "pictures"), str(scratch / "cache")],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    print(facts)
    assert (facts["files"], facts["quarantined"]) == (FILES, 0)
    assert (facts["opened"], facts["opened again"]) == (FILES, FILES)
    assert facts["again"] == facts["sha256"]
    assert max(facts["bytes"], facts["bytes again"]) <= MOST_BYTES_A_FILE * FILES
