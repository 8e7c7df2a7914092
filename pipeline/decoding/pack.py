"""The pack: every decoded picture in one memory-mapped file, keyed by content, whole or absent.

Its name is a hash of the pictures' contents and of how they were decoded, so a pack cannot go stale: other files,
another size or another decoder make another pack. It holds nothing random.
"""

import dataclasses
import errno
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

from base import durable, kill_points, locks
from base.watch import SILENT, Watch
from pipeline.decoding.check import DECODE_VERSION, Verdict, check_pictures
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.manifest import Manifest

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
    if pack := _open(folder, shape, pixel_format):
        return pack
    waiting = f"cache       another process is packing the same pictures into {folder}: waiting for it"
    with locks.sole_maker(folder, waiting, watch):
        if pack := _open(folder, shape, pixel_format):  # again: another process may have packed them meanwhile
            return pack
        if folder.exists():
            watch.say(f"cache       the pack {folder} is damaged: decoding again")
        with durable.whole_directory(folder) as temporary:
            _build(temporary, shape, manifest, pixel_format, threads, watch)
        if pack := _open(folder, shape, pixel_format):
            return pack
        raise durable.WriteError(folder, OSError(errno.EIO, "damaged as soon as it is written; check the disk"))


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
    with open(folder / "pixels.bin", "wb") as file:
        # Without this the file is a hole, and a full disk is met by a write through the map, which kills the process.
        os.posix_fallocate(file.fileno(), 0, len(manifest) * pixel_format.nbytes)
    pixels = np.memmap(folder / "pixels.bin", pixel_format.dtype, "r+", shape=shape)
    checksums = np.zeros(len(manifest), np.uint32)

    def write(example_id: int, picture: np.ndarray) -> None:
        pixels[example_id] = picture
        checksums[example_id] = zlib.crc32(picture)
        kill_points.reach("pack.picture")

    verdict = check_pictures(manifest, pixel_format, threads, write, watch)
    for example_id in verdict.refused:
        checksums[example_id] = zlib.crc32(pixels[example_id])
    pixels.flush()
    durable.write_arrays(folder / "verdict.npz", verdict.to_arrays() | {"checksums": checksums})


def _open(folder: Path, shape: tuple[int, ...], pixel_format: PixelFormat) -> Pack | None:
    """The pack in `folder`, or None where it is absent, cut short or has a flipped bit."""
    try:
        arrays = durable.read_arrays(folder / "verdict.npz")
        verdict, checksums = Verdict.from_arrays(arrays), arrays["checksums"]
        pixels = np.memmap(folder / "pixels.bin", pixel_format.dtype, "r", shape=shape)
        # One pass at about 1 GB/s; it also brings the file into the page cache, where the first epoch wants it.
        if any(zlib.crc32(picture) != checksum for picture, checksum in zip(pixels, checksums, strict=True)):
            return None
    except (OSError, ValueError, KeyError):
        return None
    return Pack(pixels, verdict)
