"""The pack: every decoded picture in one memory-mapped file, keyed by content, whole or absent.

Its name is a hash of the pictures' contents and of how they were decoded, so a pack cannot go stale: other files,
another size or another decoder make another pack. It holds nothing random.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from base import durable, kill_points, locks, row_file
from base.watch import SILENT, Watch
from pipeline.decoding.check import DECODE_VERSION, Verdict, check_pictures
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.manifest import Manifest

_PIXELS, _VERDICT = "pixels.bin", "verdict.npz"
_CHECKING = "cache       another process is decoding the same pictures once: waiting for it"
_NOT_KEPT = "cache       warning: not kept that the pictures can be decoded"


@dataclasses.dataclass(frozen=True)
class Pack:
    """An opened pack: `pixels` [examples, height, width, channels], memory-mapped, and the verdict on each."""

    pixels: np.ndarray
    verdict: Verdict


def pack_key(manifest: Manifest, pixel_format: PixelFormat) -> str:
    """Names the decoded pictures: contents in order, picture format and decoder version."""
    digest = hashlib.sha256(repr((DECODE_VERSION, pixel_format.stored)).encode())
    digest.update(np.ascontiguousarray(manifest.facts["sha256"]).tobytes())
    return digest.hexdigest()[:32]


def pack_folder(manifest: Manifest, pixel_format: PixelFormat, cache_dir: Path) -> Path:
    """Where the pack of these pictures is, or would be."""
    return cache_dir / "packs" / pack_key(manifest, pixel_format)


def open_or_build_pack(
    manifest: Manifest, pixel_format: PixelFormat, cache_dir: Path, threads: int, watch: Watch = SILENT
) -> Pack:
    """The pack of these pictures, decoding them now if it is not there or is damaged.

    Where another process is packing the same pictures it waits for that pack. Raises durable.WriteError where the
    cache folder cannot be written or is full, Stopped where somebody asked for it; nothing is left then.
    """
    folder = pack_folder(manifest, pixel_format, cache_dir)
    shape = (len(manifest), *pixel_format.shape)
    return row_file.open_or_make(
        folder,
        lambda: _open(folder, shape, pixel_format),
        lambda temporary: _build(temporary, shape, manifest, pixel_format, threads, watch),
        f"cache       another process is packing the same pictures into {folder}: waiting for it",
        f"cache       the pack {folder} is damaged: decoding again",
        watch,
    )


def load_or_make_verdict(
    manifest: Manifest, pixel_format: PixelFormat, cache_dir: Path, threads: int, watch: Watch = SILENT
) -> Verdict:
    """The verdict alone, for training without a pack; kept in the cache folder where that can be written.

    Where another process is decoding the same pictures it waits for that verdict.
    """
    store = cache_dir / "verdicts" / f"{pack_key(manifest, pixel_format)}.npz"
    verdict = _recall_verdict(store, len(manifest))
    if verdict is None:
        with locks.keeper(store, _CHECKING, _NOT_KEPT, watch) as keep:
            verdict = _recall_verdict(store, len(manifest))  # again: another process may have checked them meanwhile
            if verdict is None:
                verdict = check_pictures(manifest, pixel_format, threads, watch=watch)
                keep(verdict.to_arrays())
    return verdict


def _recall_verdict(store: Path, examples: int) -> Verdict | None:
    try:
        verdict = Verdict.from_arrays(durable.read_arrays(store))
    except (OSError, ValueError, KeyError):
        return None
    return verdict if len(verdict.peaks) == examples else None


def _build(folder: Path, shape, manifest, pixel_format, threads, watch) -> None:
    pixels = row_file.NewRows(folder / _PIXELS, pixel_format.dtype, shape)

    def write(example_id: int, picture: np.ndarray) -> None:
        pixels.write(example_id, picture)
        kill_points.reach("pack.picture")

    verdict = check_pictures(manifest, pixel_format, threads, write, watch)
    pixels.close(folder / _VERDICT, verdict.to_arrays())


def _open(folder: Path, shape: tuple[int, ...], pixel_format: PixelFormat) -> Pack | None:
    """The pack in `folder`, or None where it is absent, cut short or has a flipped bit."""
    try:
        pixels, arrays = row_file.open_rows(folder / _PIXELS, folder / _VERDICT, pixel_format.dtype, shape)
        return Pack(pixels, Verdict.from_arrays(arrays))
    except (OSError, ValueError, KeyError):
        return None
