"""Damages pictures at random and judges what the two readers make of them, in a process of little memory.

python -m tests.helpers.mutations SEED COUNT FOLDER; FOLDER gets the bytes that are looked at, so that a crash leaves
them.
"""

import collections
import json
import os
import resource
import signal
import struct
import sys
import zlib
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

from pipeline.decoding import decode
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.plain_jpeg import are_plain, decode_plain, sizes
from pipeline.decoding.reasons import reason_of
from pipeline.decoding.resize import fit
from pipeline.sources import headers
from pipeline.sources.index import FACTS, FORMATS
from tests.helpers.pictures import encode, oriented, picture
from tests.helpers.shared_data import ODD

MEMORY_BYTES = 1 << 30  # above what the interpreter and TensorFlow have taken
SECONDS = 20  # for one picture; a decoder that takes longer hangs
LARGEST_SEED = 20_000
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF")
_MADE = (("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {}),
         ("WEBP", {"lossless": True}))  # fmt: skip
_PIXEL_FORMATS = (
    PixelFormat.square(32),
    PixelFormat.square(24, 1, 16),
    PixelFormat(20, 30, resize="crop"),
    PixelFormat(30, 20, 1, resize="pad"),
)
_NUMBERS = (0, 1, 2, 3, 255, 256, 9999, 12_000, 65_500, 65_535, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)


def seeds() -> list[bytes]:
    """Whole pictures of every format, made here, and the small ones among the odd images where those are there."""
    made = [encode(picture((40, 30)), name, **options) for name, options in _MADE]
    made += [oriented(made[0], 6), encode(picture(), "GIF"), encode(picture((33, 21))[..., 0], "PNG")]
    files = [path.read_bytes() for path in sorted(ODD.rglob("*.*"))] if ODD.is_dir() else []
    return made + [content for content in files if content.startswith(_STARTS) and len(content) <= LARGEST_SEED]


def mutate(generator: np.random.Generator, pictures: list[bytes]) -> bytes:
    """One of `pictures` with one to three damages, most of them in its first bytes, where sizes and lengths stand."""
    damaged = bytearray(pictures[generator.integers(len(pictures))])
    for _ in range(generator.integers(1, 4)):
        if len(damaged) < 8:
            break
        place = int(generator.integers(min(len(damaged), 80) if generator.random() < 0.6 else len(damaged)))
        _DAMAGES[generator.integers(len(_DAMAGES))](generator, damaged, place, pictures)
    if damaged.startswith(b"\x89PNG\r\n\x1a\n") and len(damaged) > 33 and generator.random() < 0.7:
        # A wrong checksum would end nearly every story of a PNG's header.
        damaged[29:33] = struct.pack(">I", zlib.crc32(damaged[12:29]))
    return bytes(damaged)


def _flip_bit(generator, damaged, place, _):
    damaged[place] ^= 1 << int(generator.integers(8))


def _set_byte(generator, damaged, place, _):
    damaged[place] = int(generator.integers(256))


def _cut(generator, damaged, place, _):
    del damaged[place:]


def _splice(generator, damaged, place, pictures):
    other = pictures[generator.integers(len(pictures))]
    damaged[place:] = other[generator.integers(len(other) + 1) :]


def _set_number(generator, damaged, place, _):
    size, order = generator.choice([2, 4]), generator.choice(["little", "big"])
    number = int(generator.choice([*_NUMBERS, int(generator.integers(1 << 32))]))
    damaged[place : place + size] = (number % (1 << 8 * int(size))).to_bytes(int(size), str(order))


def _repeat(generator, damaged, place, _):
    damaged[place:place] = damaged[place : place + int(generator.integers(1, 64))]


def _leave_out(generator, damaged, place, _):
    del damaged[place : place + int(generator.integers(1, 64))]


_DAMAGES = (_flip_bit, _set_byte, _cut, _splice, _set_number, _repeat, _leave_out)


def once_wrong(bitmap: bytes) -> list[bytes]:
    """Bytes that once got an error that Python cannot read, a picture that no index knew, or gigabytes; none is one."""
    greedy = bytearray(bitmap)
    greedy[14:18], greedy[28:30] = b"\xff\xff\xff\xff", b"\x08\0"  # a palette that begins beyond the file
    unknown = encode(picture(), "WEBP").replace(b"WEBP", b"WEBQ", 1)
    return [b"GIF8\xff\xff", b"GIF89a\xff\xff\xfe", unknown, bytes(greedy)]


def facts_of(content: bytes) -> np.ndarray:
    """What the index keeps of a good picture: [1], with the header's facts."""
    header = headers.read_header(content)
    facts = np.zeros(1, FACTS)
    for name in ("width", "height", "channels", "bit_depth", "orientation"):
        facts[name] = getattr(header, name)
    facts["format"] = FORMATS.index(header.format)
    return facts


class Judge:
    """Looks at pictures with the header's reader and with the graph, as training and as the endpoint run it; and with
    the short way of training, where that would be taken."""

    def __init__(self, pixel_format: PixelFormat):
        text = tf.TensorSpec([], tf.string)
        spec = tf.TensorSpec(pixel_format.shape, tf.as_dtype(pixel_format.dtype))

        def stored(image_bytes):
            image, turn = decode.decode_stored(image_bytes, pixel_format)
            return tf.shape(image)[:2], turn, fit(image, turn, pixel_format)

        def served(image_bytes):
            return tf.map_fn(lambda one: decode.decode_image(one, pixel_format), image_bytes, fn_output_signature=spec)

        def short(image_bytes, indexed):
            return decode_plain(image_bytes, indexed, pixel_format)

        self._pixel_format = pixel_format
        indexed = [tf.TensorSpec([1], tf.string), tf.TensorSpec([1, 2], tf.int32)]
        self._short = tf.function(short, input_signature=indexed, autograph=False)
        self._stored = tf.function(stored, input_signature=[text], autograph=False)
        self._served = tf.function(served, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)

    def __call__(self, content: bytes) -> str:
        """ "decoded", "refused" or "refused by the decoder alone"; raises AssertionError where the readers disagree."""
        try:
            header = headers.read_header(content)
        except headers.BadImage as bad:
            header = None
            _check_line(str(bad))
        try:
            size, turn, image = self._stored(content)
        except tf.errors.InvalidArgumentError as error:
            _check_line(reason_of(error))
            self._check_served_refusal(content)
            assert not header or self._in_short(content) is None, "the short way decodes what the graph refuses"
            return "refused by the decoder alone" if header else "refused"
        assert header, "the index refuses what the graph decodes"
        fractions = (1, 2, 4, 8) if header.format == "jpeg" else (1,)
        assert tuple(size.numpy()) in {(-(-header.height // part), -(-header.width // part)) for part in fractions}
        assert int(turn) == header.orientation
        np.testing.assert_array_equal(self._served([content]).numpy()[0], image.numpy())
        if are_plain(facts_of(content), self._pixel_format).all():
            np.testing.assert_array_equal(self._in_short(content), image.numpy())
        return "decoded"

    def _in_short(self, content: bytes) -> np.ndarray | None:
        """Its pixels by the short way; None where that is not taken, or refuses it."""
        facts = facts_of(content)
        if not are_plain(facts, self._pixel_format).all():
            return None
        try:
            return self._short([content], sizes(facts)).numpy()[0]
        except tf.errors.InvalidArgumentError:
            return None

    def _check_served_refusal(self, content: bytes) -> None:
        try:
            self._served([content])
        except tf.errors.InvalidArgumentError as error:
            _check_line(reason_of(error))
            return
        raise AssertionError("the endpoint decodes what training refuses")


def _check_line(reason: str) -> None:
    words = reason.removeprefix("cannot be decoded: ")
    assert len(words) > 9, reason
    assert words.isprintable(), reason
    assert not any(word in words for word in ("{{", "[[", "Op:", "Graph execution", "assertion")), reason


def limit_memory(above_bytes: int) -> None:
    """Lets this process take so much address space above what it has; what is more raises or kills."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + above_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(seed: int, count: int, folder: Path) -> None:
    """Prints how often which verdict was given, as JSON."""
    # With one thread the same bytes meet the operations in the same order, every time.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    judge = Judge(_PIXEL_FORMATS[(seed + 1) % len(_PIXEL_FORMATS)])
    pictures, generator = seeds(), np.random.default_rng(seed)
    for content in pictures[: len(_MADE)]:
        assert judge(content) == "decoded"
    limit_memory(MEMORY_BYTES)
    for content in once_wrong(pictures[4]):
        assert judge(content) != "decoded"
    verdicts = collections.Counter()
    for _ in range(count):
        content = mutate(generator, pictures)
        (folder / "last.bin").write_bytes(content)
        signal.alarm(SECONDS)
        verdicts[judge(content)] += 1
        signal.alarm(0)
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
