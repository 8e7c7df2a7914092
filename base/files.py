"""Reads a picture's file without being held up, or filled up, by what only looks like one."""

import os
import stat

from base.errors import BadImage

MAX_FILE_BYTES = 256 << 20
MAX_INT64 = 2**63 - 1
NOT_A_FILE = "not a regular file"


def read_file(path: bytes | str) -> tuple[bytes, os.stat_result]:
    """(content, what the system says of the file once it is read).

    Raises BadImage for what is no regular file (a pipe would make us wait for ever, a device fill the memory) or holds
    above `MAX_FILE_BYTES`; OSError where it is not there or cannot be read.
    """
    _check(os.stat(path))  # before it is opened: to some devices that alone does something
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb", buffering=0) as file:
        _check(os.fstat(handle))
        return file.readall(), os.fstat(handle)


def _check(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise BadImage("a folder: a link to one is not followed, and one without permission cannot be opened")
    if not stat.S_ISREG(status.st_mode):
        raise BadImage(NOT_A_FILE)
    if status.st_size > MAX_FILE_BYTES:
        raise BadImage(f"{status.st_size} bytes: more than the {MAX_FILE_BYTES} that one picture may have")
