"""Storage that fails, for tests: a file that may not grow, a small disk, a disk that may only be read."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

from base import locks

SMALL_DISK_BYTES = 1 << 20


@contextlib.contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """No file of this process can grow above `size_bytes` in the block: what writes more gets EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def disk(path: Path, size_bytes: int) -> Iterator[bool]:
    """A memory file system of `size_bytes` at `path` for the block; False where this user may not mount one."""
    path.mkdir(exist_ok=True)
    mounted = _succeeds("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "penstock-test", str(path))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


def grow(path: Path, size_bytes: int) -> None:
    """Gives the disk at `path` another size."""
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(path)], check=True)


@contextlib.contextmanager
def read_only(path: Path) -> Iterator[None]:
    """The disk at `path` refuses every write in the block."""
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(path)], check=True)


def temporaries(*folders: Path) -> list[str]:
    """Everything half-written under `folders`, and every lock of a maker."""
    found = [Path(parent) / name for folder in folders for parent, inner, files in os.walk(folder)
             for name in inner + files]  # fmt: skip
    ours = (".incomplete-", ".replaced-")
    return [str(path) for path in found if path.name.startswith(ours) or path.name.endswith(locks.SUFFIX)]


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
