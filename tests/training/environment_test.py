"""Which variables of the environment are part of what a run is, and what of them."""

import pytest

from base.errors import UserError
from cli.quiet_import import import_tensorflow
from training.device import choose, look
from training.environment import check_environment, numeric_environment
from training.options import TrainingOptions


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name, _ in numeric_environment():
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", ["TF_XLA_FLAGS", "XLA_FLAGS"])
def test_flags_are_those_in_force_whether_in_the_variable_or_in_a_file(name, tmp_path, monkeypatch):
    monkeypatch.setenv(name, " --one=1 --two=2 ")
    given = numeric_environment()
    assert given == ((name, "--one=1 --two=2"),)
    (tmp_path / "flags").write_text("--one=1\n--two=2\n")
    monkeypatch.setenv(name, str(tmp_path / "flags"))
    assert numeric_environment() == given
    (tmp_path / "flags").write_text("--one=1 --two=3")
    assert numeric_environment() == ((name, "--one=1 --two=3"),)


def test_the_log_says_what_a_file_of_flags_does_to_the_step(tmp_path, monkeypatch):
    (tmp_path / "flags").write_text("--tf_xla_auto_jit=2\n")
    monkeypatch.setenv("TF_XLA_FLAGS", str(tmp_path / "flags"))
    lines = choose(look(), TrainingOptions(), 0).log_lines
    assert any(line.startswith("xla         as TF_XLA_FLAGS says for the step") for line in lines)
    assert any(line.startswith("environment TF_XLA_FLAGS=--tf_xla_auto_jit=2:") for line in lines)


def test_a_file_that_cannot_be_read_stands_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "none"))
    assert numeric_environment() == (("XLA_FLAGS", str(tmp_path / "none")),)


def test_places_are_no_part_of_a_run(monkeypatch):
    monkeypatch.setenv(
        "XLA_FLAGS", "--xla_gpu_cuda_data_dir=/usr/lib/cuda --xla_dump_to=/tmp/x --xla_cpu_enable_fast_math=true"
    )
    assert numeric_environment() == (("XLA_FLAGS", "--xla_cpu_enable_fast_math=true"),)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/usr/lib/cuda")
    assert numeric_environment() == ()


@pytest.mark.parametrize("name", ["NVIDIA_TF32_OVERRIDE", "ONEDNN_MAX_CPU_ISA"])
def test_what_is_no_flag_stands_as_it_is(name, monkeypatch):
    monkeypatch.setenv(name, "AVX2")
    assert numeric_environment() == ((name, "AVX2"),)


@pytest.mark.parametrize("value", ["tf_xla_auto_jit=2", "/no/such/file"])
def test_what_is_neither_flags_nor_a_file_is_refused_before_tensorflow_ends_the_process(value, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", value)
    with pytest.raises(UserError, match=f"^TF_XLA_FLAGS={value}: it must be flags, which begin with --, or a file"):
        import_tensorflow()
    for good in (" --tf_xla_auto_jit=2", __file__, ""):
        monkeypatch.setenv("TF_XLA_FLAGS", good)
        check_environment()
