"""The pictures that evaluate.py scores: a split of the run's own, or those of another folder."""

import collections
import dataclasses
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from base.errors import BadImage, UserError, one_line
from base.files import read_file
from jobs.announce import aside_lines, some_of
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import check_outside, data_folder
from pipeline.sources.index import FACTS, build_index, facts_of
from pipeline.sources.names import near_name
from pipeline.sources.scored_folder import find_scored
from records.run_folder import RunFolder

_MOST_UNKNOWN = 10  # classes on lines of their own


@dataclasses.dataclass(frozen=True)
class Scored:
    """Pictures with their labels.

    Attributes:
      dataset: where they come from, as "folder:/data/pictures"; `split` is empty where there is none.
      paths, labels: of each picture, its file and the name of its class, which the run may not know.
      labels_csv: the table that the labels are of, or empty.
      include_trained: whether what the run trained on was to be scored too.
      root: the folder of the data set, under which the files lie.
      facts: `pipeline.sources.index.FACTS` of each file.
      is_trained: bool, whether the run trained on its bytes.
      notes: what of the folder is not scored, and what was trained on.
    """

    dataset: str
    split: str
    paths: Sequence[bytes]
    labels: Sequence[str]
    root: bytes
    facts: np.ndarray
    is_trained: np.ndarray
    notes: Sequence[str] = ()
    labels_csv: str = ""
    include_trained: bool = False

    @property
    def what(self) -> str:
        """In words, for a person."""
        return f"{self.dataset}, {f'split {self.split}' if self.split else 'all of it'}"

    @property
    def name(self) -> str:
        """Of a folder for what comes out: the split's own, or that of the pictures' folder with the split."""
        kind, _, folder = self.dataset.partition(":")
        if kind != "folder":
            return self.split
        place = f"{folder}\0{self.labels_csv}" if self.labels_csv else folder
        number = hashlib.sha256(os.fsencode(place)).hexdigest()[:6]  # two folders may be called alike
        whole = "-with-trained" if self.include_trained else ""
        return f"{os.path.basename(folder)[:50]}-{self.split or 'all'}{whole}-{number}"


def pictures_of_folder(
    folder: Path, split: str, labels_csv: str, cache_dir: Path, class_names: Sequence[str],
    seen: Mapping[str, Collection[str]], include_trained: bool,
) -> Scored:  # fmt: skip
    """The pictures of a folder's split, or of all of it; `seen` are the SHA-256 of what the run has seen, by its split.

    What the run trained on is left out where `include_trained` is false. Raises UserError where nothing is left.
    """
    found = find_scored(folder, split, class_names, labels_csv)
    manifest = build_index(found.catalog, cache_dir, len(os.sched_getaffinity(0)))
    if not len(manifest):
        first = manifest.quarantine[:1] or manifest.aside[:1]
        shown = f" ('{one_line(first[0][0])}': {first[0][1]})" if first else ""
        split = f", split {found.split}," if found.split else ""
        raise UserError(
            f"{str(folder)!r}{split} holds no picture that can be read{shown}: give a folder of class folders"
        )
    labels = [manifest.class_names[label] for label in manifest.labels]
    _unknown_notes(labels, class_names, folder)
    refused = [f"refused: {one_line(path)}: {reason}" for path, reason in manifest.quarantine]
    notes = some_of(refused, "files that were refused", 5)
    notes += [f"aside: {line}" for line in aside_lines(found.catalog.aside + manifest.aside)]
    digests = [digest.tobytes().hex() for digest in manifest.facts["sha256"]]
    trained = np.array([digest in seen.get("train", ()) for digest in digests])
    validated = sum(digest in seen.get("validation", ()) for digest in digests)
    if not seen:
        notes.append("trained on: not known without the run's split.csv; pictures that it trained on flatter the score")
    if trained.any():
        what = "scored all the same, so the score is flattered" if include_trained else "left out (--include_trained)"
        notes.append(
            f"trained on: {trained.sum()} of {len(trained)} files have the bytes of one that trained the run; {what}"
        )
    if validated:
        notes.append(
            f"validated on: {validated} of {len(trained)} files have the bytes of one that chose the best epoch"
        )
    kept = np.flatnonzero(~trained | include_trained)
    if not len(kept):
        raise UserError(f"the run trained on all {len(trained)} pictures of {str(folder)!r}: give others, or say "
                        "--include_trained for a score that says nothing of new pictures")  # fmt: skip
    labels = [labels[example_id] for example_id in kept]
    notes += _unknown_notes(labels, class_names, folder)
    paths = [manifest.source.path(example_id) for example_id in kept]
    table = os.path.abspath(labels_csv) if labels_csv else ""
    return Scored(
        f"folder:{folder.absolute()}", found.split, paths, labels, found.catalog.root, manifest.facts[kept],
        trained[kept], notes, table, include_trained,
    )  # fmt: skip


