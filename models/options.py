"""Which model to build: frozen options that refuse bad values at birth.

Nothing here imports TensorFlow, so that a script can list the names in its `--help` at once.
"""

import dataclasses
import hashlib
import math

from base.errors import UserError, unknown_name

CONVOLUTIONAL_NAMES = ("realsense_cnn", "catdog_1", "catdog_2", "catdog_3")
RESIDUAL_NAMES = ("residual_small",)
BACKBONE_NAMES = (
    "mobilenet_v2",
    "mobilenet_v2_035",
    "mobilenet_v3_small",
    "efficientnet_v2_b0",
    "resnet50_v2",
    "convnext_tiny",
    "densenet121",
)
MOST_UNITS = 65_536  # of a layer: above any that is of use, and below what fits no memory
MODEL_NAMES = CONVOLUTIONAL_NAMES + RESIDUAL_NAMES + BACKBONE_NAMES


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """A model by name, and what of it the user changes.

    Attributes:
      name: one of MODEL_NAMES.
      weights: what a backbone starts from: "none" (drawn from `seed`), "imagenet" (fetched by Keras) or the
        path of a `.weights.h5` (Keras 3) or `.h5` (as keras.applications publishes them) file of the
        backbone without its top. Only a start: whoever restores a trained model builds it with "none".
      filters: channels a block (convolutional models, one block an entry) or a stage (residual_small);
        None keeps the model's own.
      units: width of the hidden Dense layer of the convolutional models; None keeps the model's own.
      dropout: fraction of the last features dropped while training, in [0, 1); None keeps the model's own.
      l2: factor of the sum of squares of every convolution and Dense kernel that joins the loss; 0 is none.
      seed: of the initial weights and the dropout, 0 or more.

    Raises:
      UserError: a value the model cannot be built from.
    """

    name: str
    weights: str = "none"
    filters: tuple[int, ...] | None = None
    units: int | None = None
    dropout: float | None = None
    l2: float = 0.0
    seed: int = 1

    def __post_init__(self):
        if self.name not in MODEL_NAMES:
            raise unknown_name("model", self.name, MODEL_NAMES)
        if self.filters is not None:
            # A list comes out of a JSON file; two equal options must compare equal.
            object.__setattr__(self, "filters", tuple(self.filters))
        self._check_weights()
        self._check_sizes()
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UserError(f"dropout is {self.dropout}: it must be a fraction, from 0 to below 1")
        if not 0 <= self.l2 < math.inf:
            raise UserError(f"l2 is {self.l2}: it must be 0 (none) or a positive factor, say 1e-4")
        if self.seed < 0:
            raise UserError(f"seed is {self.seed}: it must be 0 or more")

    def seed_for(self, path: str) -> int:
        """The seed in [0, 2**31) of one random draw, named by its layer and role, say "block1_conv/kernel".

        By SHA-256 of "seed/path", so neither neighbouring seeds nor neighbouring layers share a stream.
        """
        digest = hashlib.sha256(f"{self.seed}/{path}".encode()).digest()
        # Keras folds seeds into int32; 31 bits pass every backend unchanged.
        return int.from_bytes(digest[:4], "big") >> 1

    def _check_weights(self):
        if self.weights == "none":
            return
        if self.name not in BACKBONE_NAMES:
            raise UserError(
                f"weights is {self.weights!r}, but {self.name} has no pretrained weights: "
                f"use none, or a model among {', '.join(BACKBONE_NAMES)}"
            )
        if self.weights != "imagenet" and not self.weights.endswith(".h5"):
            raise UserError(f"weights is {self.weights!r}: it must be none, imagenet or the path of an .h5 file")

    def _check_sizes(self):
        if self.filters is not None and self.name in BACKBONE_NAMES:
            raise UserError(f"filters is {self.filters}, but {self.name} has fixed layers: leave filters out")
        if self.filters is not None and (
            not self.filters or not all(1 <= count <= MOST_UNITS for count in self.filters)
        ):
            raise UserError(f"filters is {self.filters}: it must be numbers from 1 to {MOST_UNITS}, say 32,64,64")
        if self.units is not None and self.name not in CONVOLUTIONAL_NAMES:
            raise UserError(f"units is {self.units}, but {self.name} has no such layer: leave units out")
        if self.units is not None and not 1 <= self.units <= MOST_UNITS:
            raise UserError(f"units is {self.units}: it must be from 1 to {MOST_UNITS}")
