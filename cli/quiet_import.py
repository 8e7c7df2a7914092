"""The import of TensorFlow, without its notices."""

import os
import tempfile

from base.errors import UserError


def import_tensorflow() -> None:
    """Imports TensorFlow without the notices that it prints before it listens to TF_CPP_MIN_LOG_LEVEL.

    What it printed is shown where the import fails. Raises UserError where TensorFlow cannot be loaded, or would find
    no folder for temporary files, which it wants at once. Scripts call this once their flags are known to be good: a
    typing mistake is answered in a tenth of a second, the import takes four.
    """
    # Its C++ notes would stand between the log lines; what fails there comes through as an exception.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever Keras is set to elsewhere
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise UserError(f"{error.strerror}: free some room there, or set TMPDIR to a folder that has some") from None
    with open(os.memfd_create("notices"), "w+b") as captured:  # in memory: the disk may be full
        standard_error = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except ImportError as error:
            lines = str(error).split("\n")  # of which most may be a traceback
            cause = next((line for line in reversed(lines) if "Error: " in line), lines[0])
            raise UserError(
                f"TensorFlow cannot be loaded ({cause}): allow more memory (ulimit -v), or install it again with pip "
                "install -r requirements.txt"
            ) from None
        except Exception:
            captured.seek(0)
            os.write(standard_error, captured.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
