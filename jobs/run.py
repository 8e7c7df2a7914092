"""A run: the context that everything that happens in it is handed."""

import dataclasses
import functools

from base.watch import Watch
from jobs.options import RunOptions
from pipeline.data import Data
from pipeline.order import Order
from records.run_folder import RunFolder
from reports.summaries import Summaries
from training.device import Hardware


@dataclasses.dataclass(frozen=True)
class Run:
    """The context of one training, born before its first step.

    Attributes:
      options: resolved, `threads` too.
      hardware: devices, strategy and precision.
      folder: held by this process; the only door to the run's files.
      watch: takes log lines and progress, and says whether to stop.
      summaries: TensorBoard's event files.
      data: checked, split, packed or streamed.
      began_seconds: a time.monotonic().
    """

    options: RunOptions
    hardware: Hardware
    folder: RunFolder
    watch: Watch
    summaries: Summaries
    data: Data
    began_seconds: float

    @functools.cached_property
    def order(self) -> Order:
        """The global batches of training."""
        size = self.options.training.global_batch_size
        return Order(self.data.splits.ids["train"], size, self.options.seed, shuffle=True)

    @property
    def num_classes(self) -> int:
        """Classes of the data set."""
        return len(self.data.manifest.class_names)

    @property
    def augments_on(self) -> tuple[str, str]:
        """("host" or "device", why)."""
        if self.options.training.augment_on != "auto":
            return self.options.training.augment_on, "asked for"
        if self.hardware.accelerated:
            return "device", "an accelerator warps for nothing, and uint8 is what crosses the bus"
        return "host", "the CPU is the device"
