"""How a model is trained, and on what: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses

from base.errors import UserError
from base.options import Options, option
from training.optimizer_names import ARGUMENTS, WITH_MOMENTUM, read_arguments

# Of --train=head_then_all: a head of a few thousand numbers learns in seconds, at a rate that would undo a backbone.
HEAD_EPOCHS, HEAD_LEARNING_RATE = 20, 1e-3
MOST_EPOCHS = 100_000
FALLING = ("cosine", "step", "one_cycle", "plateau")
# Over the whole run, so that another number of epochs is another schedule.
_OVER_ALL_EPOCHS = ("cosine", "one_cycle")
# That an epoch has; those on validation where there is such a split.
FIGURES = ("validation_loss", "validation_accuracy", "loss", "accuracy")
_WINDOW = "two whole numbers, the first and the last step, with 1 <= first <= last, as in 20,40"


@dataclasses.dataclass(frozen=True)
class TrainingOptions(Options):
    """The recipe, the devices and the cadences of a training."""

    # More of them go on where fewer ended, to the same bits, unless the schedule depends on how many there are.
    epochs: int = option(
        30, "passes over the training split, with --train=head_then_all those of all, after --head_epochs; a finished "
        "run goes on where more are asked for, unless its schedule is spread over them", within=(1, MOST_EPOCHS),
        identity=False,
    )  # fmt: skip
    # It chooses the number of epochs once; what a run is a function of is that number.
    train_minutes: float = option(
        0.0, "as many epochs as fit into so many minutes, from the start to the report: steps are timed before the "
        "first one, and the number is the run's --epochs from then on; 0 for --epochs", within=(0, 100_000),
        identity=False,
    )  # fmt: skip
    global_batch_size: int = option(
        0, "examples an optimizer step, over all replicas; 0 is 64, but for few pictures 32 or 16, so that an epoch "
        "has 50 steps", within=(0, 65_536),
    )  # fmt: skip
    learning_rate: float = option(
        1e-3, "of the optimizer; the top of its schedule; with --train=head_then_all that of all", within=(1e-9, 10.0)
    )
    optimizer: str = option("adam", "Keras's, by name and with its defaults; sgd has Nesterov momentum 0.9",
                            choices=tuple(ARGUMENTS))  # fmt: skip
    optimizer_args: str = option("", "what else of Keras's the --optimizer takes, as in beta_2=0.99,epsilon=1e-6")
    momentum: float | None = option(None, "of sgd, where it is 0.9 otherwise, or rmsprop, where it is 0",
                                    within=(0, 0.9999), only_with=("optimizer", WITH_MOMENTUM))  # fmt: skip
    weight_decay: float | None = option(
        None, "what an update takes off each weight, times the learning rate and the weight; biases and the variables "
        "of norms are left out; 0 but for adamw, where it is 0.004", within=(0, 1),
    )  # fmt: skip
    clip_norm: float = option(0.0, "the norm to which longer gradients, all of them together, are scaled; 0 for none",
                              within=(0, 1e6))  # fmt: skip
    accumulate_steps: int = option(
        1, "batches an update is made from, as if they were one: a step needs the memory of a batch; the last ones of "
        "an epoch may be fewer", within=(1, 10_000),
    )  # fmt: skip
    ema_momentum: float = option(
        0.0, "of averaged weights, as 0.999, which are validated and exported in place of the last update's; 0 for "
        "none", within=(0, 0.999999),
    )  # fmt: skip
    schedule: str = option("constant", "of the learning rate over the run; docs/training.md draws each in words",
                           choices=("constant", *FALLING))  # fmt: skip
    warmup_epochs: float = option(0.0, "epochs over which the learning rate climbs to its top", within=(0, 1000))
    final_rate_fraction: float = option(
        0.0, "of the top rate, below which the schedule does not fall", within=(0, 1), only_with=("schedule", FALLING)
    )
    decay_factor: float = option(0.1, "what step and plateau multiply the rate by", within=(0.001, 0.999),
                                 only_with=("schedule", ("step", "plateau")))  # fmt: skip
    step_epochs: float = option(10.0, "epochs between two falls of step", within=(0.01, 100_000),
                                only_with=("schedule", ("step",)))  # fmt: skip
    plateau_patience: int = option(10, "epochs without a lower loss before plateau lowers the rate",
                                   within=(1, 100_000), only_with=("schedule", ("plateau",)))  # fmt: skip
    label_smoothing: float = option(0.0, "the part of each label that goes to all classes alike, in training",
                                    within=(0, 0.9))  # fmt: skip
    class_weights: str = option(
        "none", "of the training loss: balanced has each class come to the same, however many examples it has",
        choices=("none", "balanced"),
    )  # fmt: skip
    early_stop_patience: int = option(
        0, "stop after this many epochs without a better --early_stop_on; 0 never stops", within=(0, 100_000)
    )
    early_stop_on: str = option(
        "auto", "auto is the validation loss, with --full_train the training loss", choices=("auto", *FIGURES)
    )
    best_on: str = option(
        "auto", "which epoch is exported; auto is the highest validation accuracy, then the lowest validation loss, "
        "with --full_train the last", choices=("auto", "validation_accuracy", "validation_loss", "last"),
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

    @property
    def schedule_epochs(self) -> int:
        """How many epochs the schedule is spread over; 0 where it does not depend on their number."""
        return self.epochs if self.schedule in _OVER_ALL_EPOCHS else 0

    @property
    def optimizer_arguments(self) -> dict[str, float | bool]:
        """What `optimizer_args` says."""
        return read_arguments(self.optimizer, self.optimizer_args)

    @property
    def needs_validation(self) -> str:
        """The flag that names a figure on validation, with its value; empty where none does."""
        named = (("early_stop_on", self.early_stop_on), ("best_on", self.best_on))
        return next((f"--{flag}={figure}" for flag, figure in named if figure.startswith("validation")), "")

    def with_constant_rate(self) -> "TrainingOptions":
        """These without a schedule, a warm-up and averaged weights: for a test that sets the rate itself."""
        of_schedules = {field.name: field.default for field in dataclasses.fields(self)
                        if field.metadata["option"].only_with[:1] == ("schedule",)}  # fmt: skip
        return dataclasses.replace(self, schedule="constant", warmup_epochs=0.0, ema_momentum=0.0, **of_schedules)

    def updates_of(self, steps: int) -> int:
        """How many updates so many steps of an epoch, from its first on, come to."""
        return -(-steps // self.accumulate_steps)

    def __post_init__(self):
        super().__post_init__()
        _ = self.optimizer_arguments
        if self.early_stop_on != "auto" and not self.early_stop_patience:
            raise UserError(f"--early_stop_on={self.early_stop_on}: it does nothing without --early_stop_patience")
        window = self.profile_steps
        if window is not None and not (len(window) == 2 and 1 <= window[0] <= window[1]):
            raise UserError(f"--profile_steps={','.join(map(str, window))}: it must be {_WINDOW}")
