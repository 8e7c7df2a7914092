"""Decoding into a pack: against libjpeg-turbo alone, and against what one epoch without a pack takes.

All three work on the same training pictures, in the page cache. The streamed epoch has its augmentation, as a run
without a pack would; it has no training step, which could hide some of its time.
"""

from benchmarks import figures, turns
from benchmarks.settings import Settings


def measure(settings: Settings) -> list[dict]:
    """Pictures/s packed over the floor, and seconds to pack over seconds of a streamed epoch."""
    rates = turns.take_turns(["penstock_packing", "jpeg_floor", "penstock_epoch"], settings)
    pictures = sum(1 for _ in settings.data_dir.glob("train/*/*"))
    pack, epoch = ([pictures / rate for rate in rates[name]] for name in ("penstock_packing", "penstock_epoch"))
    return [
        figures.faster("decoding into a pack", "jpeg_floor", rates["penstock_packing"], rates["jpeg_floor"],
                       unit="images/s", target=0.55),
        figures.at_most_times("a pack, against one epoch streamed", "Penstock without a pack", pack, epoch, unit="s",
                              limit=0.6),
    ]  # fmt: skip
