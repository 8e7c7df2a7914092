"""A picture's file, small, as it lies there: not as any model sees it."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from base.errors import BadImage
from pipeline.sources.headers import read_header
from reports.contact_sheet import MAX_SIDE, small


def thumbnail(content: bytes) -> np.ndarray | None:
    """uint8 [height, width, 3], at most MAX_SIDE pixels a side, upright; None for what cannot be decoded.

    Of 16 bits the upper 8 are shown, and of an animation the first frame.
    """
    try:
        read_header(content)  # which refuses what is too large for its bytes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a large picture, or damaged EXIF
            image = Image.open(io.BytesIO(content))
            image.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))  # of a JPEG: the decoder's own reduction
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            return small(np.asarray(image.convert("RGB")))
    except (BadImage, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
