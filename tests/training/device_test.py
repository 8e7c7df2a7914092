"""What is chosen for a machine, in which words, and what is refused; the machines are made up."""

import dataclasses

import pytest

from base.errors import UserError
from training.device import Gpu, Hardware, Machine, choose
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


def chosen(machine: Machine, threads=0, deterministic=True, **options) -> Hardware:
    return choose(machine, TrainingOptions(**options), threads, deterministic)


def line(choice: Hardware, subject: str) -> str:
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


def test_a_head_alone_learns_in_float32_unless_another_precision_is_asked_for():
    assert chosen(A100, train="head").policy == "float32"
    assert chosen(A100, train="head_then_all").policy == "mixed_bfloat16"
    assert chosen(A100, train="head", precision="mixed_float16").policy == "mixed_float16"


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
    assert not any(one.startswith("determinism") for one in chosen(CPU).log_lines)


def test_xla_is_for_the_augmentation_alone():
    assert line(chosen(CPU), "xla") == "off for the step, on for the augmentation (on a CPU it makes the step slower)"
    assert line(chosen(H100), "xla") == "off for the step, on for the augmentation (the step's kernels are cuDNN's)"


def test_what_gives_memory_is_said():
    assert line(chosen(dataclasses.replace(CPU, allocator="one of ours")), "allocator") == "one of ours"
