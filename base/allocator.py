"""glibc's allocator, told to keep what is freed.

With oneDNN TensorFlow has a pool of its own for a CPU's buffers. Without, as on a CPU that has no AVX512-VNNI, the
large ones are mapped at every step and unmapped after it, and the system clears each of their pages anew: 44,000 to
51,000 page faults a step of catdog_2 in float32, 100 to 1,000 with these settings.
"""

import ctypes
import os

# mallopt(3), by malloc.h's numbers. M_ARENA_MAX 1: what a thread's own arena frees goes back, whatever the others say
# (41,000 faults were left). M_MMAP_THRESHOLD 1 GiB and M_TRIM_THRESHOLD: nothing is mapped by itself, and nothing goes
# back. M_TOP_PAD 64 MiB: what is asked for in one piece.
_SETTINGS = ((-8, 1), (-3, 1 << 30), (-1, (1 << 31) - 1), (-2, 64 << 20))
# Variables by which a user decides, and what a value of theirs holds that does.
DECIDE = {
    "MALLOC_ARENA_MAX": "", "MALLOC_ARENA_TEST": "", "MALLOC_MMAP_THRESHOLD_": "", "MALLOC_MMAP_MAX_": "",
    "MALLOC_TRIM_THRESHOLD_": "", "MALLOC_TOP_PAD_": "", "GLIBC_TUNABLES": "glibc.malloc.", "LD_PRELOAD": "malloc",
}  # fmt: skip
_chosen = "the system's, as it is"


def keep_freed_memory() -> None:
    """Sets glibc's allocator for this process; to be called before TensorFlow is loaded and before there is a thread.

    Where there is no glibc, or the environment decides how memory is given, nothing happens.
    """
    global _chosen  # noqa: PLW0603 - mallopt cannot be asked what it was told
    if not has_glibc():
        return
    if decider := decided_by():
        _chosen = f"as {decider} says"
    else:
        mallopt = ctypes.CDLL(None).mallopt
        done = [mallopt(*setting) for setting in _SETTINGS]
        _chosen = "glibc's, keeping what is freed" if all(done) else "glibc's, which took not all of our settings"


def description() -> str:
    """What `keep_freed_memory` has come to, in words."""
    return _chosen


def decided_by() -> str:
    """NAME=VALUE of the environment's first variable that decides how memory is given, "" where none does."""
    values = {name: os.environ.get(name, "") for name in DECIDE}
    return next((f"{name}={value}" for name, value in values.items() if value and DECIDE[name] in value), "")


def has_glibc() -> bool:
    """Whether this process's C library is glibc."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return False
