"""The short way for JPEGs of which the index has read all that decides: several in one graph, nothing looked up again.

Pixels are those of `decode.decode_image`, bit for bit: the same decoder, the same resize. What is left out are four
other formats, a search for EXIF and a choice of scale, and of the calls that begin a graph seven in eight: packing a
picture took 0.75 ms instead of 1.08.
"""

import numpy as np
import tensorflow as tf

from pipeline.decoding.decode import jpeg_pixels
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.resize import fit
from pipeline.sources.index import FORMATS

GROUP = 8  # pictures in one graph
# Larger ones take above 4 ms, so there the long way costs a few per cent, and some groups at a time little memory.
MOST_PIXELS = 1 << 20
_START = b"\xff\xd8\xff"


def are_plain(facts: np.ndarray, pixel_format: PixelFormat) -> np.ndarray:
    """bool [examples]: which `Manifest.facts` are of an upright JPEG, gray or color, that is decoded at full size."""
    height, width = facts["height"].astype(np.int64), facts["width"].astype(np.int64)
    # Below, a halved side is not left with the three pixels for each one wanted that `resize.jpeg_halvings` asks for:
    # the shorter one, in proportion; of a picture that is padded it is the longer one that becomes what is wanted.
    sides = height < 6 * pixel_format.height, width < 6 * pixel_format.width
    whole = np.logical_and(*sides) if pixel_format.resize == "pad" else np.logical_or(*sides)
    is_jpeg = (facts["format"] == FORMATS.index("jpeg")) & np.isin(facts["channels"], (1, 3))
    return is_jpeg & (facts["orientation"] == 1) & whole & (height * width <= MOST_PIXELS)


def sizes(facts: np.ndarray) -> np.ndarray:
    """int32 [examples, 2]: height and width, of `Manifest.facts`."""
    return np.stack([facts["height"], facts["width"]], axis=-1)


def decode_plain(image_bytes: tf.Tensor, indexed: tf.Tensor, pixel_format: PixelFormat) -> tf.Tensor:
    """Decodes pictures that `are_plain`, as `decode.decode_image` does one by one.

    Args:
      image_bytes: string [n], n static: whole files.
      indexed: int32 [n, 2], the `sizes` that the index has read.

    Returns:
      [n, height, width, channels], uint8 or uint16.

    Raises:
      tf.errors.InvalidArgumentError: one of them is damaged, no JPEG, or of another size: not what the index has read.
    """
    images = [jpeg_pixels(one, pixel_format) for one in tf.unstack(image_bytes)]
    seen = tf.stack([tf.shape(image)[:2] for image in images])
    # TensorFlow's decoder of JPEGs takes a PNG and a GIF as well.
    as_indexed = tf.reduce_all(tf.equal(tf.strings.substr(image_bytes, 0, 3), _START)) & tf.reduce_all(seen == indexed)
    with tf.control_dependencies([tf.debugging.Assert(as_indexed, ["not the JPEG that was indexed"])]):
        return tf.stack([fit(image, None, pixel_format) for image in images])
