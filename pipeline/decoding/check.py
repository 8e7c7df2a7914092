"""Decodes every picture once before training, so that a file is refused then and never in the middle of a run."""

import collections
import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from base.errors import UserError
from base.watch import SILENT, Watch
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.reasons import reason_of
from pipeline.sources.manifest import Manifest

# Raised by the graph decoder's author whenever its pixels change: it is part of every pack's and verdict's key.
DECODE_VERSION = 3


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What decoding said of each example: `refused` example id -> reason, in one line; `peaks` uint16 [examples], the
    largest decoded value of each picture (0 for a refused one)."""

    refused: Mapping[int, str]
    peaks: np.ndarray

    @property
    def refused_ids(self) -> np.ndarray:
        """int64 [refused], ascending."""
        return np.array(sorted(self.refused), np.int64)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """For `durable.write_arrays`; the opposite of `from_arrays`."""
        ids = self.refused_ids
        reasons = "\0".join(self.refused[int(example_id)] for example_id in ids)
        return {"refused": ids, "reasons": np.frombuffer(reasons.encode(), np.uint8), "peaks": self.peaks}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Verdict":
        """Raises KeyError or ValueError for arrays that are not a verdict."""
        ids = arrays["refused"].tolist()
        reasons = arrays["reasons"].tobytes().decode().split("\0") if ids else []
        return cls(dict(zip(ids, reasons, strict=True)), arrays["peaks"])


def check_pictures(
    manifest: Manifest, pixel_format: PixelFormat, threads: int,
    on_pixels: Callable[[int, np.ndarray], None] = lambda example_id, pixels: None, watch: Watch = SILENT,
) -> Verdict:  # fmt: skip
    """Decodes all examples with `threads` threads; `on_pixels(example_id, pixels)` is called from those threads.

    Raises UserError for a file that has changed since it was indexed, and where the memory does not suffice; Stopped
    where somebody asked for it.
    """
    decode = decoder(pixel_format)
    refused: dict[int, str] = {}
    peaks = np.zeros(len(manifest), np.uint16)

    def check(example_id: int) -> None:
        try:
            # A file that changed since the index is no verdict on the picture: it would be kept, under the hash of
            # what the file was.
            pixels = decode(tf.constant(manifest.read(example_id))).numpy()
        except tf.errors.InvalidArgumentError as error:
            refused[example_id] = reason_of(error)
        except tf.errors.ResourceExhaustedError:
            width, height = (manifest.facts[name][example_id] for name in ("width", "height"))
            raise UserError(
                f"{manifest.shown_path(example_id)!r}, {width} x {height} pixels: not enough memory to decode "
                f"{threads} such pictures at a time; give fewer --threads, or take it away"
            ) from None
        else:
            peaks[example_id] = pixels.max()
            on_pixels(example_id, pixels)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for done, _ in enumerate(_in_window(pool, check, range(len(manifest)), 64 * threads), 1):
            watch.check()
            watch.progress(done, len(manifest), "decoding")
    watch.close()
    return Verdict(refused, peaks)


def decoder(pixel_format: PixelFormat) -> Callable[[tf.Tensor], tf.Tensor]:
    """`decode_image` as one compiled call; kept, because tracing it takes seconds."""
    return _decoder(dataclasses.replace(pixel_format, full_scale=0))


@functools.cache
def _decoder(pixel_format: PixelFormat) -> Callable[[tf.Tensor], tf.Tensor]:
    decode = tf.function(lambda image_bytes: decode_image(image_bytes, pixel_format), autograph=False)
    return decode.get_concrete_function(tf.TensorSpec([], tf.string))


def _in_window(pool, function, arguments, window: int) -> Iterator:
    """Like pool.map, with at most `window` calls waiting: a million futures would cost gigabytes."""
    waiting = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()
