"""What several rivals share: decoding, the report's augmentation for OpenCV, and two threads that work ahead."""

import collections
import concurrent.futures
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.rivals import SIZE

# Each rival has its own two threads or processes; OpenCV's pool on top of them would only get in their way.
cv2.setNumThreads(1)
_AHEAD = 6  # batches


def files(data_dir: str) -> list[str]:
    """The training pictures."""
    return sorted(map(str, Path(data_dir, "train").glob("*/*")))


def decoded(path: str) -> np.ndarray:
    """uint8 [SIZE, SIZE, 3], as Penstock decodes it."""
    return cv2.resize(cv2.imread(path)[..., ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def all_decoded(data_dir: str) -> np.ndarray:
    """uint8 [pictures, SIZE, SIZE, 3]."""
    return np.stack([decoded(path) for path in files(data_dir)])


def augmented(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """float32 [SIZE, SIZE, 3] in [0, 1], by one bilinear warp."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = drawn_matrix(generator)
    warped = cv2.warpAffine(picture, matrix, (SIZE, SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return warped.astype(np.float32) * np.float32(1 / 255)


def drawn_matrix(generator: np.random.Generator) -> np.ndarray:
    """float64 [2, 3]: rotation 20 degrees, shift 0.2, shear 0.1 degrees, zoom 0.2, mirrored half of the time."""
    angle, shear = np.deg2rad(generator.uniform(-20, 20)), np.deg2rad(generator.uniform(-0.1, 0.1))
    shift = generator.uniform(-0.2, 0.2, 2) * SIZE
    zoom = generator.uniform(0.8, 1.2, 2)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.array([[1, -np.sin(shear)], [0, np.cos(shear)]]) @ np.diag(zoom)
    if generator.random() < 0.5:
        matrix[:, 0] *= -1
    centre = np.full(2, SIZE / 2 - 0.5)
    return np.concatenate([matrix, (centre + shift - matrix @ centre)[:, None]], axis=1)


def in_two_threads(make: Callable[[int], object]) -> Iterator:
    """make(0), make(1), ... without end and in order; two threads work ahead."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = collections.deque(pool.submit(make, number) for number in range(_AHEAD))
        for number in itertools.count(_AHEAD):
            yield waiting.popleft().result()
            waiting.append(pool.submit(make, number))
