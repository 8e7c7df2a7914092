"""Contact sheets of what the model will see: examples as decoded, and the same ones augmented."""

import numpy as np

from pipeline.augment.options import AugmentOptions
from pipeline.augment.warp import augment, make_transforms
from pipeline.data import Data
from pipeline.graph import make_eval_dataset
from reports.plots import contact_sheet

SAMPLE_COLUMNS = 6
AUGMENTED_COLUMNS = 7


def read_images(data: Data, example_ids: np.ndarray) -> np.ndarray:
    """float32 [examples, height, width, channels] in [0, 1], as evaluation sees them, in the order of the ids."""
    batches = make_eval_dataset(
        np.asarray(example_ids), data.pixels, data.manifest.labels,
        batch_size=min(64, len(example_ids)), full_scale=data.full_scale,
    )  # fmt: skip
    return np.concatenate([batch["image"].numpy()[batch["mask"].numpy()] for batch in batches])


def sample_sheet(data: Data, split: str = "train", rows: int = 4) -> bytes:
    """PNG of examples of a split, evenly spread over its classes, with class name and path."""
    ids = _spread(data, split, rows * SAMPLE_COLUMNS)
    manifest = data.manifest
    captions = [f"{manifest.class_names[manifest.labels[i]]}\n{manifest.shown_path(i)}" for i in ids]
    return contact_sheet(read_images(data, ids), captions, SAMPLE_COLUMNS)


def augmentation_sheet(data: Data, options: AugmentOptions, seed: int, rows: int = 5) -> bytes:
    """PNG with a row an example: as it is, then as the first epochs will see it."""
    ids = _spread(data, "train", rows)
    originals = read_images(data, ids)
    pixels = np.round(originals * data.full_scale).astype(data.pixels.pixel_format.dtype)
    tiles, captions = [], []
    seen = [
        augment(pixels, make_transforms(options, pixels.shape[1], seed, epoch, ids), data.full_scale).numpy()
        for epoch in range(AUGMENTED_COLUMNS - 1)
    ]
    for row, example_id in enumerate(ids):
        tiles += [originals[row], *(epoch[row] for epoch in seen)]
        captions += [data.manifest.shown_path(example_id), *(f"epoch {e + 1}" for e in range(len(seen)))]
    return contact_sheet(np.stack(tiles), captions, AUGMENTED_COLUMNS)


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
