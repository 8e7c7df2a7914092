"""What is freed is kept, by page faults counted; nothing happens where the user or another C library decides."""

import os
import subprocess
import sys

import pytest

from base import allocator
from tests.helpers.run_fixtures import ROOT

# 160 MiB, which glibc maps by itself however often they are asked for: 40,960 pages of 4 KiB. In a second thread, as a
# kernel's would be.
_ALLOCATE = """
import ctypes, threading
from resource import RUSAGE_SELF, getrusage
from base import allocator
allocator.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: a huge page would be one fault for 512

def fill(times):
    for _ in range(times):
        place = libc.malloc(160 << 20)
        ctypes.memset(place, 1, 160 << 20)
        libc.free(place)

def in_a_thread(times):
    thread = threading.Thread(target=fill, args=[times])
    thread.start()
    thread.join()

in_a_thread(1)
before = getrusage(RUSAGE_SELF).ru_minflt
in_a_thread(2)
print(getrusage(RUSAGE_SELF).ru_minflt - before, allocator.description())
"""


def faults_and_words(**environment: str) -> tuple[int, str]:
    plain = {name: value for name, value in os.environ.items() if name not in allocator.DECIDE}
    command = [sys.executable, "-c", _ALLOCATE]
    done = subprocess.run(command, cwd=ROOT, env=plain | environment, check=True, capture_output=True, text=True)
    faults, words = done.stdout.split(maxsplit=1)
    return int(faults), words.strip()


needs_glibc = pytest.mark.skipif(not allocator.has_glibc(), reason="this C library is not glibc")


@needs_glibc
def test_what_is_freed_is_not_asked_for_anew():
    faults, words = faults_and_words()
    assert faults < 1024
    assert words.startswith("glibc's, keeping what is freed")


@needs_glibc
@pytest.mark.parametrize(
    ("name", "value"),
    [("MALLOC_ARENA_MAX", "4"), ("MALLOC_TRIM_THRESHOLD_", "131072"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=4")],
)
def test_who_sets_the_allocator_himself_decides(name, value):
    faults, words = faults_and_words(**{name: value})
    assert faults > 40960
    assert words == f"as {name}={value} says"


@pytest.mark.parametrize(
    ("name", "value"), [("LD_PRELOAD", "/usr/lib/libjemalloc.so.2"), ("LD_PRELOAD", "libtcmalloc_minimal.so.4")]
)
def test_another_allocator_is_left_alone(monkeypatch, name, value):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: pytest.fail("it was touched"))
    monkeypatch.setattr(allocator, "_chosen", "")
    monkeypatch.setattr(allocator, "has_glibc", lambda: True)
    monkeypatch.setenv(name, value)
    allocator.keep_freed_memory()
    assert allocator.description() == f"as {name}={value} says"


@pytest.mark.parametrize("found", [None, "musl 1.2", AttributeError, ValueError, OSError])
def test_without_glibc_nothing_happens(monkeypatch, found):
    def confstr(_):
        if isinstance(found, type):
            raise found
        return found

    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: pytest.fail("it was touched"))
    monkeypatch.setattr(allocator.os, "confstr", confstr)
    monkeypatch.setattr(allocator, "_chosen", "untouched")
    allocator.keep_freed_memory()
    assert allocator.description() == "untouched"


@pytest.mark.parametrize("name", ["GLIBC_TUNABLES", "LD_PRELOAD", "MALLOC_ARENA_MAX"])
def test_what_does_not_concern_memory_decides_nothing(monkeypatch, name):
    monkeypatch.setenv(name, "" if name.startswith("MALLOC") else "glibc.pthread.rseq=1")
    assert allocator.decided_by() == ""
