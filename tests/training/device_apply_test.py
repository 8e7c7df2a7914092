"""What is seen of this machine, and what TensorFlow and Keras are told of a choice."""

import subprocess
import sys
import types

import keras
import pytest
import tensorflow as tf

from tests.helpers.run_fixtures import ROOT
from tests.training.device_test import CPU, chosen, gpus, with_flags
from training import device
from training.device import Gpu, apply, look


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
