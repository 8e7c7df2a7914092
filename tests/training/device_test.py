"""Hardware: what is seen of a machine, what is chosen for it, in which words, what is refused and configured."""

import dataclasses
import subprocess
import sys
import types

import keras
import pytest
import tensorflow as tf

from base.errors import UserError
from tests.helpers.run_fixtures import ROOT
from training import device
from training.device import Choice, Gpu, Machine, apply, choose, look
from training.options import TrainingOptions

CPU = Machine(cpu="A CPU 9", cores=6)
V100, T4, A100, H100 = (
    Machine((Gpu(name, capability),), cores=16)
    for name, capability in (
        ("Tesla V100-SXM2-16GB", (7, 0)),
        ("Tesla T4", (7, 5)),
        ("NVIDIA A100-SXM4-40GB", (8, 0)),
        ("NVIDIA H100 80GB HBM3", (9, 0)),
    )
)


def with_flags(*flags: str) -> Machine:
    return dataclasses.replace(CPU, cpu_flags=flags)


def gpus(count: int) -> Machine:
    return Machine((Gpu("A Card", (8, 0)),) * count)


def chosen(machine: Machine, threads=0, deterministic=True, **options) -> Choice:
    return choose(machine, TrainingOptions(**options), threads, deterministic)


def line(choice: Choice, subject: str) -> str:
    (found,) = [line for line in choice.log_lines if line.startswith(subject)]
    return found.split(maxsplit=1)[1]


@pytest.mark.parametrize(
    ("machine", "policy", "words"),
    [
        (with_flags("amx_bf16"), "mixed_bfloat16", "this CPU has AMX"),
        (with_flags("amx_bf16", "avx512_bf16"), "mixed_bfloat16", "this CPU has AMX"),
        (with_flags("avx512_bf16"), "mixed_bfloat16", "this CPU has AVX512-BF16"),
        (CPU, "float32", "this CPU has neither AMX nor AVX512-BF16"),
        (Machine((Gpu("GeForce GTX 1080", (6, 1)),)), "float32", "compute capability 6.1: no tensor cores"),
        (V100, "mixed_float16", "compute capability 7.0: float16 tensor cores, no bfloat16; the loss is scaled"),
        (T4, "mixed_float16", "compute capability 7.5: float16 tensor cores, no bfloat16; the loss is scaled"),
        (A100, "mixed_bfloat16", "compute capability 8.0: bfloat16 tensor cores"),
        (H100, "mixed_bfloat16", "compute capability 9.0: bfloat16 tensor cores"),
        (Machine((Gpu("Next", (12, 0)),)), "mixed_bfloat16", "compute capability 12.0: bfloat16 tensor cores"),
        (dataclasses.replace(T4, cpu_flags=("amx_bf16",)), "mixed_float16", "compute capability 7.5"),
    ],
)
def test_auto_precision_follows_what_computes(machine, policy, words):
    choice = chosen(machine)
    assert choice.policy == policy
    assert line(choice, "precision").startswith(f"{policy} ({words}")


@pytest.mark.parametrize("machine", [CPU, with_flags("amx_bf16"), T4, H100])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_an_asked_for_precision_is_kept_on_every_machine(precision, machine):
    choice = chosen(machine, precision=precision)
    assert choice.policy == precision
    assert line(choice, "precision") == f"{precision} (asked for)"


@pytest.mark.parametrize(
    ("strategy", "replicas", "gpu_count", "count", "words"),
    [
        ("auto", 0, 0, 1, "none (one device)"),
        ("auto", 0, 1, 1, "none (one device)"),
        ("auto", 0, 2, 2, "mirrored over 2 replicas (2 GPUs in this machine)"),
        ("auto", 2, 4, 2, "mirrored over 2 replicas (asked for)"),
        ("auto", 2, 0, 2, "mirrored over 2 replicas (asked for)"),
        ("auto", 1, 4, 1, "none (asked for)"),
        ("none", 0, 4, 1, "none (asked for)"),
        ("none", 1, 4, 1, "none (asked for)"),
        ("mirrored", 0, 4, 4, "mirrored over 4 replicas (asked for)"),
        ("mirrored", 0, 0, 1, "mirrored over 1 replicas (asked for)"),
        ("mirrored", 3, 0, 3, "mirrored over 3 replicas (asked for)"),
    ],
)
def test_how_many_replicas_and_whether_a_strategy_holds_them(strategy, replicas, gpu_count, count, words):
    choice = chosen(gpus(gpu_count), strategy=strategy, replicas=replicas)
    assert choice.replicas == count
    assert choice.is_mirrored == words.startswith("mirrored")
    assert line(choice, "strategy") == words


