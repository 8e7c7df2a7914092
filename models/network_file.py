"""A user's own network, FILE.py:FUNCTION: its text, read once in a process, and the function in it. Imports no
TensorFlow itself."""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from base.errors import UserError, unknown_name

_FORM = re.compile(r"(.+\.py):([^:]*)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class NetworkFile:
    """Where a network of the user's is: `function`, in the file at `path`."""

    path: Path
    function: str

    def __str__(self):
        return f"--model={self.path}:{self.function}"

    @property
    def shown(self) -> str:
        """In words, without where the file is."""
        return f"{self.function} of {self.path.name}"

    @property
    def is_there(self) -> bool:
        """Whether the file can still be looked at."""
        return self.path.exists()

    @property
    def source(self) -> bytes:
        """The file's text, as it was when this process first asked; raises UserError where it cannot be read.

        A file that its user goes on working on while a run trains is built from again at the run's end.
        """
        return _read(self.path)

    @property
    def sha256(self) -> str:
        """Of `source`."""
        return hashlib.sha256(self.source).hexdigest()

    def load(self) -> Callable:
        """The function; raises UserError where the file cannot be run or has none that fits."""
        functions = {
            name: one for name, one in vars(_run(self)).items() if inspect.isfunction(one) or inspect.isclass(one)
        }
        if self.function not in functions:
            raise unknown_name(f"function in {str(self.path)!r}", self.function, functions, f"as {self.path}:NAME")
        try:
            inspect.signature(functions[self.function]).bind(2, (1, 1, 1))
        except TypeError as error:
            raise UserError(
                f"{self}: it is called with the number of classes and the pictures' (height, width, channels), and "
                f"cannot be ({error}): write def {self.function}(num_classes, pixel_shape)"
            ) from None
        return functions[self.function]

    @contextlib.contextmanager
    def naming_trouble(self) -> Iterator[None]:
        """A block that runs the user's code; raises UserError with its line for what that raises."""
        try:
            yield
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            line = _line_of(error, str(self.path))
            if line is None:
                raise  # none of the user's code has part in it
            raise UserError(f"{self}: line {line} raises {type(error).__name__}: {_one_line(error)}") from error


def network_file(name: object) -> NetworkFile | None:
    """The file and function that a --model names; None where it names something else, or is none."""
    found = _FORM.fullmatch(name) if isinstance(name, str) else None
    return NetworkFile(Path(found[1]), found[2]) if found else None


def without_place(name: object) -> object:
    """What of a --model a run is a function of: a file's text is that, besides, and where it lies is not."""
    file = network_file(name)
    return f"FILE:{file.function}" if file else name


@functools.cache
def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"--model={path}: {error.strerror}; give FILE.py:FUNCTION") from None


@functools.cache
def _run(file: NetworkFile) -> types.ModuleType:
    """The module that the file is. It must stand alone: what lies beside it is not found, as it would not be part of
    the run's identity. Nothing is written beside it."""
    module = types.ModuleType(f"network_{file.sha256[:16]}")
    module.__file__ = str(file.path)
    sys.modules[module.__name__] = module  # where dataclasses and Keras look for a class's module
    try:
        code = compile(file.source, str(file.path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if getattr(error, "lineno", None) else ""
        raise UserError(f"{file}: {line}{_one_line(error)}") from None
    with file.naming_trouble():
        exec(code, vars(module))
    return module


def _line_of(error: BaseException, path: str) -> int | None:
    """The line of the file at `path` that an error came from."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else None


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())[:300]
    if isinstance(error, ModuleNotFoundError):
        return f"{text} (the file must stand alone, with what is installed: modules beside it are not found)"
    return text
