"""Where decoded pixels come from: the pack, or the files themselves. Both give the same pixels for an id."""

import concurrent.futures
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from base.errors import UserError
from pipeline.decoding.check import decoder
from pipeline.decoding.decode import decode_image, not_inlined
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.plain_jpeg import are_plain, decode_plain, sizes
from pipeline.decoding.reasons import words_of
from pipeline.sources.manifest import Manifest
from pipeline.sources.source import Files
from pipeline.stages import StageClock, stopwatch

PACK_PARALLEL_CALLS = 2  # batches gathered at a time
_READS = {"example_id": "image"}


class Pixels(Protocol):
    """A source of decoded pictures."""

    pixel_format: PixelFormat

    def batches(
        self, dataset: tf.data.Dataset, batch_size: int, clock: StageClock | None, reads: Mapping[str, str] = _READS
    ) -> tf.data.Dataset:
        """Adds stored pixels [batch, height, width, channels] to elements that have example ids int64 [batch].

        `reads` are features of example ids, `example_id` first -> the features that their pixels become; `clock` is
        told how long reading and decoding took.
        """
        ...

    def read(self, example_ids: Sequence[int]) -> np.ndarray:
        """Stored pixels uint8 or uint16 [n, height, width, channels], in the order of the ids."""
        ...

    def naming_changes(self) -> contextlib.AbstractContextManager:
        """A block in which batches are read: a picture that has changed under it is a UserError with its name."""
        ...


class PackedPixels:
    """Rows of a memory-mapped array: one gather a batch."""

    def __init__(self, pixels: np.ndarray, pixel_format: PixelFormat):
        """Args: `pixels` [examples, height, width, channels], by example id."""
        # Not np.memmap's own indexing: its subclass triples the cost of a gather, 0.25 instead of 0.08 ms a batch.
        self._pixels = np.asarray(pixels)
        self.pixel_format = pixel_format

    def batches(
        self, dataset: tf.data.Dataset, batch_size: int, clock: StageClock | None, reads: Mapping[str, str] = _READS
    ) -> tf.data.Dataset:
        """See `Pixels`."""
        shape, dtype = (batch_size, *self.pixel_format.shape), tf.as_dtype(self.pixel_format.dtype)

        # np.memmap behind a stateless numpy_function: an in-graph ImmutableConst is copied whole into memory by
        # constant folding, and crashes where it does not fit.
        def gather(batch):
            images = tf.numpy_function(
                lambda *ids: self._take(ids, clock), [batch[ids] for ids in reads], [dtype] * len(reads), stateful=False
            )
            images = [tf.ensure_shape(image, shape) for image in images]
            return batch | dict(zip(reads.values(), images, strict=True))

        return dataset.map(gather, num_parallel_calls=PACK_PARALLEL_CALLS, deterministic=True)

    def read(self, example_ids: Sequence[int]) -> np.ndarray:
        """See `Pixels`."""
        return self._pixels.take(example_ids, axis=0)

    def naming_changes(self) -> contextlib.AbstractContextManager:
        """See `Pixels`. The files are not looked at any more, so nothing that happens to them matters."""
        return contextlib.nullcontext()

    def _take(self, ids: Sequence[np.ndarray], clock: StageClock | None) -> list[np.ndarray]:
        began = time.perf_counter()
        rows = [self.read(part) for part in ids]
        if clock:
            clock.add("read", time.perf_counter() - began, PACK_PARALLEL_CALLS)
        return rows


