"""Hardware in three moves: `look` lists it, `choose` decides for it and says why, `apply` configures TensorFlow."""

import dataclasses
import os
import platform
from pathlib import Path

import keras
import tensorflow as tf

from base import allocator
from base.errors import UserError
from training.environment import numeric_environment
from training.options import TrainingOptions

# Of a CPU's flags those that decide, with the names that people know.
_BFLOAT16_FLAGS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}


@dataclasses.dataclass(frozen=True)
class Gpu:
    """A GPU by its name, as "Tesla T4", and its compute capability, as (7, 5)."""

    name: str
    capability: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a run finds.

    Attributes:
      gpus: that TensorFlow sees, in its order.
      cpu_flags: those that say how it computes in bfloat16, as /proc/cpuinfo spells them.
      cores: that this process may use.
      has_onednn: False where TF_ENABLE_ONEDNN_OPTS=0 switches oneDNN's kernels off.
      has_tf_config: whether TF_CONFIG describes a cluster.
      environment: (variable, value) of those that change how numbers are computed.
      allocator: what gives memory, in words.
    """

    gpus: tuple[Gpu, ...] = ()
    cpu: str = "CPU"
    cpu_flags: tuple[str, ...] = ()
    cores: int = 1
    has_onednn: bool = True
    has_tf_config: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    allocator: str = "the system's, as it is"


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What a run does with a machine: chosen by `choose`, in force once `apply` has given it back.

    Attributes:
      devices: what computes, for the log.
      strategy: None for one device, and before `apply`.
      replicas: how many devices share each global batch.
      policy: the Keras dtype policy's name.
      threads: intra-op threads; part of what makes a CPU run bit-exact.
      accelerated: whether a GPU computes the step.
      log_lines: one a choice, with why it was made.
      processor: what computes, by name, and whether with oneDNN's kernels: another one rounds otherwise.
      is_mirrored: whether a MirroredStrategy holds the replicas; without one the plain step is faster.
      environment: as the machine's.
      is_deterministic: whether TensorFlow's op determinism is switched on, which CPUs do without.
    """

    devices: str
    strategy: tf.distribute.Strategy | None
    replicas: int
    policy: str
    threads: int
    accelerated: bool
    log_lines: tuple[str, ...]
    processor: str = ""
    is_mirrored: bool = False
    is_deterministic: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def scope(self):
        """The strategy's scope, or a default one that does nothing."""
        return (self.strategy or tf.distribute.get_strategy()).scope()


def look() -> Machine:
    """The machine as it is; lists devices and configures nothing."""
    flags = _cpuinfo("flags").split()
    return Machine(
        gpus=tuple(_gpu_of(device) for device in tf.config.list_physical_devices("GPU")),
        cpu=_cpuinfo("model name") or platform.machine(),
        cpu_flags=tuple(flag for flag in _BFLOAT16_FLAGS if flag in flags),
        cores=len(os.sched_getaffinity(0)),
        has_onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0",
        has_tf_config=bool(os.environ.get("TF_CONFIG")),
        environment=numeric_environment(),
        allocator=allocator.description(),
    )


def choose(machine: Machine, options: TrainingOptions, threads: int, deterministic: bool = True) -> Hardware:
    """What `options` (precision, strategy, replicas, train) come to on `machine`; touches nothing.

    `threads` 0 is one a core. `deterministic` False leaves a GPU's kernels free, for measuring what bit-exactness
    costs; no run does so. Raises UserError for what this machine cannot do.
    """
    if machine.has_tf_config:
        raise UserError("TF_CONFIG is set: Penstock trains on the devices of one machine; unset TF_CONFIG")
    threads, gpus = threads or machine.cores, machine.gpus
    replicas, why_replicas = _choose_replicas(options.strategy, options.replicas, len(gpus))
    policy, why_policy = _choose_policy(options.precision, options.train == "head", machine)
    is_mirrored = replicas > 1 or options.strategy == "mirrored"
    devices = f"{len(gpus)} x {gpus[0].name}" if gpus else f"CPU, {threads} threads"
    lines = [
        f"device      {devices}",
        f"strategy    {f'mirrored over {replicas} replicas' if is_mirrored else 'none'} ({why_replicas})",
        f"precision   {policy} ({why_policy})",
        _xla_line(machine),
        f"allocator   {machine.allocator}",
        *(f"environment {name}={value}: it changes how numbers are computed, and so is part of what the run is"
          for name, value in machine.environment),
    ]  # fmt: skip
    if gpus:
        lines.append(f"determinism {'on (the same bits every time)' if deterministic else 'off (asked for)'}")
    is_deterministic = bool(gpus) and deterministic
    processor = gpus[0].name if gpus else machine.cpu + ("" if machine.has_onednn else " without oneDNN")
    return Hardware(devices, None, replicas, policy, threads, bool(gpus), tuple(lines), processor, is_mirrored,
                    is_deterministic, machine.environment)  # fmt: skip


