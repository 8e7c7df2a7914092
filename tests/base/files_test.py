"""Files are read whole; what only looks like one is refused, and nobody waits for it."""

import os
import socket

import pytest

from base import files
from base.errors import BadImage
from base.files import read_file


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").write_bytes(b"content" * 999)
    os.mkfifo("pipe")
    os.symlink("pipe", "link-to-pipe")
    os.symlink("/dev/zero", "zero")
    os.symlink("/dev/full", "full")
    os.symlink("good", "link")
    os.symlink("nowhere", "dangling")
    os.mkdir("folder")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    return tmp_path


@pytest.mark.parametrize("name", ["good", "link", b"good"])
def test_a_file_is_read_whole_with_its_facts(name, folder):
    content, status = read_file(name)
    assert content == b"content" * 999
    assert (status.st_size, status.st_mtime_ns) == (len(content), (folder / "good").stat().st_mtime_ns)


@pytest.mark.timeout(30, method="thread")  # who opens the pipe waits for ever
@pytest.mark.parametrize("name", ["pipe", "link-to-pipe", "zero", "full", "socket", "folder"])
def test_what_is_no_file_is_refused(name, folder):
    with pytest.raises(BadImage, match="a folder: a link to one" if name == "folder" else "^not a regular file$"):
        read_file(name)


@pytest.mark.timeout(30, method="thread")
@pytest.mark.parametrize("name", ["pipe", "zero"])
def test_what_takes_a_files_place_right_before_it_is_opened_is_refused(name, folder, monkeypatch):
    seen = os.stat(folder / "good")
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "stat", lambda path: seen)
        with pytest.raises(BadImage, match="not a regular file"):
            read_file(name)


@pytest.mark.parametrize("name", ["dangling", "absent"])
def test_what_is_not_there_is_an_os_error(name, folder):
    with pytest.raises(FileNotFoundError):
        read_file(name)


def test_a_file_beyond_the_limit_is_not_read(folder):
    os.truncate("good", files.MAX_FILE_BYTES + 1)
    with pytest.raises(BadImage, match=f"{files.MAX_FILE_BYTES + 1} bytes: more than the {files.MAX_FILE_BYTES}"):
        read_file("good")
