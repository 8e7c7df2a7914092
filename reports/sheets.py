"""Contact sheets of what the model will see: examples as decoded, and the same ones augmented."""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.data import Data
from pipeline.graph import make_finish
from reports.contact_sheet import COLUMNS, Band, Sheet, Tile, small
from reports.numbers import percent
from reports.plots import displayable

SAMPLES = 24  # at least as many, where a class has them
MOST_BANDS = 12  # up to as many classes have a row of their own
MOST_CLASSES = 48  # of a sheet with a picture a class
MOST_AUGMENTED = 16  # classes


def sample_sheet(data: Data, split: str = "train") -> Sheet:
    """Examples of a split: each class in rows of its own, or where there are many classes, one example of each."""
    classes, note = _classes(data, split, MOST_CLASSES)
    are_many = len(classes) > MOST_BANDS
    a_class = 1 if are_many else COLUMNS * max(1, SAMPLES // (COLUMNS * len(classes)))
    members = [_spread(data, split, label, a_class) for label in classes]
    tiles = _tiles(data, np.concatenate(members), named=are_many)
    if are_many:
        return Sheet([Band(list(tiles))], note)
    bands = []
    for label, ids in zip(classes, members, strict=True):
        name, fallback = _title(data, label)
        bands.append(Band(list(itertools.islice(tiles, len(ids))), name, fallback=fallback))
    return Sheet(bands, note)


def augmentation_sheet(data: Data, options: AugmentOptions, seed: int) -> Sheet:
    """A band an example: as it is, then as the first epochs will see it."""
    classes, note = _classes(data, "train", MOST_AUGMENTED)
    # Two rows an example, unless that makes a tower.
    epochs = (2 if len(classes) <= MOST_AUGMENTED // 2 else 1) * COLUMNS - 1
    a_class = max(1, 4 // len(classes))
    ids = np.concatenate([_spread(data, "train", label, a_class) for label in classes])
    pixels = data.pixels.read(ids)
    stored = pixels if data.train_pixels is data.pixels else data.train_pixels.read(ids)
    seen = _augmented(data, options, seed, ids, stored, epochs)
    bands = []
    for row, one in enumerate(ids):
        tiles = [Tile(_shown(data, pixels[row]), "as it is"), *(epoch[row] for epoch in seen)]
        name, fallback = _title(data, data.manifest.labels[one])
        bands.append(Band(tiles, name, data.manifest.shown_path(one), fallback))
    return Sheet(bands, note)


def _augmented(
    data: Data, options: AugmentOptions, seed: int, ids: np.ndarray, pixels: np.ndarray, epochs: int
) -> list[list[Tile]]:
    """[epochs][examples]: these examples, whose `pixels` are as training reads them, as the first epochs see them."""
    pixel_format = data.pixels.pixel_format
    finish, sides = make_finish(options, pixel_format), pixel_format.shape[:2]
    examples = Examples(data.splits.ids["train"], data.manifest.labels, *sides, pixels.shape[1:3])
    planned = [options.plan(seed, epoch, ids, examples) for epoch in range(epochs)]
    others = {}
    for source, image in options.reads.items():  # of all epochs together
        read = data.train_pixels.read(np.concatenate([plan[source] for plan in planned]))
        others[image] = read.reshape(epochs, *pixels.shape)
    seen = []
    for epoch, plan in enumerate(planned):
        batch = finish({"image": pixels} | plan | {image: read[epoch] for image, read in others.items()})
        images = displayable(batch["image"].numpy())
        captions = [_caption(data, f"epoch {epoch + 1}", batch, one, row) for row, one in enumerate(ids)]
        seen.append([Tile(small(image), *caption) for image, caption in zip(images, captions, strict=True)])
    return seen


def _caption(data: Data, name: str, batch: Mapping, one: int, row: int) -> tuple[str, str, str]:
    """(name, path, fallback) of a tile: where the picture of example `one`, in this row of an augmented batch, is mixed
    with another one, both classes with their shares."""
    share = float(batch["second_weight"][row]) if "second_weight" in batch else 0.0
    if not share:
        return name, "", ""
    labels, shares = (data.manifest.labels[one], int(batch["second_label"][row])), (1.0 - share, share)
    titles = zip(*(_title(data, label) for label in labels), strict=True)
    mixed, fallback = (
        ", ".join(f"{percent(part, 0)} {title}" for part, title in zip(shares, both, strict=True)) for both in titles
    )
    return f"{name}: {mixed}", "", f"{name}: {fallback}"


def _tiles(data: Data, ids: np.ndarray, named: bool) -> Iterator[Tile]:
    # Read together: what is streamed is decoded by all threads, before the first step.
    for one, pixels in zip(ids, data.pixels.read(ids), strict=True):
        name, fallback = _title(data, data.manifest.labels[one]) if named else ("", "")
        yield Tile(_shown(data, pixels), name, data.manifest.shown_path(one), fallback)


def _title(data: Data, label: int) -> tuple[str, str]:
    """(a class's name, what is drawn where the font has not its letters)."""
    return data.manifest.class_names[label], f"class {label}"


def _shown(data: Data, pixels: np.ndarray) -> np.ndarray:
    """A stored picture as evaluation sees it, [height, width, 3] uint8, in a size for screens."""
    images = to_float(pixels[None], data.pixels.pixel_format.full_scale).numpy()
    return small(displayable(images)[0])


def _classes(data: Data, split: str, most: int) -> tuple[np.ndarray, str]:
    """(at most that many of a split's classes, evenly spread; a note where these are not all of the data set)."""
    labels = np.unique(data.manifest.labels[data.splits.ids[split]])
    chosen = labels[np.linspace(0, len(labels) - 1, min(most, len(labels))).astype(int)]
    count = len(data.manifest.class_names)
    return chosen, f"{len(chosen)} of {count} classes" if len(chosen) < count else ""


def _spread(data: Data, split: str, label: int, count: int) -> np.ndarray:
    """At most `count` example ids of a class, evenly spread over its files."""
    ids = data.splits.ids[split]
    members = ids[data.manifest.labels[ids] == label]
    return members[np.linspace(0, len(members) - 1, min(count, len(members))).astype(int)]
