"""Whether the input keeps up with the steps, in words, and what would help."""

from collections.abc import Mapping

KEEPS_UP = 0.05  # of the steps' time; the noise of a shared machine is of this size

_ADVICE = {
    "read": "keep the pictures on a faster disk, or --cache=pack, which reads one small file",
    "decode": "--cache=pack decodes once instead of in every epoch",
    "augment": "use fewer knobs, a smaller --image_size or more cores",
    "transfer": "a smaller --image_size has fewer bytes to move",
}
_PACKED_READ = "the pack does not fit into memory: use a faster disk or a smaller --image_size"
_ON_ACCELERATOR = "--augment_on=device augments on the accelerator"
_SEND_LESS = "--augment_on=device sends pixels as they are stored, a quarter of the bytes"


def describe_input(row: Mapping, packed: bool, host_augments: bool) -> str:
    """One line on an epoch, from its row of history.csv, whose read_, decode_, augment_ and transfer_seconds say how
    long a batch keeps that stage busy, all its threads working; `host_augments` what an accelerator could."""
    if row["step_seconds"] is None:
        return "input not judged: the epoch's only step was the first of its start, which is traced and not timed"
    stages = {name: row[f"{name}_seconds"] or 0.0 for name in _ADVICE}
    slowest = max(stages, key=stages.get)
    waited = f"the steps waited {100 * row['input_wait_fraction']:.1f}% of their time for input"
    worked, step = 1e3 * stages[slowest], 1e3 * row["step_seconds"]
    detail = f"slowest stage {slowest}, {worked:.3g} ms a batch; a step {step:.3g} ms"
    if row["input_wait_fraction"] <= KEEPS_UP:
        return f"input keeps up: {waited} ({detail})"
    advice = _ADVICE[slowest]
    if slowest == "read" and packed:
        advice = _PACKED_READ
    if slowest in ("augment", "transfer") and host_augments:
        advice = _ON_ACCELERATOR if slowest == "augment" else _SEND_LESS
    return f"input is the brake: {waited} ({detail}): {advice}"
