"""Decodes every picture once before training, so that a file is refused then and never in the middle of a run."""

import collections
import concurrent.futures
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from base.errors import UserError
from base.watch import SILENT, Watch
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.plain_jpeg import GROUP, are_plain, decode_plain, sizes
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
    plain = are_plain(manifest.facts, pixel_format)
    if not plain.all():
        decoder(pixel_format)  # traced now, and not by each thread
    checker = _Checker(manifest, pixel_format, threads, on_pixels)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        groups = _in_window(pool, checker.check, _groups(plain), 8 * threads)
        for done, _ in enumerate(itertools.chain.from_iterable(groups), 1):
            watch.check()
            watch.progress(done, len(manifest), "decoding")
    watch.close()
    return Verdict(checker.refused, checker.peaks)


class _Checker:
    """What the threads of `check_pictures` do, and what they find."""

    def __init__(self, manifest: Manifest, pixel_format: PixelFormat, threads: int, on_pixels: Callable):
        self._manifest, self._pixel_format, self._threads = manifest, pixel_format, threads
        self._on_pixels = on_pixels
        self.refused: dict[int, str] = {}
        self.peaks = np.zeros(len(manifest), np.uint16)

    def check(self, example_ids: Sequence[int]) -> Sequence[int]:
        """Decodes a group of `_groups`; gives it back."""
        if len(example_ids) == 1 or not self._check_together(example_ids):
            for example_id in example_ids:
                self._check_one(example_id)
        return example_ids

    def _check_together(self, example_ids: Sequence[int]) -> bool:
        """False, and nothing kept, where one of them cannot be decoded so."""
        # A file that changed since the index is no verdict on the picture: it would be kept, under the hash of what
        # the file was.
        contents = [self._manifest.read(example_id) for example_id in example_ids]
        try:
            pictures = together(self._pixel_format)(contents, sizes(self._manifest.facts[example_ids]))
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError):
            return False
        for example_id, pixels in zip(example_ids, pictures, strict=True):
            self._keep(example_id, pixels)
        return True

    def _check_one(self, example_id: int) -> None:
        try:
            pixels = decoder(self._pixel_format)(tf.constant(self._manifest.read(example_id))).numpy()
        except tf.errors.InvalidArgumentError as error:
            self.refused[example_id] = reason_of(error)
        except tf.errors.ResourceExhaustedError:
            width, height = (self._manifest.facts[name][example_id] for name in ("width", "height"))
            raise UserError(
                f"{self._manifest.shown_path(example_id)!r}, {width} x {height} pixels: not enough memory to decode "
                f"{self._threads} such pictures at a time; give fewer --threads, or take it away"
            ) from None
        else:
            self._keep(example_id, pixels)

    def _keep(self, example_id: int, pixels: np.ndarray) -> None:
        self.peaks[example_id] = pixels.max()
        self._on_pixels(example_id, pixels)


def decoder(pixel_format: PixelFormat) -> Callable[[tf.Tensor], tf.Tensor]:
    """`decode_image` as one compiled call; kept, because tracing it takes seconds."""
    return _decoder(dataclasses.replace(pixel_format, full_scale=0))


@functools.cache
def _decoder(pixel_format: PixelFormat) -> Callable[[tf.Tensor], tf.Tensor]:
    decode = tf.function(lambda image_bytes: decode_image(image_bytes, pixel_format), autograph=False)
    return decode.get_concrete_function(tf.TensorSpec([], tf.string))


def together(pixel_format: PixelFormat) -> Callable[[Sequence[bytes], np.ndarray], np.ndarray]:
    """`decode_plain` as one compiled call for up to `GROUP` pictures: (contents, `sizes`) -> pixels [n, ...]."""
    decode = _together(dataclasses.replace(pixel_format, full_scale=0))

    def call(contents: Sequence[bytes], indexed: np.ndarray) -> np.ndarray:
        count = len(contents)
        places = np.minimum(np.arange(GROUP), count - 1)  # what is missing is the last one again
        return decode(tf.constant([contents[place] for place in places]), tf.constant(indexed[places])).numpy()[:count]

    return call


@functools.cache
def _together(pixel_format: PixelFormat) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    decode = tf.function(lambda contents, indexed: decode_plain(contents, indexed, pixel_format), autograph=False)
    return decode.get_concrete_function(tf.TensorSpec([GROUP], tf.string), tf.TensorSpec([GROUP, 2], tf.int32))


def _groups(plain: np.ndarray) -> Iterator[list[int]]:
    """Every example id once: plain ones in groups of up to `GROUP`, the others one by one."""
    group: list[int] = []
    for example_id, is_plain in enumerate(plain.tolist()):
        if not is_plain:
            yield [example_id]
            continue
        group.append(example_id)
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


def _in_window(pool, function, arguments, window: int) -> Iterator:
    """Like pool.map, with at most `window` calls waiting: a million futures would cost gigabytes."""
    waiting = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()