@pytest.mark.parametrize(
    ("machine", "options", "words"),
    [
        (gpus(4), {"replicas": 5}, "--replicas=5: this machine has 4 GPUs; give at most 4"),
        (CPU, {"replicas": 2, "strategy": "none"}, "--replicas=2: --strategy=none trains on one device; leave one of "
         "the two flags out"),
        (dataclasses.replace(gpus(2), has_tf_config=True), {}, "TF_CONFIG is set: Penstock trains on the devices of "
         "one machine; unset TF_CONFIG"),
    ],
)  # fmt: skip
def test_what_a_machine_cannot_do_is_refused(machine, options, words):
    with pytest.raises(UserError) as caught:
        chosen(machine, **options)
    assert str(caught.value) == words


def test_a_core_a_thread_unless_the_user_says_otherwise():
    assert (chosen(CPU).threads, chosen(CPU, threads=3).threads) == (6, 3)
    assert line(chosen(CPU, threads=3), "device") == "CPU, 3 threads"
    assert line(chosen(gpus(2)), "device") == "2 x A Card"


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (CPU, "A CPU 9"),
        (dataclasses.replace(CPU, has_onednn=False), "A CPU 9 without oneDNN"),
        (dataclasses.replace(T4, has_onednn=False), "Tesla T4"),
    ],
)
def test_what_rounds_otherwise_has_another_name(machine, name):
    assert chosen(machine).processor == name


def test_a_gpu_computes_deterministically_unless_a_benchmark_says_otherwise():
    assert chosen(H100).is_deterministic
    assert line(chosen(H100), "determinism") == "on (the same bits every time)"
    assert not chosen(H100, deterministic=False).is_deterministic
    assert line(chosen(H100, deterministic=False), "determinism") == "off (asked for)"
    assert not chosen(CPU).is_deterministic
    assert len(chosen(CPU).log_lines) == 4


def test_xla_is_for_the_augmentation_alone():
    assert line(chosen(CPU), "xla") == "off for the step, on for the augmentation (on a CPU it makes the step slower)"
    assert line(chosen(H100), "xla") == "off for the step, on for the augmentation (the step's kernels are cuDNN's)"


@pytest.fixture
def cpuinfo(monkeypatch):
    """cpuinfo("avx2 amx_bf16"): a machine whose /proc/cpuinfo says so; None: there is no such file."""

    def pretend(flags: str | None):
        class FakePath:
            def __init__(self, path):
                assert path == "/proc/cpuinfo"

            def read_text(self):
                if flags is None:
                    raise FileNotFoundError(2, "No such file")
                lines = (
                    "processor\t: 0",
                    "model name\t: A CPU 9",
                    "vmx flags\t: vnmi amx_bf16",
                    f"flags\t\t: fpu {flags} sse2",
                    "bugs\t:",
                )
                return "\n".join([*lines, "", "flags\t: x"])

        monkeypatch.setattr(device, "Path", FakePath)

    return pretend


@pytest.mark.parametrize(
    ("flags", "seen"),
    [
        ("avx2 amx_bf16", ("amx_bf16",)),
        ("avx512f avx512_bf16 amx_bf16", ("amx_bf16", "avx512_bf16")),
        ("avx2 avx512f amx_tile amx_int8", ()),
        (None, ()),
    ],
)
def test_a_cpu_is_seen_by_its_name_flags_and_cores(flags, seen, cpuinfo, monkeypatch):
    cpuinfo(flags)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda process: range(6))
    machine = look()
    assert (machine.cpu_flags, machine.cores) == (seen, 6)
    assert machine.cpu == ("A CPU 9" if flags else device.platform.machine())