class StreamedPixels:
    """A source's records, read and decoded as they are needed.

    Every one must still have the size and the time of change that the index saw: right before it is read, so that
    nothing else is opened in its place, and after, so that what was read is what was indexed. That is two `stat` a
    picture, a few microseconds each. Bytes that are replaced with both kept pass; only a hash would tell.
    """

    def __init__(self, manifest: Manifest, pixel_format: PixelFormat, threads: int):
        self._manifest = manifest
        self._threads = threads
        self._plain = are_plain(manifest.facts, pixel_format)
        self.pixel_format = pixel_format

    def batches(
        self, dataset: tf.data.Dataset, batch_size: int, clock: StageClock | None, reads: Mapping[str, str] = _READS
    ) -> tf.data.Dataset:
        """See `Pixels`."""

        def ids_of(batch):
            return tf.concat([batch[ids] for ids in reads], axis=0)

        # Pictures are decoded one by one, `threads` at a time and in order, then stand beside their batch again;
        # decoding whole batches in parallel would hold `threads` batches of undecoded and decoded pictures.
        images = (
            dataset.map(lambda batch: self._records(ids_of(batch)))
            .unbatch()
            .map(self._read, num_parallel_calls=self._threads, deterministic=True)
            .batch(batch_size * len(reads), drop_remainder=True)
        )

        def join(batch, image, read_seconds, decode_seconds):
            ids = tf.numpy_function(self._unchanged, [ids_of(batch)], tf.int64, stateful=False)
            ids = tf.ensure_shape(ids, [batch_size * len(reads)])[:batch_size]
            batch = batch | dict(zip(reads.values(), tf.split(image, len(reads)), strict=True)) | {"example_id": ids}
            if not clock:
                return batch
            sums = {"read": tf.reduce_sum(read_seconds), "decode": tf.reduce_sum(decode_seconds)}
            return clock.record({stage: (seconds, self._threads) for stage, seconds in sums.items()}, batch)

        return tf.data.Dataset.zip(dataset, images).map(lambda batch, parts: join(batch, *parts))

    def read(self, example_ids: Sequence[int]) -> np.ndarray:
        """See `Pixels`; raises UserError for a file that has changed."""
        decode = decoder(self.pixel_format)
        with concurrent.futures.ThreadPoolExecutor(self._threads) as pool:
            contents = pool.map(self._manifest.read, example_ids)
            return np.stack([*pool.map(lambda content: decode(tf.constant(content)).numpy(), contents)])

    @contextlib.contextmanager
    def naming_changes(self) -> Iterator[None]:
        """See `Pixels`."""
        try:
            yield
        except tf.errors.OpError as error:
            # What TensorFlow says of a file that is gone, cut or not a picture any more names no file, and what is
            # raised inside a graph comes out as its error: the files themselves tell which it was.
            self._manifest.check_unchanged(range(len(self._manifest)))
            if isinstance(error, tf.errors.InvalidArgumentError):
                self._manifest.check_contents(range(len(self._manifest)))
            if isinstance(error, tf.errors.PermissionDeniedError):
                text = f"a picture cannot be read any more: {words_of(error)}; check its permissions"
                raise UserError(text) from None
            raise

    def _records(self, example_ids: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """What `_read` takes, a row an id: where it is, its size int32 [2], whether it is plain.

        It is at a path, where the source has files, which the graph reads without Python; else the id tells.
        """
        types = [tf.string if isinstance(self._manifest.source, Files) else tf.int64, tf.int32, tf.bool]
        records = tf.numpy_function(self._look_up, [example_ids], types, stateful=False)
        shapes = [example_ids.shape, [*example_ids.shape, 2], example_ids.shape]
        return tuple(tf.ensure_shape(part, shape) for part, shape in zip(records, shapes, strict=True))

    def _look_up(self, example_ids: np.ndarray) -> list[np.ndarray]:
        locations, source = example_ids, self._manifest.source
        if isinstance(source, Files):
            self._unchanged(example_ids)
            locations = np.array([source.path(example_id) for example_id in example_ids], object)
        return [locations, sizes(self._manifest.facts[example_ids]), self._plain[example_ids]]

    def _unchanged(self, example_ids: np.ndarray) -> np.ndarray:
        self._manifest.check_unchanged(example_ids)
        return example_ids

    def _fetch(self, location: tf.Tensor) -> tf.Tensor:
        if isinstance(self._manifest.source, Files):
            return tf.io.read_file(location)
        content = tf.numpy_function(self._manifest.read, [location], tf.string, stateful=False)
        return tf.ensure_shape(content, [])

    def _decode(self, content: tf.Tensor, size: tf.Tensor, is_plain: tf.Tensor) -> tf.Tensor:
        def in_short():
            return decode_plain(content[None], size[None], self.pixel_format)[0]

        if self._plain.all():
            return in_short()
        # Not inlined: the nodes of the branch that is not taken would cost as much as those of the other.
        in_full = not_inlined(lambda: decode_image(content, self.pixel_format))
        return tf.cond(is_plain, in_short, in_full) if self._plain.any() else in_full()

    def _read(self, location, size, is_plain):
        content, read_seconds = stopwatch(self._fetch, location)
        image, decode_seconds = stopwatch(self._decode, content, size, is_plain)
        return image, read_seconds, decode_seconds
