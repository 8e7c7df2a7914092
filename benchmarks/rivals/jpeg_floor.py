"""The floor under every cold loader: libjpeg-turbo's decoding alone, two threads, files in the page cache."""

import concurrent.futures
from pathlib import Path

import simplejpeg

from benchmarks.rivals import BATCH, pictures


def batches(data_dir: str):
    """Lists of decoded pictures of their own sizes; nothing is resized or augmented."""
    paths = [Path(path) for path in pictures.files(data_dir)]

    def decode(start: int) -> list:
        chosen = [paths[(start + place) % len(paths)] for place in range(BATCH)]
        return [simplejpeg.decode_jpeg(path.read_bytes()) for path in chosen]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(decode, BATCH * number) for number in range(4)]
        for number in range(4, 10**9):
            yield waiting.pop(0).result()
            waiting.append(pool.submit(decode, BATCH * number))
