"""How bright and how sharp pictures are: two numbers a picture, from its pixels. Pure numpy."""

from collections.abc import Iterator

import numpy as np

from pipeline.decoding.pixel_format import LUMA

SIDE = 64  # pixels, to which a picture is averaged before its sharpness is measured; smaller ones stay as they are
_BLOCK = 64  # pictures at a time, so that a hundred thousand of them need no memory


def brightness_and_sharpness(pixels: np.ndarray, full_scale: int) -> np.ndarray:
    """float64 [n, 2] of [n, height, width, channels] pixels, uint8 or uint16, 1 or 3 channels, of which `full_scale` is
    white: the mean luma, in [0, 1], and the variance of its Laplacian, 0 for a blank picture.

    The variance of the Laplacian is the measure of focus of Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy: a comparative study" (2000), and falls where a picture is blurred. It depends on scale and noise, so it
    is taken at one size for all, of `SIDE` pixels a side; and on what a picture shows, so that it compares pictures of
    the same kind. The edge of the picture, where the Laplacian has no neighbours, is left out.
    """
    parts = [_measured(pixels[first : first + _BLOCK], full_scale) for first in range(0, len(pixels), _BLOCK)]
    return np.concatenate([np.zeros((0, 2)), *parts])


def blocks(example_ids: np.ndarray) -> Iterator[np.ndarray]:
    """Of as many as are measured at a time."""
    return (example_ids[first : first + _BLOCK] for first in range(0, len(example_ids), _BLOCK))


def _measured(pixels: np.ndarray, full_scale: int) -> np.ndarray:
    scaled = np.minimum(pixels, full_scale).astype(np.float32) / np.float32(full_scale)
    luma = scaled @ np.array(LUMA, np.float32) if pixels.shape[-1] == 3 else scaled[..., 0]
    height, width = luma.shape[1:]
    small = _averaging(height) @ luma @ _averaging(width).T
    middle = small[:, 1:-1, 1:-1]
    laplacian = small[:, :-2, 1:-1] + small[:, 2:, 1:-1] + small[:, 1:-1, :-2] + small[:, 1:-1, 2:] - 4 * middle
    return np.stack([luma.mean(axis=(1, 2), dtype=np.float64), laplacian.var(axis=(1, 2), dtype=np.float64)], axis=1)


def _averaging(side: int) -> np.ndarray:
    """float32 [at most SIDE, side]: the part of each pixel in each of the averages, which cover equal lengths."""
    count = min(SIDE, side)
    edges, starts = np.arange(count + 1) * (side / count), np.arange(side)
    covered = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return (np.clip(covered, 0, None) * (count / side)).astype(np.float32)
