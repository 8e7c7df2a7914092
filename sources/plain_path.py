"""Where TensorFlow can keep a run: it takes some names for patterns, and cannot take others at all."""

from pathlib import Path

from sources.errors import UserError, one_line

_PATTERN = "*?[\\"


def check_plain(what: str, path: Path) -> None:
    """Raises UserError, which begins with `what`, where TensorFlow would not find again what it writes to `path`.

    Its event files want UTF-8. Its SavedModels are looked for by a pattern of file names: "[x]" does not match itself
    (tensorflow/core/util/tensor_slice_reader.cc), and "a*" matches its neighbours too.
    """
    text = str(path)
    odd = next((letter for letter in text if letter in _PATTERN), None)
    if odd:
        raise UserError(
            f"{what} {text!r}: TensorFlow takes {odd!r} for a pattern of names; give a path without "
            f"{' '.join(_PATTERN)} (from inside a folder that is called so, a relative one)"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{what} '{one_line(bytes(path))}': TensorFlow writes only under names in UTF-8; give another path"
        ) from None
