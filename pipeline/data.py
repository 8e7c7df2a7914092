"""Pictures on disk -> everything a run needs to make batches: checked, split, and packed or streamed."""

import collections
import contextlib
import dataclasses
import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from base.errors import UserError, one_line
from base.watch import SILENT, Watch
from pipeline.decoded import decode
from pipeline.decoding.choose import choose_full_scale, choose_pixel_format
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.pixels import Pixels
from pipeline.sources.entries import Aside
from pipeline.sources.folders import Catalog
from pipeline.sources.index import build_index
from pipeline.sources.manifest import Manifest
from pipeline.sources.splits import Splits, make_splits, split_notes, train_on_validation
from records.tables import SplitRow

Quarantine = tuple[tuple[bytes, str], ...]  # path, reason
_BAD_SHOWN = 3


class TooManyBad(UserError):  # noqa: N818 - as UserError's other kinds, it is no fault of the program
    """More bad files than the options allow; `quarantine` lists those that are known."""

    def __init__(self, text: str, quarantine: Quarantine):
        super().__init__(text)
        self.quarantine = quarantine


@dataclasses.dataclass(frozen=True)
class Overview:
    """What there is, before a picture is decoded: enough to build a model; `log_lines` as those of `Data`."""

    catalog: Catalog
    manifest: Manifest
    pixel_format: PixelFormat
    log_lines: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Data:
    """Checked examples, their split and their pixels.

    Attributes:
      manifest: all examples, refused ones too.
      splits: the ids of those that are used.
      pixels: what gives their decoded pictures.
      quarantine: every refused file with its reason.
      log_lines: what was chosen and why, by what it is about: how pictures are decoded and resized, and where the
        decoded ones are kept.
      aside: what else lies in the data folder and is not used, with the reason.
      notes: what a user should know of class names and splits, a line each.
      larger_pixels: what gives the pictures in the size from which training cuts its crops; None where that is the one
        that all are decoded to.
    """

    manifest: Manifest
    splits: Splits
    pixels: Pixels
    quarantine: Quarantine
    log_lines: Mapping[str, str]
    aside: Aside = ()
    notes: tuple[str, ...] = ()
    larger_pixels: Pixels | None = None

    @property
    def train_pixels(self) -> Pixels:
        """What gives training its pictures."""
        return self.larger_pixels or self.pixels

    @contextlib.contextmanager
    def naming_changes(self) -> Iterator[None]:
        """See `Pixels`, for all that gives pictures."""
        with self.pixels.naming_changes(), self.train_pixels.naming_changes():
            yield

    def split_rows(self) -> list[SplitRow]:
        """A row an example, for split.csv; by split, then in file order."""
        names, labels, digests = self.manifest.class_names, self.manifest.labels, self.manifest.facts["sha256"]
        return [
            SplitRow(self.manifest.shown_path(one), names[labels[one]], split, digests[one].tobytes().hex())
            for split, ids in self.splits.ids.items()
            for one in ids
        ]


def look(catalog: Catalog, options: DataOptions, cache_dir: Path, threads: int, watch: Watch = SILENT) -> Overview:
    """Indexes the pictures of a catalog; decodes none.

    Raises:
      UserError: a class holds no picture.
      TooManyBad: more is bad than the options allow.
      Stopped: somebody asked for it.
    """
    watch.check()
    manifest = build_index(catalog, cache_dir, threads, watch)
    _check_classes(manifest, catalog)
    _check_quarantine(manifest, catalog, {}, options)  # now, and not after an hour of decoding
    return Overview(catalog, manifest, *choose_pixel_format(manifest, options))


def load(overview: Overview, options: DataOptions, cache_dir: Path, threads: int, watch: Watch = SILENT) -> Data:
    """Checks every picture, splits, and packs where that is chosen.

    Raises:
      UserError: nothing can be trained on, or the pack that is asked for cannot be written.
      TooManyBad: more is bad than the options allow.
      Stopped: somebody asked for it.
    """
    manifest = overview.manifest
    watch.check()
    formats = _formats(overview.pixel_format, options)
    decoded = [decode(manifest, one, options, cache_dir, threads, watch) for one in formats]
    refused = {one: reason for part in decoded for one, reason in part.verdict.refused.items()}
    quarantine = _check_quarantine(manifest, overview.catalog, refused, options)
    named = overview.catalog.named_splits
    bad = np.array(sorted(refused), np.int64)
    splits = make_splits(manifest, bad, options.split_fractions, options.split_seed, named, options.fold_to_test)
    notes = (*overview.catalog.notes, *split_notes(splits, manifest, options.split_fractions is not None))
    pixel_format, why_scale = choose_full_scale(options, overview.pixel_format, decoded[0].verdict, splits)
    pixels, *larger = (part.pixels(manifest, pixel_format.full_scale, threads) for part in decoded)
    log_lines = overview.log_lines | {"pixels": overview.log_lines["pixels"] + why_scale, "cache": decoded[0].why_kept}
    for part in decoded[1:]:
        height, width, channels = part.pixel_format.shape
        log_lines["crops"] = f"of training come from {height}x{width}x{channels}; {part.why_kept}"
    if options.full_train:
        splits = train_on_validation(splits)
    aside = tuple(sorted(overview.catalog.aside + manifest.aside))
    return Data(manifest, splits, pixels, quarantine, log_lines, aside, notes, *larger)