def test_what_the_environment_says_is_seen(monkeypatch):
    for name in ("TF_CONFIG", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)
    assert (look().has_onednn, look().has_tf_config) == (True, False)
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {}}')
    for setting, has_onednn in (("1", True), ("0", False)):
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
        assert (look().has_onednn, look().has_tf_config) == (has_onednn, True)


@pytest.fixture
def cards(monkeypatch):
    """cards(details...): TensorFlow sees GPUs of these details; returns what is done to them, as a list."""

    def pretend(*details: dict) -> list:
        done = []
        experimental = tf.config.experimental
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind: range(len(details)) if kind == "GPU" else []
        )
        monkeypatch.setattr(experimental, "get_device_details", lambda gpu: details[gpu])
        monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, value: done.append((gpu, value)))
        monkeypatch.setattr(experimental, "enable_op_determinism", lambda: done.append("deterministic"))
        return done

    return pretend


def test_gpus_are_seen_by_name_and_capability_and_left_alone(cards):
    done = cards({"device_name": "Tesla T4", "compute_capability": (7, 5)}, {})
    assert look().gpus == (Gpu("Tesla T4", (7, 5)), Gpu("GPU", (0, 0)))
    assert done == []


@pytest.fixture
def threads_set(monkeypatch):
    """What `apply` asks of TensorFlow, which has fixed its threads already; Keras's policy is put back."""
    asked = []
    monkeypatch.setattr(device, "_set_threads", asked.append)
    yield asked
    keras.config.set_dtype_policy("float32")


def test_a_choice_is_applied(threads_set):
    choice = chosen(with_flags("avx512_bf16"))
    hardware = apply(choice)
    assert threads_set == [6]
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    for name in ("devices", "replicas", "policy", "threads", "log_lines", "processor"):
        assert getattr(hardware, name) == getattr(choice, name)
    assert (hardware.strategy, hardware.accelerated) == (None, False)
    with hardware.scope():
        assert not tf.distribute.has_strategy()


@pytest.mark.parametrize("deterministic", [True, False])
def test_gpus_grow_their_memory_and_compute_deterministically_where_it_is_chosen(deterministic, cards, threads_set):
    done = cards({}, {})
    assert apply(chosen(gpus(2), strategy="none", deterministic=deterministic)).accelerated
    assert done == [(0, True), (1, True), *["deterministic"] * deterministic]


def test_a_strategy_is_made_over_the_replicas_after_all_else(cards, threads_set, monkeypatch):
    done = cards({}, {}, {})
    strategy = types.SimpleNamespace(scope=lambda: "its scope")
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda names: done.append(names) or strategy)
    hardware = apply(chosen(gpus(3), replicas=2))
    assert done[-1] == ["GPU:0", "GPU:1"]
    assert (hardware.strategy, hardware.scope()) == (strategy, "its scope")


def test_keras_settings_of_other_programs_do_not_matter(threads_set):
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(1e-3)
    keras.config.set_image_data_format("channels_first")
    apply(chosen(CPU))
    assert (keras.config.floatx(), keras.config.epsilon()) == ("float32", 1e-7)
    assert keras.config.image_data_format() == "channels_last"


# In a process of its own: whether TensorFlow has computed anything can be asked only before it has.
UNTOUCHED = """
import sys
sys.path.insert(0, sys.argv[1])
import tensorflow as tf
from tensorflow.python.eager import context
from training.device import apply, choose, look
from training.options import TrainingOptions

made = []
make = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda names: made.append(context.context()._initialized) or make(names)
choice = choose(look(), TrainingOptions(replicas=2), 2)
untouched = not context.context()._initialized
hardware = apply(choice)
assert hardware.strategy.num_replicas_in_sync == 2
assert tf.config.threading.get_intra_op_parallelism_threads() == 2
print(untouched, made)
"""


def test_looking_and_choosing_compute_nothing_and_applying_nothing_before_the_strategy():
    done = subprocess.run(
        [sys.executable, "-c", UNTOUCHED, str(ROOT)], check=False, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True [False]"
