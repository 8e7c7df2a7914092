"""Where results may be written: into no device, and over nothing of the user's."""

import os
from pathlib import Path

import pytest

from sources.errors import UserError
from sources.places import check_writable, naming


@pytest.mark.timeout(20, method="thread")  # who opens the pipe waits for ever
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_device_or_a_pipe_is_refused_and_stays(kind, link, tmp_path):
    there = tmp_path / "there" if kind == "pipe" else Path(os.devnull)
    if kind == "pipe":
        os.mkfifo(there)
    path = tmp_path / "link" if link else there
    if link:
        path.symlink_to(there)
    words = "cannot be written: it is a device or a pipe, and no regular file; give another file"
    with pytest.raises(UserError, match=words), naming("--csv", path, "file"):
        check_writable(path)
    assert there.exists()
    assert not there.is_file()
