"""Contact sheets of what the model will see: examples as decoded, and the same ones augmented."""

import numpy as np

from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.data import Data
from pipeline.graph import make_finish
from reports.plots import contact_sheet

SAMPLE_COLUMNS = 6
AUGMENTED_COLUMNS = 7


def sample_sheet(data: Data, split: str = "train", rows: int = 4) -> bytes:
    """PNG of examples of a split, evenly spread over its classes, with class name and path."""
    ids = _spread(data, split, rows * SAMPLE_COLUMNS)
    manifest = data.manifest
    captions = [f"{manifest.class_names[manifest.labels[i]]}\n{manifest.shown_path(i)}" for i in ids]
    return contact_sheet(_evaluated(data, data.pixels.read(ids)), captions, SAMPLE_COLUMNS)


def augmentation_sheet(data: Data, options: AugmentOptions, seed: int, rows: int = 5) -> bytes:
    """PNG with a row an example: as it is, then as the first epochs will see it."""
    ids = _spread(data, "train", rows)
    pixels = data.pixels.read(ids)
    finish = make_finish(options, data.pixels.pixel_format)
    examples = Examples(data.splits.ids["train"], data.manifest.labels, pixels.shape[1])
    seen = []
    for epoch in range(AUGMENTED_COLUMNS - 1):
        planned = options.plan(seed, epoch, ids, examples)
        others = {image: data.pixels.read(planned[source]) for source, image in options.reads.items()}
        seen.append(finish({"image": pixels} | planned | others)["image"].numpy())
    originals, tiles, captions = _evaluated(data, pixels), [], []
    for row, example_id in enumerate(ids):
        tiles += [originals[row], *(epoch[row] for epoch in seen)]
        captions += [data.manifest.shown_path(example_id), *(f"epoch {e + 1}" for e in range(len(seen)))]
    return contact_sheet(np.stack(tiles), captions, AUGMENTED_COLUMNS)


def _evaluated(data: Data, pixels: np.ndarray) -> np.ndarray:
    """Stored pixels as evaluation sees them: float32 in [0, 1]."""
    return to_float(pixels, data.pixels.pixel_format.full_scale).numpy()


def _spread(data: Data, split: str, count: int) -> np.ndarray:
    """At most `count` example ids of a split, as many a class as possible, class after class."""
    ids = data.splits.ids[split]
    labels = data.manifest.labels[ids]
    a_class = max(1, count // len(data.manifest.class_names))
    chosen = []
    for label in np.unique(labels):
        members = ids[labels == label]
        places = np.linspace(0, len(members) - 1, min(a_class, len(members))).astype(int)
        chosen.append(members[places])
    return np.concatenate(chosen)[:count]
