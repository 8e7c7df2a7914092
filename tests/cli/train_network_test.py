"""What users get wrong with a network of their own: exit code 2 and one line, before a picture is decoded."""

import pytest

import pipeline.data
from tests.cli.guard_test import call, check, trees

__all__ = ["call"]  # a fixture

NETWORK = """import keras

def build(num_classes, pixel_shape):
    return num_classes / 0

def softmax(num_classes, pixel_shape):
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(num_classes, activation="softmax")])
"""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("no.py:build", "/no.py: No such file or directory; give FILE.py:FUNCTION"),
        ("net.py:build", "/net.py:build: line 4 raises ZeroDivisionError: division by zero"),
        ("net.py:softmax", "it must give logits: leave the last activation out"),
        ("net.py:bild", "did you mean 'build'?"),
    ],
)
def test_a_network_that_cannot_be_had_is_told_before_a_picture_is_decoded(name, word, call, monkeypatch, tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    monkeypatch.setattr(pipeline.data, "decode", lambda *_: pytest.fail("the pictures are decoded"))
    check(
        call(f"--dataset=folder:{trees() / 'good'}", f"--model={name}"),
        [f"--model={tmp_path}/" if "build" in name else "", word],
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
