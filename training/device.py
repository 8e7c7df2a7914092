"""Devices, strategy and precision: what was chosen, and why, in words that the log can say."""

import dataclasses
import os
import platform
from pathlib import Path

import keras
import tensorflow as tf

from base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Hardware:
    """The choices of one run.

    Attributes:
      devices: what was found, for the log.
      strategy: None for one device: the plain step is faster and Keras's own XLA stays possible.
      replicas: how many devices share each global batch.
      policy: the Keras dtype policy's name.
      threads: intra-op threads; part of what makes a CPU run bit-exact.
      accelerated: whether a GPU computes the step.
      reasons: lines for the log.
      processor: what computes, by name, and whether with oneDNN's kernels: another one rounds otherwise.
    """

    devices: str
    strategy: tf.distribute.Strategy | None
    replicas: int
    policy: str
    threads: int
    accelerated: bool
    reasons: tuple[str, ...]
    processor: str = ""

    def scope(self):
        """The strategy's scope, or a default one that does nothing."""
        return (self.strategy or tf.distribute.get_strategy()).scope()


def set_up(precision: str, strategy: str, replicas: int, threads: int, deterministic: bool = True) -> Hardware:
    """Configures TensorFlow's threads and devices (before it first uses them) and the Keras policy.

    `deterministic` False leaves a GPU's kernels free, for measuring what bit-exactness costs; no run does so, and once
    a process has asked for it TensorFlow has no way back.
    Raises UserError for a choice that this machine cannot keep.
    """
    if os.environ.get("TF_CONFIG"):
        raise UserError("TF_CONFIG is set: Penstock trains on the devices of one machine; unset TF_CONFIG")
    threads = threads or len(os.sched_getaffinity(0))
    _set_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    count, why_strategy = _replica_count(strategy, replicas, len(gpus))
    if gpus and deterministic:
        # cuDNN picks its kernels by timing them unless it is told not to; that alone would break bit-exactness.
        tf.config.experimental.enable_op_determinism()
    policy, why_policy = _choose_policy(precision, gpus)
    _take_keras_defaults()
    keras.config.set_dtype_policy(policy)
    device_names = _device_names(gpus, count)
    chosen = tf.distribute.MirroredStrategy(device_names) if count > 1 or strategy == "mirrored" else None
    devices = _describe(gpus, threads)
    reasons = (
        f"device      {devices}",
        f"strategy    {'mirrored over ' + str(count) + ' replicas' if chosen else 'none'} ({why_strategy})",
        f"precision   {policy} ({why_policy})",
        "xla         off for the step, on for the augmentation "
        + ("(the step's kernels are cuDNN's)" if gpus else "(on a CPU it makes the step slower)"),
    )
    return Hardware(devices, chosen, count, policy, threads, bool(gpus), reasons, _processor(gpus))


def _take_keras_defaults() -> None:
    """A run must not depend on the ~/.keras/keras.json that other programs have left (keras.io/api/utils/config)."""
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


def _set_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # A second run in one process: TensorFlow's pools are made once, so only the same number will do.
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise


def _replica_count(strategy: str, replicas: int, gpus: int) -> tuple[int, str]:
    if strategy == "none":
        if replicas > 1:
            raise UserError(
                f"--replicas={replicas}: --strategy=none trains on one device; leave one of the two flags out"
            )
        return 1, "asked for"
    if strategy == "auto" and not replicas:
        if gpus > 1:
            return gpus, f"{gpus} GPUs in this machine"
        return 1, "one device"
    count = replicas or gpus or 1
    if gpus and count > gpus:
        raise UserError(f"--replicas={count}: this machine has {gpus} GPUs; give at most {gpus}")
    return count, "asked for"


def _device_names(gpus: list, count: int) -> list[str]:
    if gpus:
        return [f"GPU:{index}" for index in range(count)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = tf.config.get_logical_device_configuration(cpu)
    if count > 1 and len(logical or ()) < count:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    return [f"CPU:{index}" for index in range(count)]


def _choose_policy(precision: str, gpus: list) -> tuple[str, str]:
    if precision != "auto":
        return precision, "asked for"
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        shown = f"compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return "mixed_bfloat16", f"{shown}: bfloat16 tensor cores"
        if capability >= (7, 0):
            return "mixed_float16", f"{shown}: float16 tensor cores, no bfloat16; the loss is scaled"
        return "float32", f"{shown}: no tensor cores"
    flags = set(_cpuinfo("flags").split())
    for flag, name in (("amx_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16")):
        if flag in flags:
            return "mixed_bfloat16", f"this CPU has {name}"
    return "float32", "this CPU has neither AMX nor AVX512-BF16"


def _cpuinfo(field: str) -> str:
    """What /proc/cpuinfo says of the first processor's `field`; empty where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(field)), "")


def _describe(gpus: list, threads: int) -> str:
    return f"{len(gpus)} x {_gpu_name(gpus)}" if gpus else f"CPU, {threads} threads"


def _gpu_name(gpus: list) -> str:
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def _processor(gpus: list) -> str:
    if gpus:
        return _gpu_name(gpus)
    kernels = " without oneDNN" if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" else ""
    return (_cpuinfo("model name") or platform.machine()) + kernels
