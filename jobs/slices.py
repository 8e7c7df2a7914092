"""Where a model fails: its accuracy by properties of the pictures, of a run's test split and of what evaluate.py
scores."""

import concurrent.futures
import os
from collections.abc import Mapping, Sequence

import numpy as np

from base.errors import UserError
from base.watch import Watch
from evaluation.appearance import blocks, brightness_and_sharpness
from evaluation.picture_columns import picture_columns
from evaluation.slices import MOST_TEXTS, WORSE, Column, Slice, asked_slices, column_of, find_slices, worst_slice
from jobs.answered import Answered
from pipeline.data import Data
from pipeline.sources.splits import content_groups
from records.tables import SliceRow
from serving.pixel_predictor import PixelPredictor


def slices_of_run(data: Data, test: Answered, watch: Watch) -> list[Slice]:
    """Of a run's test split; none of an empty one.

    Brightness and sharpness are of the pictures as evaluation sees them, which costs one more pass over the split:
    of the pack, or, where there is none, of the files, as what a run says does not depend on its cache. Raises Stopped
    where somebody asked for it.
    """
    if not len(test):
        return []
    ids, manifest = test.example_ids, data.manifest
    groups = content_groups(manifest)
    used = np.concatenate(list(data.splits.ids.values()))
    is_copied = np.bincount(groups[used], minlength=groups.max() + 1)[groups[ids]] > 1
    names = [manifest.class_names[label] for label in test.labels]
    columns = picture_columns(names, manifest.facts[ids], is_copied, _appearance(data, ids, watch))
    return find_slices(test.answers == test.labels, columns)


def columns_of(values: Mapping[str, Sequence[str]], taken: Sequence[str]) -> tuple[list[Column], list[str]]:
    """(the columns of a table of the user's that can be cut into slices, by name; notes on the others).

    A name that is `taken` gets "of the table" behind it. Raises UserError where none can be cut.
    """
    named = {f"{name} of the table" if name in taken else name: texts for name, texts in values.items()}
    found = {name: column_of(name, texts) for name, texts in named.items()}
    lost = {name: len(set(named[name]) - {""}) for name, column in found.items() if column is None}
    told = [f"column {name!r} has {count} different texts" for name, count in lost.items()]
    rule = f"{MOST_TEXTS} are the most, as more say of each picture which it is; numbers are cut into ranges"
    if len(lost) == len(found):
        raise UserError(f"--slices: {told[0]}: {rule}; give a column of which several pictures have the same value")
    return [column for column in found.values() if column], [
        f"slices: {one}, so it is left out: {rule}" for one in told
    ]


def appearance_of_files(predictor: PixelPredictor, paths: Sequence[bytes]) -> np.ndarray:
    """`brightness_and_sharpness` of files as the model is given them; NaN for one that cannot be decoded any more."""

    def measure(path: bytes) -> np.ndarray:
        pixels, _ = predictor.decode(path)
        return np.full(2, np.nan) if pixels is None else brightness_and_sharpness(pixels[None], predictor.full_scale)[0]

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return np.stack(list(pool.map(measure, paths)))


def slice_rows(slices: Sequence[Slice]) -> list[SliceRow]:
    """For slices.csv."""

    def ends(interval):
        return [f"{end:.4f}" for end in interval] if interval else ["", ""]

    return [
        SliceRow(one.column, one.name, one.examples, one.right, f"{one.accuracy:.4f}", *ends(one.interval),
                 *ends(one.corrected), one.verdict)
        for one in slices
    ]  # fmt: skip


def slice_words(slices: Sequence[Slice]) -> str:
    """The worst slice, for the terminal; empty where none was asked."""
    worst, asked = worst_slice(slices), len(asked_slices(slices))
    if worst is None:
        return ""
    low, high = worst.interval
    told = f"{worst.column}: {worst.name}: {worst.accuracy:.4f} ({low:.4f} to {high:.4f}) of {worst.examples} examples"
    worse = sum(one.verdict == WORSE for one in slices)
    if not worse:
        return f"none of {asked} is shown to be worse than the whole; the least accurate is {told}"
    return f"{worse} of {asked} {'is' if worse == 1 else 'are'} worse than the whole; the worst is {told}"


def _appearance(data: Data, ids: np.ndarray, watch: Watch) -> np.ndarray:
    parts, full_scale = [], data.pixels.pixel_format.full_scale
    for block in blocks(ids):
        watch.check()
        parts.append(brightness_and_sharpness(data.pixels.read(block), full_scale))
    return np.concatenate(parts)