def _unknown_notes(labels: Sequence[str], class_names: Sequence[str], folder: Path) -> list[str]:
    """A line a class that the run does not know; raises UserError where it knows none."""
    unknown = collections.Counter(label for label in labels if label not in class_names)
    near = {name: near_name(name, class_names) for name in unknown}
    if unknown.total() == len(labels):
        name = next(iter(unknown))
        meant = f" (is {near[name]!r} meant?)" if near[name] else ""
        raise UserError(
            f"{str(folder)!r} has the class {name!r}{meant} and none that the run knows, as {class_names[0]!r}: name "
            "its folders as the run's classes"
        )
    told = sorted(unknown, key=lambda name: (near[name] is None, -unknown[name]))  # first what a user can mend
    notes = [
        f"not scored: {unknown[name]} of {name!r}, which the run does not know"
        + (f"; it knows {near[name]!r}: if that is the same, rename one of them" if near[name] else "")
        for name in told
    ]
    rest = sum(unknown[name] for name in told[_MOST_UNKNOWN:])
    return some_of(notes, f"classes that the run does not know, {rest} pictures", _MOST_UNKNOWN)


def pictures_of_split(
    run_dir: Path, split: str, class_names: Sequence[str], data_dir: str | None, out_dir: Path | None, cache_dir: Path
) -> Scored:
    """The pictures of a run's own split; raises UserError where they have moved or changed."""
    run_dataset, run_data_dir, rows = RunFolder(run_dir).examples_of(split, class_names)
    data_dir = data_dir or run_data_dir
    if out_dir:
        check_outside("--out_dir", out_dir, run_dataset, data_dir)
    if run_dataset.startswith("folder:"):
        root = os.fsencode(data_folder(run_dataset, data_dir))
    else:
        root = open_catalog(run_dataset, data_dir, cache_dir).root
    paths = [os.path.join(root, os.fsencode(row.path)) for row in rows]
    missing = next((path for path in paths if not os.path.exists(path)), None)
    if missing:
        raise UserError(f"{os.fsdecode(missing)!r} is not there any more: give its folder with --data_dir")
    facts = _checked_facts(paths, [row.sha256 for row in rows])
    is_trained = np.full(len(rows), split == "train")
    notes = ["the run trained on these: the score says nothing of new pictures"] if split == "train" else []
    return Scored("the run's own", split, paths, [row.label for row in rows], root, facts, is_trained, notes)


def _checked_facts(paths: Sequence[bytes], digests: Sequence[str]) -> np.ndarray:
    """`FACTS` of each file; raises UserError for one that has not the bytes that the run split."""
    facts = np.zeros(len(paths), FACTS)
    for row, (path, digest) in enumerate(zip(paths, digests, strict=True)):
        try:
            content, _ = read_file(path)
        except (OSError, BadImage) as error:
            raise UserError(
                f"{os.fsdecode(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}): check it and its "
                "permissions"
            ) from None
        found = hashlib.sha256(content)
        if found.hexdigest() != digest:
            raise UserError(
                f"{os.fsdecode(path)!r} has other bytes than when the run split its pictures: put it back, or score "
                "what is there now with --dataset=folder:PATH"
            )
        facts[row] = facts_of(content, found.digest())
    return facts
