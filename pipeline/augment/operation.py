"""What an augmentation is: options, draws by (seed, epoch, example id), and an effect on the batch. One file each.

Imports no TensorFlow, so that options and their flags are there without it; `apply` imports it.
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from base.options import Options
from pipeline.decoding.pixel_format import PixelFormat


@dataclasses.dataclass(frozen=True)
class Feature:
    """A planned feature of a batch: the numpy `dtype` and the `shape` of one example's value.

    `per_batch` says that the batch has one value, and not each example; `stays`, that it outlives augmentation.
    """

    dtype: type
    shape: tuple[int, ...] = ()
    per_batch: bool = False
    stays: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """What an operation may know of the split that is augmented.

    Attributes:
      example_ids: int64 [examples of the split], in file order.
      labels: int32 [all examples], by example id.
      height, width: of the pictures that come out, in pixels.
      stored_sides: height and width of those that go in, where they are larger; None where they are not.
    """

    example_ids: np.ndarray
    labels: np.ndarray
    height: int
    width: int
    stored_sides: tuple[int, int] | None = None


class Operation(Options):
    """The base of the options of one augmentation, a frozen dataclass whose defaults do nothing.

    `features` are what it plans, by name. `reads` says which of them are example ids, and as which features the
    pictures of these are there for `apply`, and not in the batch once that is augmented.

    Operations beside each other of one `loop` are compiled together. The warp and what reads each pixel once are one;
    the result of what reads it more often stands in memory first, as XLA would warp again for each time.
    """

    features: ClassVar[Mapping[str, Feature]] = {}
    reads: ClassVar[Mapping[str, str]] = {}
    loop: ClassVar[str] = "pixels"

    @property
    def active(self) -> bool:
        """Whether any option is other than its default."""
        return self != type(self)()

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the options comes to nothing, a line each."""
        return ()

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """Its features for int64 `example_ids` [n], of these ids, `seed` and `epoch` alone; see `draws.draw`."""
        raise NotImplementedError

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """The batch with its effect, inside a function that XLA compiles.

        `batch` has `image` [batch, height, width, channels], as `unchanged` what that was before the operations of this
        loop, all features that operations plan and the pictures that they read. A picture is either as it is stored, or
        float32 in [0, 1], which `scale.to_float` makes of both. `pixel_format` is that of the pictures that come out.
        """
        raise NotImplementedError
