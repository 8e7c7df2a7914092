"""Strategy and precision: what is chosen on which machine, in which words, and what is refused."""

import keras
import pytest
import tensorflow as tf

from base.errors import UserError
from training import device as hardware


@pytest.fixture
def cpu_flags(monkeypatch):
    """cpu_flags("avx2 amx_bf16"): a machine whose /proc/cpuinfo says so; None: there is no such file."""

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

        monkeypatch.setattr(hardware, "Path", FakePath)

    return pretend


@pytest.fixture
def set_up(monkeypatch):
    """hardware.set_up, in a process whose threads TensorFlow has fixed already; the policy is put back."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    asked = []
    monkeypatch.setattr(hardware, "_set_threads", asked.append)
    hardware.set_up.asked = asked
    yield hardware.set_up
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("flags", "policy", "words"),
    [
        ("avx2 amx_bf16", "mixed_bfloat16", "this CPU has AMX"),
        ("avx512f avx512_bf16", "mixed_bfloat16", "this CPU has AVX512-BF16"),
        ("avx2 avx512f amx_tile amx_int8", "float32", "neither AMX nor AVX512-BF16"),
        ("avx2", "float32", "neither AMX nor AVX512-BF16"),
        (None, "float32", "neither AMX nor AVX512-BF16"),
    ],
)
def test_auto_precision_on_a_cpu_follows_its_flags(flags, policy, words, cpu_flags):
    cpu_flags(flags)
    chosen, why = hardware._choose_policy("auto", [])
    assert chosen == policy
    assert words in why


@pytest.mark.parametrize(
    ("capability", "policy"),
    [((6, 1), "float32"), ((7, 0), "mixed_float16"), ((7, 5), "mixed_float16"), ((8, 0), "mixed_bfloat16"),
     ((9, 0), "mixed_bfloat16"), ((12, 0), "mixed_bfloat16")],
)  # fmt: skip
def test_auto_precision_on_a_gpu_follows_its_generation(capability, policy, monkeypatch):
    details = {"compute_capability": capability}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    chosen, why = hardware._choose_policy("auto", ["gpu"])
    assert chosen == policy
    assert f"{capability[0]}.{capability[1]}" in why


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_an_asked_for_precision_is_kept_on_every_machine(precision, cpu_flags):
    cpu_flags("avx2")
    assert hardware._choose_policy(precision, []) == (precision, "asked for")
    assert hardware._choose_policy(precision, ["gpu"]) == (precision, "asked for")


@pytest.mark.parametrize(
    ("strategy", "replicas", "gpus", "count"),
    [("auto", 0, 0, 1), ("auto", 0, 1, 1), ("auto", 0, 4, 4), ("auto", 2, 4, 2), ("auto", 2, 0, 2), ("none", 0, 4, 1),
     ("none", 1, 4, 1), ("mirrored", 0, 4, 4), ("mirrored", 0, 0, 1), ("mirrored", 3, 0, 3)],
)  # fmt: skip
def test_how_many_replicas(strategy, replicas, gpus, count):
    assert hardware._replica_count(strategy, replicas, gpus)[0] == count


def test_more_replicas_than_gpus_are_refused():
    with pytest.raises(UserError, match="--replicas=5: this machine has 4 GPUs; give at most 4"):
        hardware._replica_count("auto", 5, 4)


def test_replicas_without_a_strategy_are_refused():
    with pytest.raises(UserError, match="--replicas=2: --strategy=none trains on one device"):
        hardware._replica_count("none", 2, 0)


def test_tf_config_is_refused(set_up, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {}}')
    with pytest.raises(UserError, match=r"TF_CONFIG is set: .*unset TF_CONFIG"):
        set_up("auto", "auto", 0, 0)
    assert set_up.asked == []


def test_the_choices_of_a_plain_machine_and_their_reasons(set_up, cpu_flags, monkeypatch):
    cpu_flags("avx512_bf16")
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda process: range(6))
    chosen = set_up("auto", "auto", 0, 0)
    assert (chosen.strategy, chosen.replicas, chosen.policy, chosen.threads) == (None, 1, "mixed_bfloat16", 6)
    assert set_up.asked == [6]
    assert not chosen.accelerated
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    said = dict(line.split(maxsplit=1) for line in chosen.reasons)
    assert said["device"] == "CPU, 6 threads"
    assert said["strategy"] == "none (one device)"
    assert said["precision"] == "mixed_bfloat16 (this CPU has AVX512-BF16)"
    assert said["xla"].startswith("off for the step")
    with chosen.scope():
        assert not tf.distribute.has_strategy()


def test_the_users_threads_and_precision_are_kept(set_up):
    chosen = set_up("float32", "none", 0, 3)
    assert (chosen.threads, chosen.policy, set_up.asked) == (3, "float32", [3])
    assert "strategy    none (asked for)" in chosen.reasons
    assert "precision   float32 (asked for)" in chosen.reasons


@pytest.mark.parametrize(("setting", "name"), [("1", "A CPU 9"), ("0", "A CPU 9 without oneDNN")])
def test_what_rounds_otherwise_has_another_name(setting, name, set_up, cpu_flags, monkeypatch):
    cpu_flags("avx2")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    assert set_up("auto", "auto", 0, 0).processor == name


def test_keras_settings_of_other_programs_do_not_matter(set_up):
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(1e-3)
    keras.config.set_image_data_format("channels_first")
    set_up("float32", "auto", 0, 0)
    assert (keras.config.floatx(), keras.config.epsilon()) == ("float32", 1e-7)
    assert keras.config.image_data_format() == "channels_last"


@pytest.mark.parametrize("settings", [{}, {"deterministic": True}, {"deterministic": False}], ids=str)
def test_a_gpu_computes_deterministically_unless_a_benchmark_says_otherwise(set_up, settings, monkeypatch):
    enabled = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a card"] if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda device, value: None)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: {"device_name": "A Card"})
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: enabled.append(True))
    assert set_up("float32", "none", 0, 2, **settings).accelerated
    assert enabled == ([True] if settings.get("deterministic", True) else [])
