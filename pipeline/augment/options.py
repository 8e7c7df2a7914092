"""Which augmentations there are, in the order in which they are applied, and presets of them. Imports no TensorFlow."""

import dataclasses
import functools
import itertools

import numpy as np

from base.options import Options, group
from pipeline.augment.color import ColorOptions
from pipeline.augment.compiled import compiled
from pipeline.augment.erase import EraseOptions
from pipeline.augment.mix import MixOptions
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.randaugment import RandAugmentOptions
from pipeline.augment.tint import TintOptions
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat


@dataclasses.dataclass(frozen=True)
class AugmentOptions(Options):
    """The list of all operations, by their options: each field is one, and another one is another field.

    A picture that an operation reads, besides an example's own, has by then gone through the operations before it that
    change one picture at a time, by draws of its own: what is mixed in is augmented too. What these plan for it has
    their name behind the picture's, as `second_image_warp`.
    """

    warp: WarpOptions = group(WarpOptions())
    color: ColorOptions = group(ColorOptions())
    tint: TintOptions = group(TintOptions())
    randaugment: RandAugmentOptions = group(RandAugmentOptions())
    erase: EraseOptions = group(EraseOptions())
    mix: MixOptions = group(MixOptions())

    @functools.cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The active ones, in order."""
        every = (getattr(self, field.name) for field in dataclasses.fields(self))
        return tuple(operation for operation in every if operation.active)

    @property
    def notes(self) -> list[str]:
        """What of the options comes to nothing, a line each."""
        return [note for field in dataclasses.fields(self) for note in getattr(self, field.name).notes]

    @property
    def active(self) -> bool:
        """Whether any operation is."""
        return bool(self.operations)

    @functools.cached_property
    def features(self) -> dict[str, Feature]:
        """All that the active operations plan, by name."""
        found = {}
        for operation in self.operations:
            found |= operation.features
            for image in operation.reads.values():
                for one in self._before(operation):
                    features = one.features.items()
                    found |= {f"{image}_{name}": dataclasses.replace(told, stays=False) for name, told in features}
        return found

    @property
    def reads(self) -> dict[str, str]:
        """Planned features of example ids -> features that hold the pixels of these, besides `image`."""
        return {ids: image for operation in self.operations for ids, image in operation.reads.items()}

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """The arrays of `features` for int64 `example_ids` [n] in this epoch."""
        planned = {}
        for operation in self.operations:
            planned |= operation.plan(seed, epoch, example_ids, examples)
            for ids, image in operation.reads.items():
                for one in self._before(operation):
                    others = one.plan(seed, epoch, planned[ids], examples)
                    planned |= {f"{image}_{name}": value for name, value in others.items()}
        return {name: np.asarray(planned[name], feature.dtype) for name, feature in self.features.items()}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """The batch with the effect of all active operations, each loop of them compiled; see `Operation`."""
        for place, loop in enumerate(self._loops):
            names = {name for one in loop for name in one.features}
            if loop[0].reads:
                names |= {image for one in loop for image in one.reads.values()}
            else:
                for image in {image for later in self._loops[place:] for one in later for image in one.reads.values()}:
                    other = {"image": batch[image]} | {name: batch[f"{image}_{name}"] for name in names}
                    batch = batch | {image: compiled(loop, pixel_format)(other)["image"]}
            batch = batch | compiled(loop, pixel_format)({name: batch[name] for name in {"image", *names}})
        return batch

    @functools.cached_property
    def _loops(self) -> list[tuple[Operation, ...]]:
        """The active ones in order, those together that are compiled together."""
        by_loop = itertools.groupby(self.operations, lambda one: (one.loop, bool(one.reads)))
        return [tuple(operations) for _, operations in by_loop]

    def _before(self, operation: Operation) -> list[Operation]:
        """The active ones before it that read no picture."""
        return [one for one in self.operations[: self.operations.index(operation)] if not one.reads]


AUGMENT_PRESETS = {
    "none": AugmentOptions(),
    "light": AugmentOptions(WarpOptions(rotate_degrees=10.0, shift_fraction=0.1, zoom_fraction=0.1)),
    "report": AugmentOptions(WarpOptions(20.0, 0.2, 0.1, 0.2, horizontal_flip=True)),
    "medium": AugmentOptions(
        WarpOptions(15.0, 0.1, 0.0, 0.2, horizontal_flip=True), ColorOptions(0.2, 0.2), TintOptions(0.2)
    ),
    # Shares of mixing as in Wightman et al., "ResNet strikes back", 2021, A1; erasing as timm's usual probability.
    "strong": AugmentOptions(
        WarpOptions(30.0, 0.2, 10.0, 0.3, horizontal_flip=True), ColorOptions(0.2, 0.2), TintOptions(0.2),
        erase=EraseOptions(0.25), mix=MixOptions(0.2, 1.0),
    ),
}  # fmt: skip