def apply(chosen: Hardware) -> Hardware:
    """Configures TensorFlow's threads and devices and Keras's settings, and makes the strategy.

    Runs no op before that: TensorFlow must not have computed anything yet. Op determinism cannot be switched off again.
    """
    _set_threads(chosen.threads)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    if chosen.is_deterministic:
        # cuDNN picks its kernels by timing them unless it is told not to; that alone would break bit-exactness.
        tf.config.experimental.enable_op_determinism()
    # A run must not depend on the ~/.keras/keras.json that other programs have left (keras.io/api/utils/config).
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(chosen.policy)
    names = _device_names(chosen)
    return dataclasses.replace(chosen, strategy=tf.distribute.MirroredStrategy(names) if chosen.is_mirrored else None)


def _xla_line(machine: Machine) -> str:
    if "--tf_xla_auto_jit=" in dict(machine.environment).get("TF_XLA_FLAGS", ""):
        return "xla         as TF_XLA_FLAGS says for the step, on for the augmentation"
    why = "the step's kernels are cuDNN's" if machine.gpus else "on a CPU it makes the step slower"
    return f"xla         off for the step, on for the augmentation ({why})"


def _choose_replicas(strategy: str, replicas: int, gpus: int) -> tuple[int, str]:
    if strategy == "none":
        if replicas > 1:
            raise UserError(
                f"--replicas={replicas}: --strategy=none trains on one device; leave one of the two flags out"
            )
        return 1, "asked for"
    if strategy == "auto" and not replicas:
        return (gpus, f"{gpus} GPUs in this machine") if gpus > 1 else (1, "one device")
    count = replicas or gpus or 1
    if gpus and count > gpus:
        raise UserError(f"--replicas={count}: this machine has {gpus} GPUs; give at most {gpus}")
    return count, "asked for"


def _choose_policy(precision: str, is_head: bool, machine: Machine) -> tuple[str, str]:
    if precision != "auto":
        return precision, "asked for"
    if is_head:
        return "float32", "the head alone learns, on features in float32"
    return _fastest_policy(machine)


def _fastest_policy(machine: Machine) -> tuple[str, str]:
    if machine.gpus:
        capability = machine.gpus[0].capability
        shown = f"compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return "mixed_bfloat16", f"{shown}: bfloat16 tensor cores"
        if capability >= (7, 0):
            return "mixed_float16", f"{shown}: float16 tensor cores, no bfloat16; the loss is scaled"
        return "float32", f"{shown}: no tensor cores"
    for flag, name in _BFLOAT16_FLAGS.items():
        if flag in machine.cpu_flags:
            return "mixed_bfloat16", f"this CPU has {name}"
    return "float32", "this CPU has neither AMX nor AVX512-BF16"


def _set_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # A second run in one process: TensorFlow's pools are made once, so only the same number will do.
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise


def _device_names(chosen: Hardware) -> list[str]:
    """The devices of the replicas; cuts the CPU into as many where it has to compute for several."""
    if chosen.accelerated:
        return [f"GPU:{index}" for index in range(chosen.replicas)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    if chosen.replicas > 1 and len(tf.config.get_logical_device_configuration(cpu) or ()) < chosen.replicas:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * chosen.replicas)
    return [f"CPU:{index}" for index in range(chosen.replicas)]


def _gpu_of(device) -> Gpu:
    details = tf.config.experimental.get_device_details(device)
    return Gpu(details.get("device_name", "GPU"), details.get("compute_capability", (0, 0)))


def _cpuinfo(field: str) -> str:
    """What /proc/cpuinfo says of the first processor's `field`; empty where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(field)), "")
