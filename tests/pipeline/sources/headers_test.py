"""Header facts against Pillow, and every refusal by its reason."""

import contextlib
import csv
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.sources import headers
from tests.helpers.shared_data import ODD

needs_odd_images = pytest.mark.skipif(not ODD.is_dir(), reason=f"no pictures at {ODD}")


def encode(format_name: str, mode: str = "RGB", size: tuple[int, int] = (23, 11), **options) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 4), np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels, "RGBA").convert(mode).save(encoded, format_name, **options)
    return encoded.getvalue()


def exif_jpeg(orientation: int, order: str = "<", kind: int = 3, before: bytes = b"") -> bytes:
    """A JPEG with an EXIF segment built by hand: byte order "<" or ">"; `before` stands between it and the start."""
    entry = struct.pack(order + "HHIHH", 0x0112, kind, 1, orientation, 0)
    other = struct.pack(order + "HHIHH", 0x0100, 3, 1, 77, 0)
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2) + other + entry + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", 2 + 6 + len(tiff)) + b"Exif\0\0" + tiff
    plain = encode("JPEG")
    return plain[:2] + before + segment + plain[2:]


@pytest.mark.parametrize(
    ("format_name", "mode", "expected"),
    [
        ("JPEG", "RGB", ("jpeg", 3)),
        ("JPEG", "L", ("jpeg", 1)),
        ("JPEG", "CMYK", ("jpeg", 4)),
        ("PNG", "RGB", ("png", 3)),
        ("PNG", "P", ("png", 3)),
        ("PNG", "1", ("png", 1)),
        ("PNG", "LA", ("png", 2)),
        ("PNG", "RGBA", ("png", 4)),
        ("GIF", "P", ("gif", 3)),
        ("BMP", "RGB", ("bmp", 3)),
        ("BMP", "L", ("bmp", 3)),
        ("BMP", "RGBA", ("bmp", 4)),
        ("WEBP", "RGB", ("webp", 3)),
        ("WEBP", "RGBA", ("webp", 4)),
    ],
)
def test_facts_of_each_format(format_name, mode, expected):
    header = headers.read_header(encode(format_name, mode))
    assert (header.format, header.channels) == expected
    assert (header.width, header.height, header.bit_depth, header.orientation) == (23, 11, 8, 1)


def test_lossless_webp_with_and_without_alpha():
    for mode, channels in (("RGB", 3), ("RGBA", 4)):
        header = headers.read_header(encode("WEBP", mode, lossless=True))
        assert (header.width, header.height, header.channels) == (23, 11, channels)


def test_sixteen_bits_are_seen():
    encoded = io.BytesIO()
    Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000).save(encoded, "PNG")
    assert headers.read_header(encoded.getvalue()) == headers.Header("png", 4, 3, 1, bit_depth=16)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_both_byte_orders(orientation, order):
    assert headers.read_header(exif_jpeg(orientation, order)).orientation == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_out_of_range_counts_as_none(orientation):
    assert headers.read_header(exif_jpeg(orientation)).orientation == 1


def test_orientation_of_another_type_counts_as_none():
    assert headers.read_header(exif_jpeg(6, kind=2)).orientation == 1


def test_orientation_after_other_metadata_segments():
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"note"
    extended = b"\xff\xe1" + struct.pack(">H", 12) + b"http://xmp"
    assert headers.read_header(exif_jpeg(8, ">", before=comment + extended)).orientation == 8


def header_or_reason(image_bytes: bytes) -> headers.Header | str:
    try:
        return headers.read_header(image_bytes)
    except headers.BadImage as bad:
        return str(bad)


@needs_odd_images
def test_sizes_of_the_odd_images():
    """What is accepted has the size that Pillow sees; of the decodable ones only TIFF is refused here."""
    sizes = 0
    for row in csv.DictReader((ODD / "manifest.csv").open()):
        found = header_or_reason((ODD / row["file"]).read_bytes())
        if isinstance(found, headers.Header):
            sizes += bool(row["size"])
            assert f"{found.width}x{found.height}" == row["size"] or not row["size"], row["file"]
        else:
            assert "\n" not in found
            assert row["expected"] == "reject" or row["firm"] == "no" or "TIFF" in found, row["file"]
    assert sizes > 70


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header))


def refusal(image_bytes: bytes) -> str:
    with pytest.raises(headers.BadImage) as caught:
        headers.read_header(image_bytes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("image_bytes", "words"),
    [
        (b"", "empty file"),
        (bytes(4096), "NUL bytes"),
        (b"\n <!DOCTYPE html><p>404", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"II*\0\x08\0\0\0", "TIFF is not a format Penstock decodes: convert it to PNG"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x1cftypheic", "HEIF"),
        (b"8BPS\0\1", "PSD"),
        (b"P6\n3 3\n255\n", "PPM"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"hello, I am a text", "not a picture"),
        (b"\xff\xd8\xff", "JPEG header is cut short"),
        (b"\xff\xd8\xff\xd9", "without a frame header"),
        (png_header(10_000, 10_001), "10000 x 10001 pixels: above 100 megapixels is refused"),
        (png_header(0, 5), "0 x 5 pixels: it has no pixel"),
        (png_header(5, 5)[:-1] + b"?", "fails its checksum"),
        (png_header(5, 5)[:24], "PNG header is cut short"),
        (b"GIF89a\1\0\1\0\0\0\0;", "without a picture"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 4, 4, 1, 8, 1) + bytes(20), "RLE8"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 12, 4, 4, 1, 8, 0) + bytes(20), "OS/2"),
        (b"RIFF\x10\0\0\0WEBPVP8 \4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "first frame is broken"),
    ],
)
def test_refusals_say_why(image_bytes, words):
    assert words in refusal(image_bytes)


def test_a_picture_of_just_as_many_pixels_as_allowed_is_accepted():
    assert headers.read_header(png_header(10_000, 10_000) + bytes(13_000)).width == 10_000


def test_few_bytes_may_claim_few_pixels_only():
    """A blank PNG of one bit a pixel, the densest there is, is under the limit; a header alone is not."""
    encoded = io.BytesIO()
    Image.new("1", (9_999, 9_999)).save(encoded, "PNG", optimize=True)
    assert headers.read_header(encoded.getvalue()).height == 9_999
    assert headers.read_header(png_header(10_000, 1_000)).height == 1_000
    assert refusal(png_header(10_000, 1_001)) == "33 bytes cannot hold the 10000 x 1001 pixels they claim"
    assert headers.read_header(png_header(10_000, 1_001) + bytes(1180)).height == 1_001


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_jpeg_segment_of_no_length_is_stepped_over_as_the_decoder_does(length):
    plain = encode("JPEG")
    segment = b"\xff\xec" + struct.pack(">H", length)
    assert headers.read_header(plain[:2] + segment + plain[2:]) == headers.read_header(plain)


@pytest.mark.parametrize(("marker", "words"), [(0xC3, "lossless"), (0xC0, "12 bits")])
def test_jpeg_frames_that_are_not_decoded(marker, words):
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 17, 12, 8, 8, 3) + bytes(9)
    assert words in refusal(b"\xff\xd8" + frame)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_every_cut_of_a_file_is_read_or_refused(format_name):
    whole = encode(format_name)
    facts = headers.read_header(whole)
    for length in range(0, len(whole), 1 if len(whole) < 1000 else 7):
        with contextlib.suppress(headers.BadImage):
            assert headers.read_header(whole[:length]) == facts
