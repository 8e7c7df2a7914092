"""What a picture file says of itself in its first bytes: format, size, depth, orientation. No pixel is read.

The format is found by magic bytes, never by the name. All is plain `struct`: about ten microseconds a file.
"""

import dataclasses
import re
import struct
import zlib

from base.errors import BadImage

MAX_PIXELS = 100_000_000
# What claims more pixels than SMALL_PIXELS must have a byte for every 8,256 of them, as a blank PNG of one bit has
# (deflate makes 1,032 bytes of one at most): fewer bytes hold no picture, and would cost its memory.
SMALL_PIXELS, PIXELS_A_BYTE = 10_000_000, 8256
# The graph that decodes (decoding/orientation.py) looks for EXIF in as many bytes: both must see the same.
HEADER_BYTES = 65536
MAX_SEGMENTS = 64

_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_JPEG_REFUSED_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_BITMAP_DEPTHS = (1, 4, 8, 16, 24, 32)
_BITMAP_COMPRESSIONS = {1: "RLE8", 2: "RLE4", 4: "JPEG", 5: "PNG"}


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The facts of one picture file.

    Attributes:
      format: "jpeg", "png", "gif", "bmp" or "webp".
      width, height: pixels, as stored: before the orientation is applied.
      channels: 1 (gray), 2 (gray, alpha), 3 (color; a palette counts as 3) or 4 (color and alpha, CMYK).
      bit_depth: 8 or 16 bits a channel; 1, 2 and 4 count as 8.
      orientation: EXIF orientation of a JPEG, 1 to 8; 1 where it is absent or bad, and in other formats.
    """

    format: str
    width: int
    height: int
    channels: int
    bit_depth: int = 8
    orientation: int = 1


def read_header(image_bytes: bytes) -> Header:
    """Reads the facts of a picture.

    Args:
      image_bytes: the whole file, or its first `HEADER_BYTES` or more. A header that does not end within them
        is refused as cut short: read the whole file then.

    Raises:
      BadImage: not a picture that is decoded, a broken header, more pixels than `MAX_PIXELS` or than the bytes hold.
    """
    name, reader = next((one[1:] for one in _FORMATS if re.match(one[0], image_bytes, re.DOTALL)), ("", None))
    if reader is None:
        raise BadImage(_describe_unknown(image_bytes))
    try:
        header = reader(image_bytes)
    except (struct.error, IndexError):
        raise BadImage(f"the {name} header is cut short") from None
    if header.width < 1 or header.height < 1:
        raise BadImage(f"the picture is {header.width} x {header.height} pixels: it has no pixel")
    if header.width * header.height > MAX_PIXELS:
        raise BadImage(
            f"the picture is {header.width} x {header.height} pixels: above {MAX_PIXELS // 10**6} megapixels is refused"
        )
    if header.width * header.height > max(SMALL_PIXELS, PIXELS_A_BYTE * len(image_bytes)):
        raise BadImage(f"{len(image_bytes)} bytes cannot hold the {header.width} x {header.height} pixels they claim")
    return header


def _read_jpeg(image_bytes: bytes) -> Header:
    position = 2
    while True:
        # Like libjpeg: what lies between two segments is skipped, and so are fill bytes before a marker.
        position = image_bytes.find(b"\xff", position)
        if position < 0:
            raise IndexError
        marker = image_bytes[position + 1]
        if marker in _JPEG_FRAMES:
            break
        if marker in _JPEG_REFUSED_FRAMES:
            raise BadImage("a lossless or hierarchical JPEG, which is not decoded: save it as baseline JPEG")
        if marker in (0xD9, 0xDA):
            raise BadImage("a JPEG without a frame header (SOF)")
        position += _jpeg_step(image_bytes, position, marker)
    precision, height, width, channels = struct.unpack_from(">BHHB", image_bytes, position + 4)
    if precision != 8:
        raise BadImage(f"a JPEG of {precision} bits a channel, which is not decoded: save it with 8 bits")
    if channels not in (1, 3, 4):
        raise BadImage(f"a JPEG of {channels} channels: it must have 1, 3 or 4")
    return Header("jpeg", width, height, channels, orientation=read_orientation(image_bytes))


def _jpeg_step(image_bytes: bytes, position: int, marker: int) -> int:
    if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
        return 1 if marker == 0xFF else 2
    (length,) = struct.unpack_from(">H", image_bytes, position + 2)
    # Like libjpeg, which steps over a segment whose length does not even count its own two bytes.
    return 2 + max(2, length)


def read_orientation(image_bytes: bytes) -> int:
    """EXIF orientation of a JPEG, 1 to 8; 1 where it is absent, damaged or out of range.

    Looks at the APPn and COM segments right after the start of the file, up to the first other one, at most
    `MAX_SEGMENTS` of them, within the first `HEADER_BYTES` bytes. decoding/orientation.py does so in a graph.
    """
    head = image_bytes[:HEADER_BYTES]
    position = 2
    for _ in range(MAX_SEGMENTS):
        if head[position : position + 1] != b"\xff" or len(head) < position + 4:
            return 1
        marker = head[position + 1]
        end = position + 2 + int.from_bytes(head[position + 2 : position + 4], "big")
        if marker == 0xE1 and head[position + 4 : position + 10] == b"Exif\0\0":
            return _tiff_orientation(head[position + 10 : end])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            return 1
        position = end
    return 1


def _tiff_orientation(tiff: bytes) -> int:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, first) if first + 2 <= len(tiff) else (0,)
    for place in range(first + 2, min(first + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, values, value = struct.unpack_from(order + "HHIH", tiff, place)
        if tag == 0x0112:
            return value if (kind, values) == (3, 1) and 1 <= value <= 8 else 1
    return 1


def _read_png(image_bytes: bytes) -> Header:
    length, kind, width, height, depth, color = struct.unpack_from(">I4sIIBB", image_bytes, 8)
    if kind != b"IHDR" or length != 13:
        raise BadImage("a PNG without its header chunk (IHDR)")
    (checksum,) = struct.unpack_from(">I", image_bytes, 29)
    if zlib.crc32(image_bytes[12:29]) != checksum:
        raise BadImage("a PNG whose header chunk (IHDR) fails its checksum")
    if depth not in _PNG_DEPTHS.get(color, ()):
        raise BadImage(f"a PNG of color type {color} with {depth} bits: there is no such PNG")
    return Header("png", width, height, _PNG_CHANNELS[color], 16 if depth == 16 else 8)


def _read_gif(image_bytes: bytes) -> Header:
    flags = image_bytes[10]
    position = 13 + (3 << (flags % 8 + 1) if flags & 0x80 else 0)
    while image_bytes[position] == 0x21:
        position += 2
        while image_bytes[position]:
            position += image_bytes[position] + 1
        position += 1
    if image_bytes[position] != 0x2C:
        raise BadImage("a GIF without a picture in it")
    # The first picture block is what is decoded; the logical screen may be larger.
    width, height = struct.unpack_from("<HH", image_bytes, position + 5)
    return Header("gif", width, height, 3)


def _read_bitmap(image_bytes: bytes) -> Header:
    size, width, height, _, bits, compression = struct.unpack_from("<IiiHHI", image_bytes, 14)
    if size < 40:
        raise BadImage(f"a BMP with an OS/2 header of {size} bytes, which is not decoded: convert it to PNG")
    if bits not in _BITMAP_DEPTHS:
        raise BadImage(f"a BMP of {bits} bits a pixel: it must have one of {_BITMAP_DEPTHS}")
    packed = compression in (3, 6) and bits in (16, 32)
    if compression and not packed:
        name = _BITMAP_COMPRESSIONS.get(compression, f"type {compression}")
        raise BadImage(f"a BMP compressed with {name}, which is not decoded: convert it to PNG")
    (colors,) = struct.unpack_from("<I", image_bytes, 46)
    if bits <= 8 and colors > 1 << bits:
        raise BadImage(f"a BMP of {bits} bits a pixel that claims a palette of {colors} colors")
    return Header("bmp", width, abs(height), 4 if bits == 32 else 3)


def _read_webp(image_bytes: bytes) -> Header:
    alpha, position = False, 12
    for _ in range(MAX_SEGMENTS):
        name, length = struct.unpack_from("<4sI", image_bytes, position)
        if name == b"VP8 ":
            tag, start, width, height = struct.unpack_from("<B2x3sHH", image_bytes, position + 8)
            if tag & 1 or start != b"\x9d\x01\x2a":
                raise BadImage("a WebP whose first frame is broken")
            return Header("webp", width & 0x3FFF, height & 0x3FFF, 4 if alpha else 3)
        if name == b"VP8L":
            start, bits = struct.unpack_from("<BI", image_bytes, position + 8)
            if start != 0x2F:
                raise BadImage("a WebP whose first frame is broken")
            return Header("webp", bits % 0x4000 + 1, (bits >> 14) % 0x4000 + 1, 4 if bits >> 28 & 1 else 3)
        alpha = alpha or name == b"ALPH"
        # An animation frame is 16 bytes of its own, then chunks: go into the first one.
        position += 24 if name == b"ANMF" else 8 + length + length % 2
    raise BadImage("a WebP without a picture in it")


# What a file starts with, the first that fits; of the decoded ones with their readers.
_FORMATS = (
    (rb"\xff\xd8\xff", "JPEG", _read_jpeg),
    (rb"\x89PNG\r\n\x1a\n", "PNG", _read_png),
    (rb"GIF8[79]a", "GIF", _read_gif),
    (rb"RIFF.{4}WEBP", "WebP", _read_webp),
    (rb"BM", "BMP", _read_bitmap),
)
_REFUSED_FORMATS = (
    (rb".{4}ftypavi[fs]", "AVIF"),
    (rb".{4}ftyp(hei[cx]|mif1)", "HEIF"),
    (rb".{4}ftyp", "MP4 video"),
    (rb"P[1-7]\s", "PPM"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"8BPS", "PSD"),
    (rb"\0\0[\1\2]\0", "ICO"),
    (rb"qoif", "QOI"),
    (rb"<svg|<\?xml", "SVG or XML"),
)


def _describe_unknown(image_bytes: bytes) -> str:
    if not image_bytes.strip(b"\0"):
        return "nothing but NUL bytes: a failed download or a disk that was full" if image_bytes else "empty file"
    if image_bytes.startswith(b"version https://git-lfs"):
        return "a git LFS pointer, not a picture: run git lfs pull"
    for start, name in _REFUSED_FORMATS:
        if re.match(start, image_bytes, re.DOTALL):
            return f"{name} is not a format Penstock decodes: convert it to PNG"
    text = image_bytes[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "an HTML page, not a picture: the download got an error page"
    return "not a picture: none of the magic bytes of JPEG, PNG, GIF, BMP or WebP"
