"""Pictures, loaded, and a network that makes features of them."""

import pytest

from tests.helpers.features import load, model_of

PICTURES = {"a": 40, "b": 50}  # more than a batch


@pytest.fixture
def root(picture_tree):
    """90 pictures, one of which cannot be decoded."""
    root = picture_tree(PICTURES)
    content = (root / "b" / "0002.jpg").read_bytes()
    (root / "b" / "0002.jpg").write_bytes(content[: len(content) // 2])
    return root


@pytest.fixture
def data(root, cache_dir):
    return load(root, cache_dir)


@pytest.fixture
def model():
    return model_of()
