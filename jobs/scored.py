"""The pictures that evaluate.py scores: a split of the run's own, or those of a folder."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from base.errors import BadImage, UserError
from base.files import read_file
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import catalog_of_folder, check_outside, data_folder
from pipeline.sources.index import build_index
from records.run_folder import RunFolder


def pictures_of_folder(dataset: str, cache_dir: Path, class_names: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """(paths, class names) of --dataset=folder:PATH; raises UserError for a class that the run does not know."""
    kind, _, folder = dataset.partition(":")
    if kind != "folder" or not folder:
        raise UserError(f"--dataset={dataset}: evaluate.py takes folder:PATH, with folders named as the run's classes")
    manifest = build_index(catalog_of_folder(Path(folder)), cache_dir, len(os.sched_getaffinity(0)))
    unknown = [name for name in manifest.class_names if name not in class_names]
    if unknown:
        raise UserError(f"{folder!r} has the class folder {unknown[0]!r}: the run knows {', '.join(class_names)}")
    if not len(manifest):
        raise UserError(f"{folder!r} holds no picture that can be read")
    paths = [manifest.source.path(example_id) for example_id in range(len(manifest))]
    return paths, [manifest.class_names[label] for label in manifest.labels]


def pictures_of_split(
    run_dir: Path, split: str, class_names: Sequence[str], data_dir: str | None, out_dir: Path, cache_dir: Path
) -> tuple[list[bytes], list[str]]:
    """(paths, class names) of a run's own split; raises UserError where its pictures have moved or changed."""
    run_dataset, run_data_dir, rows = RunFolder(run_dir).examples_of(split, class_names)
    data_dir = data_dir or run_data_dir
    check_outside("--out_dir", out_dir, run_dataset, data_dir)
    if run_dataset.startswith("folder:"):
        root = os.fsencode(data_folder(run_dataset, data_dir))
    else:
        root = open_catalog(run_dataset, data_dir, cache_dir).root
    paths = [os.path.join(root, os.fsencode(row.path)) for row in rows]
    missing = next((path for path in paths if not os.path.exists(path)), None)
    if missing:
        raise UserError(f"{os.fsdecode(missing)!r} is not there any more: give its folder with --data_dir")
    _check_contents(paths, [row.sha256 for row in rows])
    return paths, [row.label for row in rows]


def _check_contents(paths: Sequence[bytes], digests: Sequence[str]) -> None:
    """Raises UserError for a file that has not the bytes that the run split."""
    for path, digest in zip(paths, digests, strict=True):
        try:
            content, _ = read_file(path)
        except (OSError, BadImage) as error:
            raise UserError(
                f"{os.fsdecode(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}): check it and its "
                "permissions"
            ) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise UserError(
                f"{os.fsdecode(path)!r} has other bytes than when the run split its pictures: put it back, or score "
                "what is there now with --dataset=folder:PATH"
            )
