"""Small files that claim to be huge: refused by their header, by everyone, before memory of that size is asked for."""

import json
import subprocess
import sys

import pytest

from base.errors import BadImage
from pipeline.sources.headers import read_header
from tests.helpers.pictures import claiming, encode, picture
from tests.helpers.run_fixtures import ROOT, finished_run
from tests.helpers.shared_data import ODD

# Above what any picture may have, and below it but above what so few bytes can hold.
SIZES = {"above": (12_000, 12_000), "below": (9_999, 9_999)}
KINDS = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {}),
         ("WEBP", {"lossless": True})]  # fmt: skip


def bombs() -> dict[str, bytes]:
    """File name -> content."""
    made = {f"{name}{''.join(options)}-{size}": claiming(name, *SIZES[size], **options)
            for name, options in KINDS for size in SIZES}  # fmt: skip
    del made["BMP-below"]  # its pixels are not compressed: their lack is found where they are looked for
    made["PNG-of-400-megapixels"] = claiming("PNG", 20_000, 20_000)
    made["PNG-of-63-bits"] = claiming("PNG", (1 << 32) - 1, (1 << 31) + 1)
    if ODD.is_dir():
        made["odd-gray"] = (ODD / "bomb" / "gray1_20000x20000.png").read_bytes()
    return made


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_by_its_header(name):
    with pytest.raises(BadImage, match=r"x \d+ pixels"):
        read_header(bombs()[name])


def test_nobody_takes_a_gigabyte_for_a_bomb(tmp_path):
    contents = bombs()
    for folder in ("a", "b"):
        (tmp_path / "pictures" / folder).mkdir(parents=True)
        (tmp_path / "pictures" / folder / "0-good.png").write_bytes(encode(picture(), "PNG"))
    for name, content in contents.items():
        (tmp_path / "pictures" / "b" / f"{name}.png").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.memory_child", str(tmp_path / "pictures"),
         str(finished_run() / "saved_model")],
        check=False, capture_output=True, text=True, timeout=200, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    good = {str(tmp_path / "pictures" / folder / "0-good.png") for folder in ("a", "b")}
    assert {path for path, reason in said["predict"].items() if not reason} == good
    refused = {str(tmp_path / "pictures" / "b" / f"{name}.png") for name in contents}
    for reader in ("index", "check", "endpoint"):
        assert set(said[reader]) == refused, reader
    for reader in ("predict", "index", "check", "endpoint"):
        assert all("pixels" in said[reader][path] for path in refused), reader
