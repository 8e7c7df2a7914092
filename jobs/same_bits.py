"""Whether two finished runs came to the same bits, and if not, what of all that decides them is not the same. Imports
no TensorFlow."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from base.options import differences
from records.history import TIMED_COLUMNS
from records.run_folder import RunFolder
from records.split_changes import changed_pictures, moved_pictures
from records.tables import PredictionRow

# What results.json of a run says of its bits' causes where it is older than its "identity".
_OLDER = ("versions", "manifest_sha256", "precision", "device", "global_batch_size", "seed", "network_sha256")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`found` has, by what was compared, how it differs, empty where it is equal; `causes` says what is not the same of
    files, options, versions and machine."""

    found: Mapping[str, str]
    causes: Sequence[str] = ()

    @property
    def is_equal(self) -> bool:
        """Whether all that was compared is."""
        return not any(self.found.values())


def compare_runs(old: RunFolder, new: RunFolder) -> Verdict:
    """The verdict on two whole run folders; raises OSError, and ValueError for a file that is damaged."""
    before, now = old.results.read(), new.results.read()
    hashes = [one["weights_sha256"] for one in (before, now)]
    found = {
        "weights after the last step": "" if hashes[0] == hashes[1] else f"SHA-256 {hashes[0]} -> {hashes[1]}",
        "epochs": other_epochs(old.history.read(), new.history.read()),
        "test predictions": other_predictions(old.predictions.read(), new.predictions.read()),
    }
    return Verdict(found, _causes(old, new, before, now))


def other_epochs(old: Sequence[Mapping], new: Sequence[Mapping]) -> str:
    """The first figure of history.csv that is not the same, times apart; empty where all are."""
    for before, now in zip(old, new, strict=False):
        name = next((name for name in before if name not in TIMED_COLUMNS and before[name] != now.get(name)), "")
        if name:
            return f"from epoch {before['epoch']} on, {name} {before[name]} -> {now.get(name)}"
    return "" if len(old) == len(new) else f"{len(old)} -> {len(new)} of them"


def other_predictions(old: Sequence[PredictionRow], new: Sequence[PredictionRow]) -> str:
    """How far the rows of predictions_test.csv are not the same, to the last bit; empty where all are."""
    before, now = ({row.path: row for row in rows} for rows in (old, new))
    if before.keys() != now.keys():
        return f"{len(before.keys() ^ now.keys())} pictures are in one run alone"
    pairs = [(row.probabilities, now[path].probabilities) for path, row in before.items()]
    if any(one.shape != other.shape for one, other in pairs):
        return "the classes are others"
    others = sum(not np.array_equal(one, other) for one, other in pairs)
    answers = sum(row.prediction != now[path].prediction for path, row in before.items())
    if not others and not answers:
        return ""
    largest = max(float(np.max(np.abs(one - other))) for one, other in pairs)
    return f"{others} of {len(before)} rows, by {largest:.2g} at most; {answers} answers are others"


def _causes(old: RunFolder, new: RunFolder, before: Mapping, now: Mapping) -> list[str]:
    rows = old.split.read(), new.split.read()
    causes = changed_pictures(*rows) + moved_pictures(*rows)
    if "identity" in before and "identity" in now:
        told = before["identity"], now["identity"]
    else:
        told = tuple({name: one.get(name) for name in _OLDER} | {"threads": one.get("chosen", {}).get("threads")}
                     for one in (before, now))  # fmt: skip
    return causes + differences(*told)