def _formats(pixel_format: PixelFormat, options: DataOptions) -> list[PixelFormat]:
    """That of the pictures, then that of the larger ones from which training cuts its crops, if there are any.

    Evaluation and the exported model have nothing to do with the larger ones: they decode to the first, as without.
    """
    height, width = options.pack_sides
    larger = dataclasses.replace(pixel_format, height=height, width=width)
    return [pixel_format] if larger == pixel_format else [pixel_format, larger]


def _check_classes(manifest: Manifest, catalog: Catalog) -> None:
    counts, bad = np.bincount(manifest.labels, minlength=len(manifest.class_names)), manifest.quarantine
    if not counts.all():
        label = int(counts.argmin())
        # A builder of TFDS may name classes of which it holds nothing.
        folder = next((folder.path for folder in catalog.folders if folder.label == label), b"")
        place = one_line(os.path.join(catalog.root, folder))
        holds = f"no line of {str(catalog.table.path)!r} names a" if catalog.table else f"'{place}' holds no"
        raise UserError(
            f"class {manifest.class_names[label]!r} is empty: {holds} picture that can be read; add some, or remove it"
            + (f" (refused {len(bad)} files, as {_shown(bad[0])})" if bad else "")
            + (f" (left aside {len(manifest.aside)} files, as {_shown(manifest.aside[0])})" if manifest.aside else "")
        )


def _check_quarantine(
    manifest: Manifest, catalog: Catalog, refused: Mapping[int, str], options: DataOptions
) -> Quarantine:
    """All bad files, sorted; `refused` says of which examples decoding found that, and why.

    Raises TooManyBad where the options allow none, or not as many as a class has.
    """
    decoded = tuple((manifest.paths[example_id], reason) for example_id, reason in refused.items())
    quarantine = tuple(sorted(manifest.quarantine + decoded))
    if quarantine and options.on_bad_image == "fail":
        first = "; ".join(map(_shown, quarantine[:_BAD_SHOWN]))
        raise TooManyBad(
            f"--on_bad_image=fail: {len(quarantine)} bad files, as {first}: repair them or take them away, or leave "
            "them out with --on_bad_image=quarantine",
            quarantine,
        )
    classes = len(manifest.class_names)
    good = np.bincount(manifest.labels, minlength=classes)
    good -= np.bincount(manifest.labels[list(refused)], minlength=classes)
    for label, bad in _by_label(quarantine, catalog).items():
        name, files = manifest.class_names[label], len(bad) + int(good[label])
        if len(bad) > options.max_bad_fraction * files:
            raise TooManyBad(
                f"class {name!r}: {len(bad)} of {files} files are bad ({100 * len(bad) / files:.0f}%), more than "
                f"--max_bad_fraction={options.max_bad_fraction:g} allows; the first is {_shown(bad[0])}: repair them "
                "or take them away, or allow more with --max_bad_fraction",
                quarantine,
            )
    return quarantine


def _by_label(quarantine: Quarantine, catalog: Catalog) -> dict[int, list[tuple[bytes, str]]]:
    """The bad files of each class, which is that of the folder they lie under, or what the table says."""
    labels, found = {folder.path: folder.label for folder in catalog.folders}, collections.defaultdict(list)
    if catalog.table:
        labels = catalog.table.labels_of([path for path, _ in quarantine])
    for one in quarantine:
        parents = itertools.accumulate(one[0].split(b"/"), lambda parent, name: parent + b"/" + name)
        found[next(labels[parent] for parent in parents if parent in labels)].append(one)
    return found


def _shown(bad: tuple[bytes, str]) -> str:
    return f"'{one_line(bad[0])}': {bad[1]}"
