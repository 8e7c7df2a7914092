"""Which augmentations there are, in the order in which they are applied, and presets of them. Imports no TensorFlow."""

import dataclasses
import functools

import numpy as np

from base.options import Options, group
from pipeline.augment.color import ColorOptions
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.warp import WarpOptions


@dataclasses.dataclass(frozen=True)
class AugmentOptions(Options):
    """The list of all operations, by their options: each field is one, and another one is another field."""

    warp: WarpOptions = group(WarpOptions())
    color: ColorOptions = group(ColorOptions())

    @functools.cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The active ones, in order."""
        every = (getattr(self, field.name) for field in dataclasses.fields(self))
        return tuple(operation for operation in every if operation.active)

    @property
    def active(self) -> bool:
        """Whether any operation is."""
        return bool(self.operations)

    @functools.cached_property
    def features(self) -> dict[str, Feature]:
        """All that the active operations plan, by name."""
        return {name: feature for operation in self.operations for name, feature in operation.features.items()}

    @property
    def reads(self) -> dict[str, str]:
        """Planned features of example ids -> features that hold the pixels of these, besides `image`."""
        return {ids: image for operation in self.operations for ids, image in operation.reads.items()}

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """The arrays of `features` for int64 `example_ids` [n] in this epoch."""
        planned = {}
        for operation in self.operations:
            planned |= operation.plan(seed, epoch, example_ids, examples)
        return {name: np.asarray(planned[name], feature.dtype) for name, feature in self.features.items()}


AUGMENT_PRESETS = {
    "none": AugmentOptions(),
    "light": AugmentOptions(WarpOptions(rotate_degrees=10.0, shift_fraction=0.1, zoom_fraction=0.1)),
    "report": AugmentOptions(WarpOptions(20.0, 0.2, 0.1, 0.2, horizontal_flip=True)),
    "strong": AugmentOptions(WarpOptions(30.0, 0.2, 10.0, 0.3, horizontal_flip=True), ColorOptions(0.2, 0.2)),
}
