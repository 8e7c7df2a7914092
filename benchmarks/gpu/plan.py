"""Which configurations gpu_check.py runs, and how large; each is a job for one process. Imports no TensorFlow."""

import dataclasses
import itertools
from collections.abc import Iterator

PARTS = ("speed", "augmentation", "precision", "determinism", "resume")
# tf32 is what --precision=float32 computes on Ampere and newer cards, where TensorFlow rounds the factors of every
# matrix product and convolution to 10 bits unless told not to; float32 is the reference without that.
PRECISIONS = ("float32", "tf32", "mixed_float16", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """One training configuration.

    Attributes:
      model: a name of models.zoo.
      precision: one of PRECISIONS, or "auto" as train.py chooses.
      xla: whether XLA compiles the step.
      place: "host" or "device", where pictures are augmented.
      global_batch_size: examples a step.
      image_size: side of the pictures, pixels.
      deterministic: op determinism, which every run has on a GPU.
      dropout: fraction; None keeps the model's own.
      steps: taken from the seed first; their losses and the weights after them are reported, and they warm up.
      seconds: how long to time afterwards; 0 times nothing.
    """

    model: str
    precision: str
    xla: bool
    place: str
    global_batch_size: int
    image_size: int
    deterministic: bool = True
    dropout: float | None = None
    steps: int = 5
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
      quick: speed varies one axis at a time from `base_speed_job` instead of taking every combination.
      models, precisions, global_batch_sizes: the axes of the speed part; the base takes the last precision and the
        middle size.
      resume_models: whose runs are killed.
      image_size: side of the pictures, pixels.
      matmul_side: rows and columns of the matrices of the peak measurement.
      seconds: of each timed stretch.
      loss_steps: steps of the loss curves and of the determinism check.
      loss_global_batch_size: of the same.
      augmented_batches: compared between host and device, for each preset.
      resume_epochs: of the runs that are killed.
      timeout_seconds: after which a process counts as hung.
    """

    quick: bool
    models: tuple[str, ...] = ("catdog_2", "residual_small")
    precisions: tuple[str, ...] = PRECISIONS
    global_batch_sizes: tuple[int, ...] = (64, 256, 1024)
    resume_models: tuple[str, ...] = ("catdog_2", "residual_small")
    image_size: int = 112
    matmul_side: int = 8192
    seconds: float = 5.0
    loss_steps: int = 48
    loss_global_batch_size: int = 64
    augmented_batches: int = 16
    resume_epochs: int = 4
    timeout_seconds: float = 900.0


FULL = Plan(quick=False)
QUICK = Plan(quick=True, resume_models=("residual_small",), seconds=2.0, resume_epochs=3)
# Not a measurement of anything: it runs every line here on a machine without a card.
TINY = Plan(
    quick=True, models=("catdog_2",), precisions=("float32", "mixed_bfloat16"), global_batch_sizes=(8,),
    resume_models=("catdog_2",), image_size=48, matmul_side=128, seconds=0.05, loss_steps=3, loss_global_batch_size=8,
    augmented_batches=2, resume_epochs=2,
)  # fmt: skip


def base_speed_job(plan: Plan, model: str) -> TrainJob:
    """What train.py does by itself on a card with bfloat16."""
    size = plan.global_batch_sizes[len(plan.global_batch_sizes) // 2]
    return TrainJob(model, plan.precisions[-1], False, "device", size, plan.image_size, seconds=plan.seconds)


def speed_jobs(plan: Plan) -> Iterator[TrainJob]:
    """Every combination of the axes, or those that differ from the base in one of them."""
    axes = {
        "precision": plan.precisions,
        "xla": (False, True),
        "place": ("device", "host"),
        "global_batch_size": plan.global_batch_sizes,
    }
    for model in plan.models:
        base = base_speed_job(plan, model)
        for values in itertools.product(*axes.values()):
            job = dataclasses.replace(base, **dict(zip(axes, values, strict=True)))
            if not plan.quick or sum(getattr(job, axis) != getattr(base, axis) for axis in axes) <= 1:
                yield job


def precision_jobs(plan: Plan, model: str) -> Iterator[TrainJob]:
    """The same steps in every precision, float32 first.

    Without dropout: its mask is drawn in the compute dtype, so that precisions would train different networks.
    """
    for precision in plan.precisions:
        yield TrainJob(
            model, precision, False, "device", plan.loss_global_batch_size, plan.image_size,
            dropout=0.0, steps=plan.loss_steps,
        )  # fmt: skip


def determinism_jobs(plan: Plan, model: str, deterministic: bool) -> tuple[TrainJob, TrainJob]:
    """The same job twice."""
    job = TrainJob(
        model, "auto", False, "device", plan.loss_global_batch_size, plan.image_size,
        deterministic, steps=plan.loss_steps, seconds=plan.seconds,
    )  # fmt: skip
    return job, job
