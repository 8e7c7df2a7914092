"""A TensorFlow that cannot be loaded is one line and its fix."""

import sys
import tempfile

import pytest

from base.errors import UserError
from cli.quiet_import import import_tensorflow

BROKEN_TENSORFLOW = """
raise ImportError("Traceback:\\n  File x\\nImportError: libx.so: no memory\\n\\nFailed to load the runtime.\\nSee y.")
"""


def test_no_room_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    with pytest.raises(UserError, match=r"^No usable temporary directory found in .*/none'\]: free .* set TMPDIR"):
        import_tensorflow()


def test_a_tensorflow_that_cannot_be_loaded(monkeypatch, tmp_path):
    (tmp_path / "tensorflow.py").write_text(BROKEN_TENSORFLOW)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"^TensorFlow cannot be loaded \(ImportError: libx\.so: no memory\): allow "):
        import_tensorflow()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UserError, match=r"cannot be loaded \(import of tensorflow halted; None in sys\."):
        import_tensorflow()
