"""Pictures made in memory, decoded by the graph and by Pillow; shared by the tests of decoding."""

import functools
import io
import struct
import zlib

import cv2
import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from pipeline.decoding.decode import decode_image
from pipeline.decoding.orientation import read_orientation
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources import headers

STRING = [tf.TensorSpec([], tf.string)]


@functools.cache
def decoder(size: int, channels: int = 3, bit_depth: int = 8):
    pixel_format = PixelFormat.square(size, channels, bit_depth)
    return tf.function(lambda image_bytes: decode_image(image_bytes, pixel_format), input_signature=STRING)


def decode(image_bytes: bytes, size: int = 32, channels: int = 3, bit_depth: int = 8) -> np.ndarray:
    return decoder(size, channels, bit_depth)(image_bytes).numpy()


def with_pillow(image_bytes: bytes, mode: str = "RGB") -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(image_bytes)))
    if image.mode.startswith("I;16"):  # Pillow would clip instead of keeping the high byte
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.format != "BMP" and (image.mode in ("RGBA", "LA") or "transparency" in image.info):
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return np.asarray(image.convert(mode))


def averaged(image: np.ndarray, size: int = 32) -> np.ndarray:
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def levels_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.reshape(other.shape).astype(np.int64) - other)


def picture(size: tuple[int, int] = (96, 64), channels: int = 3) -> np.ndarray:
    """[height, width, channels] uint8: smooth, colored, different in every corner."""
    y, x = np.mgrid[: size[1], : size[0]]
    waves = [128 + 100 * np.sin((x + 1) / (7 + 3 * c) + y / 11) * np.cos(y / (9 + c)) for c in range(channels)]
    return np.stack(waves, -1).clip(0, 255).astype(np.uint8)


def encode(pixels: np.ndarray, format_name: str, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(pixels)
    encoded = io.BytesIO()
    (image.convert(mode) if mode else image).save(encoded, format_name, **options)
    return encoded.getvalue()


def claiming(format_name: str, width: int, height: int, **options) -> bytes:
    """A small picture of about 2 KB whose header claims another size."""
    encoded = bytearray(encode(picture(), format_name, **options))
    if format_name == "JPEG":
        place = encoded.index(b"\xff\xc2" if "progressive" in options else b"\xff\xc0")
        encoded[place + 5 : place + 9] = struct.pack(">HH", height, width)
    elif format_name == "PNG":
        encoded[16:24] = struct.pack(">II", width, height)
        encoded[29:33] = struct.pack(">I", zlib.crc32(encoded[12:29]))
    elif format_name == "GIF":
        place = encoded.index(b",\0\0\0\0", 13)
        encoded[6:10] = encoded[place + 5 : place + 9] = struct.pack("<HH", width, height)
    elif format_name == "BMP":
        encoded[18:26] = struct.pack("<ii", width, height)
    elif "lossless" in options:
        encoded[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    else:
        place = encoded.index(b"\x9d\x01\x2a")
        encoded[place + 3 : place + 7] = struct.pack("<HH", width, height)
    return bytes(encoded)


def oriented(image_bytes: bytes, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = io.BytesIO()
    Image.open(io.BytesIO(image_bytes)).save(encoded, "JPEG", exif=exif, quality=95)
    return encoded.getvalue()


def verdict(image_bytes: bytes) -> tuple[str, np.ndarray | None]:
    try:
        headers.read_header(image_bytes)
        return "decode", decode(image_bytes)
    except (headers.BadImage, tf.errors.InvalidArgumentError):
        return "reject", None


graph_orientation = tf.function(read_orientation, input_signature=STRING, autograph=False)
