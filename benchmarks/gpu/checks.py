"""What must hold, as checks that can fail; and how far apart two runs are."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

# One level of an 8-bit picture, of values in [0, 1].
AUGMENTATION_TOLERANCE = 1 / 255
# Of a loss. A guard against a broken precision, not a bound that was derived: in 48 steps on a CPU mixed_bfloat16 came
# to 0.010 for catdog_2 and 0.064 for residual_small.
LOSS_TOLERANCE = 0.15


@dataclasses.dataclass(frozen=True)
class Check:
    """`passed`, and the figures that say so in `words`."""

    name: str
    passed: bool
    words: str


def augmentation_check(rows: Mapping[str, Mapping]) -> list[Check]:
    """One check a row of `measure.compare_augmentation`, by preset; a row may hold an `error` instead."""
    checks = []
    for preset, row in rows.items():
        name = f"augmentation {preset}: host equals device"
        if "error" in row:
            checks.append(Check(name, False, row["error"]))
            continue
        difference = row["max_absolute_difference"]
        passed = difference is not None and difference <= AUGMENTATION_TOLERANCE
        shown = "not a number" if difference is None else f"{difference:.2e}"
        words = f"largest difference {shown} of at most {AUGMENTATION_TOLERANCE:.2e}, {row['pictures']} pictures"
        checks.append(Check(name, passed, words))
    return checks


def largest_relative_difference(losses: Sequence[float | None], reference: Sequence[float | None]) -> float:
    """max |loss - reference| / |reference| over the steps; infinite where one is not finite or a step is missing."""
    pairs = list(zip(losses, reference, strict=False))
    known = all(value is not None and math.isfinite(value) for pair in pairs for value in pair)
    if not pairs or len(losses) != len(reference) or not known:
        return math.inf
    # A reference of 0 divides by the smallest float32 that has all its bits.
    return max(abs(loss - wanted) / max(abs(wanted), 1.2e-38) for loss, wanted in pairs)


def precision_check(model: str, precision: str, row: Mapping, reference: Mapping) -> Check:
    """Whether the losses of `row` follow those of `reference`, both rows of `measure.train`."""
    name = f"losses of {model}: {precision} follows float32"
    for broken in (reference, row):
        if "error" in broken:
            return Check(name, False, broken["error"])
    difference = largest_relative_difference(row["losses"], reference["losses"])
    words = f"largest relative difference {difference:.2e} of at most {LOSS_TOLERANCE}, {len(row['losses'])} steps"
    return Check(name, difference <= LOSS_TOLERANCE, words)


def determinism_check(model: str, rows: Sequence[Mapping]) -> Check:
    """Whether two runs with op determinism ended in the same weights."""
    name = f"determinism of {model}: two runs end in the same bits"
    error = next((row["error"] for row in rows if "error" in row), None)
    if error:
        return Check(name, False, error)
    return Check(name, same_weights(rows), "weights_sha256 " + short_hashes(rows))


def resume_check(model: str, row: Mapping) -> Check:
    """Whether a killed and resumed run ended as the whole one; `row` is of `resume.kill_and_resume`."""
    name = f"resume of {model}: a killed run ends in the same bits"
    if "error" in row:
        return Check(name, False, row["error"])
    runs = [{"weights_sha256": row["whole"]}, {"weights_sha256": row["resumed"]}]
    return Check(name, same_weights(runs), f"weights_sha256 {short_hashes(runs)}, killed after step {row['killed_at']}")


def same_weights(rows: Sequence[Mapping]) -> bool:
    """Whether at least two rows hold one and the same `weights_sha256`."""
    return len(rows) > 1 and len({row.get("weights_sha256") for row in rows}) == 1 and bool(rows[0]["weights_sha256"])


def short_hashes(rows: Sequence[Mapping]) -> str:
    """The first 12 digits of each row's hash."""
    return " and ".join(row["weights_sha256"][:12] for row in rows)
