"""Whether a file is meant as a picture: by its name, or by what it begins with. What is neither is somebody else's."""

import os
import re

# What a picture's name ends in, also that of a format which is refused.
_PICTURE_SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .webp .tif .tiff .heic .heif .avif .jp2 .j2k .jxl .psd .ico .svg "
    b".ppm .pgm .pbm .pnm .qoi .tga .exr .hdr .raw .dng .cr2 .cr3 .nef .arw .orf .rw2 .raf".split()
)
# What a picture without such a name begins with: only marks that no text and no other file begins with by chance.
_SURE_MAGIC = (
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|.{4}ftyp(avi[fs]|hei[cx]|mif1)|II[*+]\0|MM\0[*+]|"
    rb"\0\0\0\x0cj(P  |XL )|8BPS|qoif"
)


def is_picture_name(path: bytes) -> bool:
    """Whether a file's name ends as a picture's."""
    return os.path.splitext(path)[1].lower() in _PICTURE_SUFFIXES


def begins_as_picture(image_bytes: bytes) -> bool:
    """Whether a file begins as a picture does, whatever it is called."""
    return re.match(_SURE_MAGIC, image_bytes, re.DOTALL) is not None
