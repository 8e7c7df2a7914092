"""The examples that some runs have right and others wrong: a row each, and pictures of the most contested."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from base.errors import BadImage
from base.files import read_file
from evaluation.comparison import contested
from jobs.joined import Joined
from records.tables import probability_columns
from reports.comparison_page import Answer, Disagreement, DisagreementGroup
from reports.thumbnail import thumbnail

SHOWN = 24  # pictures on the page; disagreements.csv has all
TABLE_BEGINNING = b"path,label,sha256,"


def disagreement_rows(joined: Joined) -> np.ndarray:
    """int64: rows of `joined`, most contested first."""
    return contested(joined.right, joined.of_class)


def table_rows(joined: Joined, rows: np.ndarray, run_names: Sequence[str]) -> Iterator[list]:
    """The lines of disagreements.csv: its header, then the examples of `rows` with what each run says of them."""
    yield ["path", "label", "sha256", *(f"prediction({name})" for name in run_names), *probability_columns(run_names)]
    of_class = joined.of_class
    for row in rows:
        said = [joined.class_names[answer] for answer in joined.answers[:, row]]
        label = joined.class_names[joined.labels[row]]
        yield [joined.paths[row], label, joined.digests[row], *said, *(f"{value:.6g}" for value in of_class[:, row])]


def groups_to_show(joined: Joined, rows: np.ndarray, run_names: Sequence[str]) -> list[DisagreementGroup]:
    """Of two runs, what either alone has right; of more, the most contested. Pictures are read where they still are."""
    if len(run_names) > 2:
        chosen = [("", rows)]
    else:
        chosen = [(name, rows[joined.right[number, rows]]) for number, name in enumerate(run_names)]
    most = SHOWN // len(chosen)
    return [
        DisagreementGroup(name, len(those), [_disagreement(joined, row, run_names) for row in those[:most]])
        for name, those in chosen
    ]


def content_of(joined: Joined, row: int) -> bytes | None:
    """The encoded picture of an example, from where its very bytes still are; None where they are nowhere."""
    for path in joined.files[row]:
        try:
            content, _ = read_file(path)
        except (OSError, BadImage, ValueError):  # a path may hold a zero byte
            continue
        if hashlib.sha256(content).hexdigest() == joined.digests[row]:
            return content
    return None


def _disagreement(joined: Joined, row: int, run_names: Sequence[str]) -> Disagreement:
    content = content_of(joined, row)
    answers = [
        Answer(name, joined.class_names[answer], float(its[answer]), answer == joined.labels[row])
        for name, answer, its in zip(run_names, joined.answers[:, row], joined.probabilities[:, row], strict=True)
    ]
    label = joined.class_names[joined.labels[row]]
    return Disagreement(joined.paths[row], label, answers, None if content is None else thumbnail(content))
