"""One configuration, measured in this process: what train.py would run, with a clock around it. Runs in a worker."""

import functools
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from base.watch import SILENT
from benchmarks.gpu.flops import step_flops
from benchmarks.gpu.plan import TrainJob
from jobs.options import RunOptions, resolve
from jobs.prepare import load_data
from models.zoo import build_model
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.data import Data
from pipeline.graph import make_finish, make_train_dataset
from pipeline.order import Order
from pipeline.plan import Plan
from training.checkpoint import to_arrays, weights_sha256
from training.device import Hardware, apply, choose, look
from training.loop import EpochClock
from training.optimizer import build_optimizer
from training.options import TrainingOptions
from training.step import TrainState, make_state, make_train_step

ROUND_STEPS = 10  # between two moments at which the host waits for the device
CHAINED_PRODUCTS = 8  # matrix products in one call, so that calling costs next to nothing
ENDLESS_STEPS = 10**9


def describe() -> dict:
    """{"gpus", "name", "built_with_cuda", "tensorflow"}: the cards that TensorFlow sees, the first one's name."""
    gpus = tf.config.list_physical_devices("GPU")
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else ""
    return {"gpus": len(gpus), "name": name, "built_with_cuda": tf.test.is_built_with_cuda(),
            "tensorflow": tf.__version__}  # fmt: skip


def matmul_peak(precision: str, side: int, seconds: float) -> dict:
    """{"flops_per_second"}: the best rate of [side, side] matrix products in the compute dtype of `precision`."""
    hardware = _set_up(precision, deterministic=False)
    dtype = {"mixed_float16": tf.float16, "mixed_bfloat16": tf.bfloat16}.get(hardware.policy, tf.float32)
    # Scaled so that a product's numbers are as large as its factors'.
    left, right = (tf.random.stateless_normal([side, side], [seed, 0]) * side**-0.5 for seed in (1, 2))
    left, right = tf.cast(left * side**0.5, dtype), tf.cast(right, dtype)

    @tf.function
    def chain(product, factor):
        for _ in range(CHAINED_PRODUCTS):
            product = tf.matmul(product, factor)
        return product[0, 0]

    best, began = 0.0, time.perf_counter()
    chain(left, right).numpy()
    while not best or time.perf_counter() - began < seconds:
        started = time.perf_counter()
        chain(left, right).numpy()
        best = max(best, CHAINED_PRODUCTS * 2 * side**3 / (time.perf_counter() - started))
    return {"flops_per_second": best, "dtype": dtype.name}


def compare_augmentation(
    preset: str, image_size: int, global_batch_size: int, batches: int, data_dir: str, cache_dir: str
) -> dict:
    """How far the same batches are apart, augmented in the input graph and on the device, of values in [0, 1].

    Returns {"max_absolute_difference", "mean_absolute_difference", "pictures", "device"}.
    Raises RuntimeError where there is a GPU and the second half was computed elsewhere.
    """
    hardware = _set_up("float32")
    options = _options(data_dir, image_size, global_batch_size)
    data = load_data(options, Path(cache_dir), SILENT)
    augmentation = AUGMENT_PRESETS[preset]
    host, stored = (_dataset(options, data, augmentation, place, last_step=batches) for place in ("host", "device"))
    with tf.device(_device_name(hardware)):
        finish = tf.function(make_finish(augmentation, data.pixels.pixel_format))
        worst, mean, device = [], [], ""
        for wanted, raw in zip(host, stored, strict=True):
            image = finish(raw)["image"]
            device = image.device
            difference = np.abs(image.numpy() - wanted["image"].numpy())
            worst.append(float(difference.max()))
            mean.append(float(difference.mean()))
    if hardware.accelerated and "GPU" not in device:
        raise RuntimeError(f"augmentation was asked for on {_device_name(hardware)} and ran on {device}")
    return {"max_absolute_difference": max(worst), "mean_absolute_difference": statistics.fmean(mean),
            "pictures": batches * global_batch_size, "device": device}  # fmt: skip


