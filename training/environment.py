"""The variables of the environment by which TensorFlow and its kernels compute otherwise."""

import os
from pathlib import Path

from base.errors import UserError

# Their value is flags, or the path of a file of flags (xla/parse_flags_from_env.cc).
_OF_FLAGS = ("TF_XLA_FLAGS", "XLA_FLAGS")
_OTHERS = (
    "NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA", "TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32", "TF_ENABLE_WINOGRAD_NONFUSED",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL", "TF_ENABLE_AUTO_MIXED_PRECISION",
)  # fmt: skip
# Where the toolkit lies, and what is written for a look at it: no number depends on them.
_PLACES = ("--xla_gpu_cuda_data_dir", "--xla_dump_")


def check_environment() -> None:
    """Raises UserError for what ends the process without a word while TensorFlow is loaded: a variable of flags that
    holds neither flags nor the path of a file of them."""
    for name in _OF_FLAGS:
        value = os.environ.get(name, "")
        if value and not _are_flags(value) and not os.access(value, os.R_OK):
            raise UserError(
                f"{name}={value}: it must be flags, which begin with --, or a file of them; mend or unset it"
            )


def numeric_environment() -> tuple[tuple[str, str], ...]:
    """(variable, value) of those that are set, flags as they are in force, wherever they are written down."""
    values = {name: _flags(os.environ.get(name, "")) for name in _OF_FLAGS}
    values |= {name: os.environ.get(name, "") for name in _OTHERS}
    return tuple((name, value) for name, value in values.items() if value)


def _flags(value: str) -> str:
    if value and not _are_flags(value):
        try:
            value = Path(value).read_text()
        except (OSError, ValueError):
            return value
    return " ".join(flag for flag in value.split() if not flag.startswith(_PLACES))


def _are_flags(value: str) -> bool:
    return value.lstrip().startswith("-")
