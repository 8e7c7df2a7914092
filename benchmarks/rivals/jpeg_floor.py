"""The floor under every cold loader: libjpeg-turbo's decoding alone, two threads, files in the page cache."""

from collections.abc import Iterator
from pathlib import Path

import simplejpeg

from benchmarks.rivals import BATCH, pictures


def batches(data_dir: str) -> Iterator[list]:
    """Lists of decoded pictures of their own sizes; nothing is resized or augmented."""
    paths = [Path(path) for path in pictures.files(data_dir)]

    def decode(number: int) -> list:
        chosen = [paths[(BATCH * number + place) % len(paths)] for place in range(BATCH)]
        return [simplejpeg.decode_jpeg(path.read_bytes()) for path in chosen]

    return pictures.in_two_threads(decode)
