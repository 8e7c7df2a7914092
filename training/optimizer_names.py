"""Keras's optimizers by the names that users give them, and what else each of them takes. Imports no TensorFlow."""

from collections.abc import Mapping

from base.errors import UserError

_FRACTION, _SMALL, _SWITCH = (0.0, 0.999999), (1e-30, 1.0), (False, True)
_ADAM = {"beta_1": _FRACTION, "beta_2": _FRACTION, "epsilon": _SMALL}
# Name -> argument -> smallest and largest value. Rate, decay, momentum, clipping, averaging and accumulation have
# options of their own.
ARGUMENTS = {
    "adam": _ADAM | {"amsgrad": _SWITCH},
    "adamw": _ADAM | {"amsgrad": _SWITCH},
    "sgd": {"nesterov": _SWITCH},
    "rmsprop": {"rho": _FRACTION, "epsilon": _SMALL, "centered": _SWITCH},
    "lion": {"beta_1": (1e-6, 0.999999), "beta_2": _FRACTION},
    "nadam": _ADAM,
    "adamax": _ADAM,
    "lamb": _ADAM,
    "adafactor": {"beta_2_decay": (-1.0, -0.01), "epsilon_1": _SMALL, "epsilon_2": _SMALL,
                  "clip_threshold": (0.01, 1000.0)},
    "adagrad": {"initial_accumulator_value": (0.0, 1000.0), "epsilon": _SMALL},
    "adadelta": {"rho": _FRACTION, "epsilon": _SMALL},
}  # fmt: skip
WITH_MOMENTUM = ("sgd", "rmsprop")


def read_arguments(optimizer: str, text: str) -> dict[str, float | bool]:
    """What --optimizer_args says, as "beta_2=0.99,epsilon=1e-7"; raises UserError where the optimizer takes no such."""
    return dict(_read(ARGUMENTS[optimizer], optimizer, part) for part in text.split(",") if text)


def _read(known: Mapping[str, tuple], optimizer: str, part: str) -> tuple[str, float | bool]:
    name, _, value = (piece.strip() for piece in part.partition("="))
    refused = f"--optimizer_args={part!s:.60}: "
    if name not in known:
        takes = ", ".join(known)
        raise UserError(f"{refused}{optimizer} takes {takes}, as in --optimizer_args={next(iter(known))}=...")
    low, high = known[name]
    if isinstance(low, bool):
        if value not in ("true", "false"):
            raise UserError(f"{refused}it must be {name}=true or {name}=false")
        return name, value == "true"
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise UserError(f"{refused}it must be {name}= and a number from {low:g} to {high:g}")
    return name, number
