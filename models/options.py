"""Which model to build: frozen options that refuse bad values at birth. Imports no TensorFlow, for a quick `--help`."""

import dataclasses
from pathlib import Path

from base.errors import UserError, unknown_name
from base.options import Options, option
from models.backbone_table import BACKBONES
from models.hub_preset import HubPreset, hub_preset, without_folder
from models.network_file import NetworkFile, network_file, without_place

CONVOLUTIONAL_NAMES = ("realsense_cnn", "catdog_1", "catdog_2", "catdog_3")
RESIDUAL_NAMES = ("residual_small", "residual_medium", "residual_wide")
BACKBONE_NAMES = tuple(BACKBONES)
_WEIGHTS_WORDS = ("none", "imagenet", "preset")
_OTHER_WEIGHTS = (".keras", ".hdf5", ".npz", ".pt", ".pth", ".safetensors", ".ckpt", ".index", ".pb", ".txt")
MOST_UNITS = 65_536  # of a layer: above any that is of use, and below what fits no memory
MODEL_NAMES = CONVOLUTIONAL_NAMES + RESIDUAL_NAMES + BACKBONE_NAMES


def is_run(weights: str) -> bool:
    """Whether --weights names the folder of a run: neither a word nor a file of published weights."""
    return weights not in _WEIGHTS_WORDS and not weights.endswith(".h5")


@dataclasses.dataclass(frozen=True)
class ModelOptions(Options):
    """A model by name, and what of it the user changes; None keeps the model's own.

    `filters` has an entry a block (convolutional models) or a stage (residual ones, which have `blocks` in each);
    `units` and `dropout` are those of the last layer before the logits. `weights` names a `.weights.h5` (Keras 3) or
    `.h5` file (as keras.applications publishes them) of a backbone without its top, "imagenet", which Keras fetches,
    "preset", KerasHub's own, or the folder of a run; it is only a start: whoever restores a trained model builds it
    with "none". Raises UserError for a value the model cannot be built from.
    """

    name: str = option(
        "residual_small", f"{', '.join(CONVOLUTIONAL_NAMES + RESIDUAL_NAMES)}, a network of keras.applications, as "
        "mobilenet_v2, FILE.py:FUNCTION, a network of your own, or hub:PRESET, one of KerasHub: docs/models.md",
        flag="model", identity=lambda name: without_folder(without_place(name)),
        path=lambda name: without_folder(without_place(name)) != name,
    )  # fmt: skip
    # What they are decides, not where they lie: their content is part of a run's identity by itself.
    weights: str = option(
        "none", "what the model starts from: none, another run's folder, of whose best weights it takes what fits, or "
        "for a keras.applications backbone imagenet or an .h5 file of its weights, for hub:PRESET preset", path=True,
        words=_WEIGHTS_WORDS, identity=False,
    )  # fmt: skip
    filters: tuple[int, ...] | None = option(
        None, "channels of each block, or of each stage of a residual model, as in 32,64,64", within=(1, MOST_UNITS)
    )
    blocks: int | None = option(None, "residual blocks in each stage of a residual model", within=(1, 64))
    units: int | None = option(None, "width of the hidden Dense layer", within=(1, MOST_UNITS))
    dropout: float | None = option(None, "fraction of the last features dropped in training")
    l2: float = option(0.0, "factor of the squared kernels that joins the loss", within=(0.0, 1.0))
    test_time_flip: bool = option(
        False, "what is validated, scored and exported is the mean of what the model says of a picture and of its "
        "mirror, left and right, which takes twice as long"
    )  # fmt: skip

    @property
    def network(self) -> NetworkFile | HubPreset | None:
        """Where a network of the user's own, or a preset of KerasHub, is; None for one that is known by name here."""
        return network_file(self.name) or hub_preset(self.name)

    @property
    def shown(self) -> str:
        """The model in words, without where its file is."""
        return self.network.shown if self.network else self.name

    @property
    def known_by(self) -> str:
        """What tells the network from others: its name, and of one of the user's own, which may change under its name,
        its text's hash. Raises UserError where that cannot be read."""
        return self.network.sha256 if self.network else self.name

    @property
    def weights_run(self) -> Path | None:
        """The folder of the run whose weights the model starts from; None where it starts from others."""
        return Path(self.weights) if is_run(self.weights) else None

    @property
    def has_backbone(self) -> bool:
        """Whether its features end in a layer of their own, above which a head can learn alone."""
        return self.name in RESIDUAL_NAMES + BACKBONE_NAMES

    @property
    def is_pretrained(self) -> bool:
        """Whether it is a backbone that begins with weights that were learnt before."""
        return self.name in BACKBONE_NAMES and self.weights != "none"

    def to_restore(self) -> "ModelOptions":
        """For a model whose weights come out of a checkpoint: nobody needs those that it started from."""
        return dataclasses.replace(self, weights="none")

    def __post_init__(self):
        if self.filters is not None:
            # A list comes out of a JSON file; two equal options must compare equal.
            object.__setattr__(self, "filters", tuple(self.filters))
        super().__post_init__()
        self._check_name()
        self._check_weights()
        self._check_layers()
        # A range would allow 1, which drops everything.
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UserError(f"--dropout={self.dropout}: it must be a fraction, from 0 to below 1")

    def _check_name(self):
        if self.name.endswith((".py", ".py:")):
            raise UserError(f"--model={self.name}: name the function in it, as --model={self.name.rstrip(':')}:build")
        if not self.network and self.name not in MODEL_NAMES:
            fix = "docs/models.md lists them; FILE.py:FUNCTION is one of your own, hub:PRESET one of KerasHub"
            raise unknown_name("--model", self.name, MODEL_NAMES, fix)

    def _check_weights(self):
        if self.weights.endswith(_OTHER_WEIGHTS) or not self.weights:
            raise UserError(
                f"--weights={self.weights!r}: it must be none, imagenet, the path of an .h5 file or the folder of a run"
            )
        if self.weights == "none" or self.weights_run:
            return
        if self.weights == "preset" and not isinstance(self.network, HubPreset):
            raise UserError(f"--weights=preset: {self.shown} is no preset of KerasHub; use none, or --model=hub:PRESET")
        if self.weights != "preset" and self.name not in BACKBONE_NAMES:
            raise UserError(
                f"--weights={self.weights!r}: {self.shown} has no pretrained weights of that kind; "
                "use none, the folder of a run, or a model of keras.applications, as docs/models.md lists them"
            )

    def _check_layers(self):
        if self.filters is not None and (self.name in BACKBONE_NAMES or self.network):
            shown = ",".join(map(str, self.filters))
            raise UserError(f"--filters={shown}: {self.shown} has fixed layers; leave it out")
        if self.dropout is not None and isinstance(self.network, NetworkFile):
            raise UserError(f"--dropout={self.dropout}: {self.shown} has fixed layers; leave it out")
        if self.filters == ():
            raise UserError("--filters=: it must be one number or more, as in 32,64,64")
        if self.blocks is not None and self.name not in RESIDUAL_NAMES:
            raise UserError(f"--blocks={self.blocks}: {self.shown} has no stages of residual blocks; leave it out")
        if self.units is not None and self.name not in CONVOLUTIONAL_NAMES:
            raise UserError(f"--units={self.units}: {self.shown} has no such layer; leave it out")