def train(job: TrainJob, data_dir: str, cache_dir: str) -> dict:
    """Takes `job.steps` steps from the seed, then times the job for `job.seconds`.

    Returns {"policy", "step_flops" a picture, "losses" a step, "weights_sha256" after them}, and of the timed steps
    what `_speed` says.
    """
    hardware = _set_up(job.precision, job.deterministic)
    options = _options(data_dir, job.image_size, job.global_batch_size, model=job.model, dropout=job.dropout)
    data = load_data(options, Path(cache_dir), SILENT)
    classes = len(data.manifest.class_names)
    with hardware.scope():
        model = build_model(options.model, options.seed, classes, data.pixels.pixel_format.shape)
    state = make_state(
        hardware, model, lambda _: build_optimizer(options.training, 1), options.training.global_batch_size
    )
    finish = make_finish(options.augment, data.pixels.pixel_format) if job.place == "device" else None
    make_step = make_train_step(state, hardware, classes, finish, jit_compile=job.xla)
    train_step = functools.partial(make_step, is_full=True)  # nearly all batches of a run are
    batches = iter(_dataset(options, data, options.augment, job.place, ENDLESS_STEPS))
    losses = [_loss_of_step(state, train_step, next(batches)) for _ in range(job.steps)]
    row = {"policy": hardware.policy, "step_flops": step_flops(state.model), "losses": losses,
           "weights_sha256": weights_sha256(to_arrays(state.model.variables))}  # fmt: skip
    return row | (_speed(batches, train_step, state, job.seconds, _device_name(hardware)) if job.seconds else {})


def _speed(batches: Iterator, train_step, state: TrainState, seconds: float, device: str) -> dict:
    """{"images_per_second", "input_wait_fraction", "starved_fraction", "peak_bytes" of the device}.

    `input_wait_fraction` is what train.py prints: how long the host stood in `next`. A device works on while the host
    waits, so `starved_fraction` compares the time of a step with that of one that is given the same batch again: the
    part that faster input could save. Copying the batch to the device is in both.
    """
    time_rounds(batches, train_step, state, 0)  # the batches that were prefetched during warm-up steps come for nothing
    tf.config.experimental.reset_memory_stats(device)
    fed = time_rounds(batches, train_step, state, seconds)
    peak_bytes = tf.config.experimental.get_memory_info(device)["peak"]
    given = time_rounds(itertools.repeat(next(batches)), train_step, state, seconds)
    figures = fed.figures()
    return {"images_per_second": figures["images_per_second"], "input_wait_fraction": figures["input_wait_fraction"],
            "starved_fraction": max(0.0, 1.0 - (given.seconds / given.steps) / (fed.seconds / fed.steps)),
            "step_seconds": given.seconds / given.steps, "peak_bytes": peak_bytes}  # fmt: skip


def time_rounds(batches: Iterator, train_step, state: TrainState, seconds: float) -> EpochClock:
    """Rounds of ROUND_STEPS steps until `seconds` have passed, at least one; a round ends when the device is done."""
    clock = EpochClock()
    counted = float(state.sums[2])
    while not clock.steps or clock.seconds < seconds:
        began = time.perf_counter()
        for _ in range(ROUND_STEPS):
            asked = time.perf_counter()
            batch = next(batches)
            clock.wait_seconds += time.perf_counter() - asked
            train_step(batch)
        total = float(state.sums[2])  # waits for the device
        clock.seconds += time.perf_counter() - began
        clock.steps += ROUND_STEPS
    clock.examples = round(total - counted)
    return clock


def _loss_of_step(state: TrainState, train_step, batch: dict) -> float:
    before = state.sums.numpy()
    train_step(batch)
    loss, _, examples = state.sums.numpy() - before
    return float(loss / examples)


def _set_up(precision: str, deterministic: bool = True) -> Hardware:
    # TensorFlow's own default is on; mixed policies keep it, as train.py does.
    tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
    options = TrainingOptions(precision="float32" if precision == "tf32" else precision, strategy="none")
    return apply(choose(look(), options, 0, deterministic))


def _device_name(hardware: Hardware) -> str:
    return "GPU:0" if hardware.accelerated else "CPU:0"


def _options(data_dir: str, image_size: int, global_batch_size: int, **given) -> RunOptions:
    given = {name: value for name, value in given.items() if value is not None}
    return resolve(f"folder:{data_dir}", {
        "image_size": image_size, "global_batch_size": global_batch_size, "color_mode": "rgb", "augment": "report",
        "cache": "pack", "split_fractions": (0.8, 0.1, 0.1), **given,
    })  # fmt: skip


def _dataset(options: RunOptions, data: Data, augmentation: AugmentOptions, place: str, last_step: int):
    order = Order(data.splits.ids["train"], options.training.global_batch_size, options.seed, shuffle=True)
    plan = Plan(order, data.manifest.labels, data.pixels.pixel_format, augmentation, options.seed)
    return make_train_dataset(plan, data.pixels, 0, last_step, on_device=place == "device")
