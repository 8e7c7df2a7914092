"""The first log lines of a run: what was found, what was chosen, and why."""

import os
from collections.abc import Mapping

from base.errors import one_line
from pipeline.data import Data, Quarantine
from pipeline.order import Order
from pipeline.pixels import PackedPixels
from records.tables import RefusedRow
from reports.bottleneck import verdict
from reports.progress import Reporter
from training.device import Hardware
from training.options import RunOptions


def announce(options: RunOptions, hardware: Hardware, data: Data, order: Order, reporter: Reporter) -> None:
    """Device, strategy, precision, XLA, data, augmentation, steps; and why each automatic choice was made."""
    for line in hardware.log_lines:
        reporter.say(line)
    announce_data(options, data, reporter)
    place, why = augment_place(options, hardware)
    reporter.say(f"augment     {_knobs(options)}; on the {place} ({why})")
    size = options.global_batch_size
    rest = len(order.example_ids) % size
    reporter.say(
        f"steps       {order.steps_per_epoch} an epoch: {len(order.example_ids)} examples / global batch size {size}"
        f" ({size // hardware.replicas} a replica)" + (f", the last batch has {rest} and padding" if rest else "")
    )


def announce_data(options: RunOptions, data: Data, reporter: Reporter) -> None:
    """Counts a class and split, what was refused, real or rendered, and how pictures are decoded and kept."""
    origin = data.manifest.data_origin
    shown = "SYNTHETIC: rendered faces, not camera pictures" if origin == "synthetic" else "real pictures"
    examples = sum(len(ids) for ids in data.splits.ids.values())
    reporter.say(f"data        {options.dataset}: {shown}; {examples} examples, {len(data.quarantine)} quarantined")
    for split, counts in data.splits.counts(data.manifest).items():
        named = ", ".join(f"{name} {count}" for name, count in zip(data.manifest.class_names, counts, strict=True))
        reporter.say(f"  {split:<11}{sum(counts)} ({named})")
    for path, reason in data.quarantine[:5]:
        reporter.say(f"  refused   {one_line(path)}: {reason}")
    for what, ids in (("split", data.splits.shared), ("class", data.splits.contradicting)):
        if len(ids):
            first = one_line(data.manifest.paths[ids[0]])
            reporter.say(f"  warning   {len(ids)} files have the same bytes as a file of another {what}, as {first}")
    for label, reason in zip(("pixels", "cache"), data.reasons, strict=True):
        reporter.say(f"{label:<12}{reason}")


def input_verdict(row: Mapping, options: RunOptions, data: Data, hardware: Hardware) -> str:
    """`reports.bottleneck` on a row of this run's history."""
    host_augments = hardware.accelerated and augment_place(options, hardware)[0] == "host"
    return verdict(row, isinstance(data.pixels, PackedPixels), host_augments)


def refused_rows(quarantine: Quarantine) -> list[RefusedRow]:
    """A row a refused file, for quarantine.csv."""
    return [RefusedRow(os.fsdecode(path), reason) for path, reason in quarantine]


def _knobs(options: RunOptions) -> str:
    turned = {name: value for name, value in options.augment.by_flag().items() if value}
    return ", ".join(f"{name} {value:g}" for name, value in turned.items()) or "none"


def augment_place(options: RunOptions, hardware: Hardware) -> tuple[str, str]:
    """("host" or "device", why)."""
    if options.augment_on != "auto":
        return options.augment_on, "asked for"
    if hardware.accelerated:
        return "device", "an accelerator warps for nothing, and uint8 is what crosses the bus"
    return "host", "the CPU is the device"
