"""The decoded pictures of a run: kept in a pack where that is chosen, else checked and decoded as they are needed."""

import dataclasses
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base import durable
from base.errors import UserError
from base.watch import Watch
from pipeline.decoding.check import Verdict
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack, pack_folder
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.pixels import PackedPixels, Pixels, StreamedPixels
from pipeline.sources.manifest import Manifest


class Decoded(NamedTuple):
    """Decoded pictures: `packed` ones, or None for those that are decoded as they are needed; what decoding said of
    each example; where they are kept, and why."""

    pixel_format: PixelFormat
    packed: np.ndarray | None
    verdict: Verdict
    why_kept: str

    def pixels(self, manifest: Manifest, full_scale: int, threads: int) -> Pixels:
        """What gives them to a run."""
        pixel_format = dataclasses.replace(self.pixel_format, full_scale=full_scale)
        if self.packed is None:
            return StreamedPixels(manifest, pixel_format, threads)
        return PackedPixels(self.packed, pixel_format)


def decode(
    manifest: Manifest, pixel_format: PixelFormat, options: DataOptions, cache_dir: Path, threads: int, watch: Watch
) -> Decoded:
    """Decodes every picture once, or takes what is kept of that.

    Raises UserError where the pack that is asked for cannot be written, Stopped where somebody asked for it.
    """
    cache, why = _choose_cache(manifest, pixel_format, options, cache_dir)
    if cache == "pack":
        try:
            pack = open_or_build_pack(manifest, pixel_format, cache_dir, threads, watch)
            return Decoded(pixel_format, pack.pixels, pack.verdict, why)
        except durable.WriteError as error:
            if options.cache == "pack":
                raise UserError(
                    f"--cache=pack: the pack cannot be written to {str(cache_dir)!r} ({error.strerror}); free "
                    "some space, give another --cache_dir, or use --cache=none"
                ) from None
            why = f"none: warning, the pack could not be written to {cache_dir} ({error.strerror})"
    verdict = load_or_make_verdict(manifest, pixel_format, cache_dir, threads, watch)
    return Decoded(pixel_format, None, verdict, why)


def _choose_cache(manifest, pixel_format, options, cache_dir) -> tuple[str, str]:
    size_bytes = len(manifest) * pixel_format.nbytes
    shown = f"{size_bytes / 1e6:.0f} MB of decoded pictures"
    if options.cache != "auto":
        return options.cache, f"{options.cache}: asked for; {shown}"
    if pack_folder(manifest, pixel_format, cache_dir).is_dir():
        return "pack", f"pack: {shown}, packed before in {cache_dir}"
    existing = next(parent for parent in (cache_dir, *cache_dir.absolute().parents) if parent.exists())
    free_bytes = shutil.disk_usage(existing).free
    if size_bytes < 0.5 * free_bytes:
        return "pack", f"pack: {shown}, {free_bytes / 1e9:.0f} GB free in {cache_dir}"
    return "none", f"none: {shown} would take more than half of the free disk; decoding in every epoch"
