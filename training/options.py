"""How a model is trained, and on what: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses

from base.errors import UserError
from base.options import Options, option

# Of --train=head_then_all: a head of a few thousand numbers learns in seconds, at a rate that would undo a backbone.
HEAD_EPOCHS, HEAD_LEARNING_RATE = 20, 1e-3
_WINDOW = "two whole numbers, the first and the last step, with 1 <= first <= last, as in 20,40"


@dataclasses.dataclass(frozen=True)
class TrainingOptions(Options):
    """The recipe, the devices and the cadences of a training."""

    # More of them go on where fewer ended, to the same bits, unless the schedule depends on how many there are.
    epochs: int = option(
        30, "passes over the training split, with --train=head_then_all those of all, after --head_epochs; a finished "
        "run goes on where more are asked for", within=(1, 100_000), identity=False,
    )  # fmt: skip
    global_batch_size: int = option(64, "examples an optimizer step, over all replicas", within=(1, 65_536))
    learning_rate: float = option(
        1e-3, "of the optimizer; the top of its schedule; with --train=head_then_all that of all", within=(1e-9, 10.0)
    )
    optimizer: str = option("adam", "sgd has Nesterov momentum 0.9", choices=("adam", "adamw", "sgd"))
    schedule: str = option("constant", "of the learning rate over the run", choices=("constant", "cosine"))
    warmup_epochs: float = option(0.0, "epochs over which the learning rate climbs to its top", within=(0, 1000))
    early_stop_patience: int = option(
        0, "stop after this many epochs without a lower validation loss (with --full_train: training loss); 0 never "
        "stops", within=(0, 100_000),
    )  # fmt: skip
    # Transfer: who learns, in which order; what an option comes to for a model, jobs/transfer.py checks.
    train: str = option(
        "auto", "what learns: all of the model, its head alone, or first that and then all; the head is the layer "
        "above a backbone, whose features are computed once and kept; auto is head_then_all for a backbone with "
        "--weights, else all", choices=("auto", "all", "head", "head_then_all"),
    )  # fmt: skip
    head_epochs: int | None = option(
        None, f"of --train=head_then_all: epochs of the head alone, before the --epochs of all; {HEAD_EPOCHS} where "
        "none are given",
        within=(1, 100_000),
    )  # fmt: skip
    head_learning_rate: float | None = option(
        None, f"of --train=head_then_all: that of the head's epochs; {HEAD_LEARNING_RATE:g} where none is given",
        within=(1e-9, 10.0),
    )  # fmt: skip
    unfreeze_from: str = option(
        "", "the first layer of the backbone that learns, where all does; those before it stay as they are: its name, "
        "that of its block, as block_13, or a fraction of the layers, as 0.6; all learn where it is not given",
    )  # fmt: skip
    backbone_rate_factor: float | None = option(
        None, "what of the learning rate the backbone's layers take, as 0.1; all of it where none is given",
        within=(1e-6, 1.0),
    )  # fmt: skip
    backbone_batchnorm: str = option(
        "auto", "statistics that a backbone's BatchNorm layers use and keep while it learns: frozen keeps the "
        "pretrained ones, train those of the batches; auto is frozen for a backbone with --weights",
        choices=("auto", "frozen", "train"),
    )  # fmt: skip
    precision: str = option(
        "auto", "auto is the fastest that this hardware computes well",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )  # fmt: skip
    # Another number of replicas rounds sums otherwise, no more: a run's examples, augmentation and dropout stay.
    strategy: str = option("auto", "auto is mirrored where there are several GPUs",
                           choices=("auto", "none", "mirrored"), identity=False)  # fmt: skip
    replicas: int = option(
        0, "devices that share each global batch; on a CPU, logical devices; 0 is every GPU; may change when a run is "
        "continued", within=(0, 64), identity=False,
    )  # fmt: skip
    augment_on: str = option("auto", "auto is device on a GPU", choices=("auto", "host", "device"))
    checkpoint_every_steps: int = option(
        0, "save between epoch ends too; 0 saves at epoch ends", within=(0, 10**9), identity=False
    )
    profile_steps: tuple[int, int] | None = option(
        None, "first,last step to profile for TensorBoard's Profile tab, as in 20,40: counted over all epochs from 1, "
        "as the progress bar counts; the last is recorded too", rule=_WINDOW, identity=False,
    )  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        window = self.profile_steps
        if window is not None and not (len(window) == 2 and 1 <= window[0] <= window[1]):
            raise UserError(f"--profile_steps={','.join(map(str, window))}: it must be {_WINDOW}")
