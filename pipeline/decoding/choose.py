"""How the pictures of a data set are decoded, where its options leave that to what the files are."""

import dataclasses
import math

import numpy as np

from pipeline.decoding.check import Verdict
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.sources.manifest import Manifest
from pipeline.sources.splits import Splits

DISTORTED = 1.25  # one side is scaled by above a quarter more than the other
FEW = 0.05  # of the pictures
# Chosen by accuracy: see BUILD_NOTES.md.
KEEPS_PROPORTIONS = "crop"


def choose_pixel_format(manifest: Manifest, options: DataOptions) -> tuple[PixelFormat, dict[str, str]]:
    """Gray where every file is gray, 16 bits where at least half have them, resized by `choose_resize`; and what was
    chosen and why, in words, by what it is about: "pixels" and "resize"."""
    channels, why_channels = _choose_channels(manifest, options)
    bits, why_bits = _choose_bits(manifest, options)
    height, width = options.image_sides
    distorted = distortions(manifest.facts, height, width) > DISTORTED
    resize = choose_resize(float(np.mean(distorted))) if options.resize == "auto" else options.resize
    pixel_format = PixelFormat(height, width, channels, bits, background=options.background_color, resize=resize)
    pixels = f"{height}x{width}x{channels}, {bits} bits a channel ({why_channels}{why_bits})"
    return pixel_format, {"pixels": pixels, "resize": _resize_line(resize, distorted, options)}


def choose_resize(distorted_share: float) -> str:
    """squash, which loses nothing, where it distorts few pictures by more than a quarter; else what keeps proportions.

    `distorted_share` is the fraction of the pictures that it would distort so.
    """
    return "squash" if distorted_share <= FEW else KEEPS_PROPORTIONS


def distortions(facts: np.ndarray, height: int, width: int) -> np.ndarray:
    """float64 [examples], 1 or more: how much more squashing to this height and width scales one side of each of
    `Manifest.facts` than the other."""
    rows, columns = facts["height"].astype(np.float64), facts["width"].astype(np.float64)
    lies = facts["orientation"] > 4  # on its side, as it is stored
    rows, columns = np.where(lies, columns, rows), np.where(lies, rows, columns)
    ratio = (rows / height) / (columns / width)
    return np.maximum(ratio, 1 / ratio)


def choose_full_scale(
    options: DataOptions, pixel_format: PixelFormat, verdict: Verdict, splits: Splits
) -> tuple[PixelFormat, str]:
    """255 for 8 bits. Of 16 bits a depth camera uses few, so there the smallest 2^k - 1 that holds the peaks of 99 of
    100 training pictures: 4,095 for millimetres up to four metres, where 65,535 would leave values below 0.06."""
    if options.full_scale:
        full_scale, why = options.full_scale, f"; {options.full_scale} is 1.0 (asked for)"
    elif pixel_format.bit_depth == 8:
        full_scale, why = 255, ""
    else:
        peak = float(np.quantile(verdict.peaks[splits.ids["train"]], 0.99))
        full_scale = 2 ** max(8, math.ceil(math.log2(peak + 1))) - 1
        why = f"; {full_scale} is 1.0 (99 of 100 training pictures stay below)"
    return dataclasses.replace(pixel_format, full_scale=full_scale), why


def _choose_channels(manifest: Manifest, options: DataOptions) -> tuple[int, str]:
    if options.color_mode != "auto":
        return {"grayscale": 1, "rgb": 3}[options.color_mode], "asked for"
    gray = manifest.facts["channels"] <= 2
    return (1, "every file is gray") if gray.all() else (3, f"{np.count_nonzero(~gray)} files have color")


def _choose_bits(manifest: Manifest, options: DataOptions) -> tuple[int, str]:
    if options.bit_depth != "auto":
        return int(options.bit_depth), ""
    deep = np.count_nonzero(manifest.facts["bit_depth"] == 16)
    bits = 16 if 2 * deep >= len(manifest) else 8
    why = f"; {deep} of {len(manifest)} have 16 bits" + ("" if bits == 16 else ", cut to 8")
    return bits, why if deep else ""


def _resize_line(resize: str, distorted: np.ndarray, options: DataOptions) -> str:
    """What is done with pictures of other proportions, and how many there are."""
    does = {
        "squash": "each side becomes the size wanted by itself",
        "crop": "the middle of each picture, in the proportions wanted",
        "pad": f"each picture whole, {options.background} around it",
    }[resize]
    would = "are" if resize == "squash" else "would be"
    count, by = np.count_nonzero(distorted), "" if resize == "squash" else " by squash"
    why = "asked for" if options.resize != "auto" else f"auto: above {100 * FEW:.0f}%" if resize != "squash" else "auto"
    return (
        f"{resize} ({why}): {does}; {count} of {len(distorted)} pictures ({100 * np.mean(distorted):.0f}%) {would} "
        f"distorted by more than a quarter{by}"
    )
