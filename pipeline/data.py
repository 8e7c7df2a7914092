"""Pictures on disk -> everything a run needs to make batches: checked, split, and packed or streamed."""

import collections
import dataclasses
import itertools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from base import durable
from base.errors import UserError, one_line
from base.watch import SILENT, Watch
from pipeline.decoding.check import Verdict
from pipeline.decoding.choose import choose_full_scale, choose_pixel_format
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack, pack_folder
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.pixels import PackedPixels, Pixels, StreamedPixels
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
    """

    manifest: Manifest
    splits: Splits
    pixels: Pixels
    quarantine: Quarantine
    log_lines: Mapping[str, str]
    aside: Aside = ()
    notes: tuple[str, ...] = ()

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
    packed, verdict, cache_line = _decode(manifest, overview.pixel_format, options, cache_dir, threads, watch)
    quarantine = _check_quarantine(manifest, overview.catalog, verdict.refused, options)
    named = overview.catalog.named_splits
    splits = make_splits(manifest, verdict.refused_ids, options.split_fractions, options.split_seed, named)
    notes = (*overview.catalog.notes, *split_notes(splits, manifest, options.split_fractions is not None))
    pixel_format, why_scale = choose_full_scale(options, overview.pixel_format, verdict, splits)
    pixels = StreamedPixels(manifest, pixel_format, threads) if packed is None else PackedPixels(packed, pixel_format)
    if options.full_train:
        splits = train_on_validation(splits)
    aside = tuple(sorted(overview.catalog.aside + manifest.aside))
    log_lines = overview.log_lines | {"pixels": overview.log_lines["pixels"] + why_scale, "cache": cache_line}
    return Data(manifest, splits, pixels, quarantine, log_lines, aside, notes)


def _decode(manifest, pixel_format, options, cache_dir, threads, watch) -> tuple[np.ndarray | None, Verdict, str]:
    """(the packed pixels, or None for streaming; what decoding said of each example; where they are kept, and why)."""
    cache, why = _choose_cache(manifest, pixel_format, options, cache_dir)
    if cache == "pack":
        try:
            pack = open_or_build_pack(manifest, pixel_format, cache_dir, threads, watch)
            return pack.pixels, pack.verdict, why
        except durable.WriteError as error:
            if options.cache == "pack":
                raise UserError(
                    f"--cache=pack: the pack cannot be written to {str(cache_dir)!r} ({error.strerror}); free "
                    "some space, give another --cache_dir, or use --cache=none"
                ) from None
            why = f"none: warning, the pack could not be written to {cache_dir} ({error.strerror})"
    return None, load_or_make_verdict(manifest, pixel_format, cache_dir, threads, watch), why


def _choose_cache(manifest, pixel_format, options, cache_dir) -> tuple[str, str]:
    size_bytes = len(manifest) * pixel_format.nbytes
    shown = f"{size_bytes / 1e6:.0f} MB of decoded pictures"
    if options.cache != "auto":
        return options.cache, f"{options.cache}: asked for; {shown}"
    if pack_folder(manifest, pixel_format, cache_dir).is_dir():
        return "pack", f"pack: {shown}, packed before in {cache_dir}"
    existing = next(parent for parent in (cache_dir, *cache_dir.absolute().parents) if parent.exists())
    free_bytes = shutil.disk_usage(existing).free
    if size_bytes < 0.5 * free_bytes:
        return "pack", f"pack: {shown}, {free_bytes / 1e9:.0f} GB free in {cache_dir}"
    return "none", f"none: {shown} would take more than half of the free disk; decoding in every epoch"


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
