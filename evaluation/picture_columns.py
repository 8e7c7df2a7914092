"""What is known of pictures without asking a model, as columns by which their accuracy is cut into slices."""

from collections.abc import Sequence

import numpy as np

from evaluation.slices import Column
from pipeline.sources.index import FORMATS

_SHOWN = {"jpeg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "webp": "WebP"}
ONLY_ONE, COPIED = "the only one of its bytes", "a copy is in the data set"


def picture_columns(
    class_names: Sequence[str], facts: np.ndarray, is_copied: np.ndarray, appearance: np.ndarray | None = None
) -> list[Column]:
    """Of n examples: the name of the class of each, `Manifest.facts`, whether another example has its bytes, bool, and
    `brightness_and_sharpness`, float [n, 2], NaN where a picture was not measured; None leaves both out."""
    pixels = facts["width"].astype(np.float64) * facts["height"]
    lies = facts["orientation"] > 4  # on its side, as it is stored
    width, height = (np.where(lies, *sides) for sides in (_sides(facts), _sides(facts)[::-1]))
    columns = [
        Column("class", np.array(class_names, object)),
        Column("size", pixels, "pixels"),
        Column("width / height", width / np.maximum(height, 1)),
        Column("format", np.array([_SHOWN[FORMATS[number]] for number in facts["format"]], object)),
        Column("file size", facts["bytes"].astype(np.float64), "bytes"),
        Column("copies", np.where(is_copied, COPIED, ONLY_ONE).astype(object)),
    ]
    if appearance is None:
        return columns
    names = ("brightness, 0 to 1", "sharpness, variance of the Laplacian")
    return columns + [Column(name, values) for name, values in zip(names, appearance.T, strict=True)]


def _sides(facts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(height, width), as they are stored."""
    return facts["height"].astype(np.float64), facts["width"].astype(np.float64)
