"""Mixup and CutMix: a picture with a part of another one of its split, and their labels in the same shares."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.beta import beta_quantile
from pipeline.augment.box import boxes, inside
from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import PixelFormat

_KNOBS = ("mix", "mix_partner", "mix_kind", "mix_share", "mix_row", "mix_column")


@dataclasses.dataclass(frozen=True)
class MixOptions(Operation):
    """How pictures are mixed, two at a time.

    Mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2018) blends all pixels, CutMix (Yun et al.,
    "CutMix: regularization strategy to train strong classifiers with localizable features", 2019) takes those of a box
    from the other picture; shares are drawn from Beta(alpha, alpha). Where both are asked for, each example draws one
    of them, as likely as the other.

    The papers pair the pictures of a batch. Here an example draws its partner among all others of its split, so that
    nothing depends on the batch. Of two pictures, the example's own is the larger part: among pairs drawn so, the rest
    are these with the two exchanged. So an epoch has each example once as the larger part, and the accuracy in training
    is that of the larger part's label.

    Its features are `second_id`, the partner; `second_label`; `second_weight` float32 [batch] in [0, 0.5], the share of
    the partner's label, until `apply` that of mixup alone; `cut` float32 [batch, 4], the box of CutMix as `boxes` makes
    it, without a pixel where there is none.
    """

    mixup_alpha: float = option(
        0.0, "blend two pictures and their labels, in shares of Beta(this, this); 0 blends none", within=(0.0, 100.0)
    )
    cutmix_alpha: float = option(
        0.0, "put a box of one picture into another and share their labels so, in shares of Beta(this, this); 0 puts "
        "none; with --mixup_alpha too, half each", within=(0.0, 100.0),
    )  # fmt: skip
    mix_probability: float = option(
        1.0, "fraction of pictures that --mixup_alpha and --cutmix_alpha mix", within=(0.0, 1.0)
    )

    features: ClassVar = {
        "second_id": Feature(np.int64),
        "second_label": Feature(np.int32, stays=True),
        "second_weight": Feature(np.float32, stays=True),
        "cut": Feature(np.float32, (4,)),
    }
    reads: ClassVar = {"second_id": "second_image"}

    @property
    def active(self) -> bool:
        """See `Operation`."""
        return bool(self.mix_probability) and bool(self.mixup_alpha or self.cutmix_alpha)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Operation`."""
        given = f"--mix_probability={self.mix_probability:g}"
        if not (self.mixup_alpha or self.cutmix_alpha):
            untold = self.mix_probability == type(self)().mix_probability
            return () if untold else (f"{given} without --mixup_alpha or --cutmix_alpha: nothing is mixed",)
        return () if self.mix_probability else (f"{given}: nothing is mixed, whatever alpha is",)

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        draws = dict(zip(_KNOBS, draw(seed, epoch, example_ids, _KNOBS).T, strict=True))
        second = _partners(draws["mix_partner"], example_ids, examples.example_ids)
        mixes = (draws["mix"] < self.mix_probability) & (second != example_ids)
        cuts = mixes & (draws["mix_kind"] < (0.5 if self.mixup_alpha else 1.0) * bool(self.cutmix_alpha))
        blended, cut_out = (
            beta_quantile(draws["mix_share"], alpha) if alpha else np.zeros(len(example_ids))
            for alpha in (self.mixup_alpha, self.cutmix_alpha)
        )
        side = np.where(cuts, np.sqrt(cut_out), 0.0)
        return {
            "second_id": second,
            "second_label": examples.labels[second],
            "second_weight": np.where(mixes & ~cuts, np.minimum(blended, 1.0 - blended), 0.0),
            "cut": boxes(draws["mix_row"], draws["mix_column"], side, side),
        }

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        import tensorflow as tf

        first, second = (to_float(batch[name], pixel_format.full_scale) for name in ("image", "second_image"))
        _, height, width, _ = first.shape
        in_box, area = inside(batch["cut"], height, width)
        # A box of more than half of the picture is the example's own, and the partner is around it.
        is_partners = in_box ^ (area > 0.5)[:, None, None, None]
        blended = batch["second_weight"]
        mixed = tf.where(is_partners, second, first + (second - first) * blended[:, None, None, None])
        return batch | {"image": mixed, "second_weight": blended + tf.minimum(area, 1.0 - area)}


def _partners(uniform: np.ndarray, example_ids: np.ndarray, split_ids: np.ndarray) -> np.ndarray:
    """int64 [n]: for each of `example_ids` another one of `split_ids`, ascending; itself where there is no other."""
    count = len(split_ids)
    own = np.searchsorted(split_ids, example_ids)
    further = 1 + (uniform * (count - 1)).astype(np.int64)
    return split_ids[(own + further) % count]
