"""Boxes in fractions become whole pixels: each is inside or not, and the share is what is counted."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.augment.box import boxes, inside

GENERATOR = np.random.default_rng(3)
MIDDLES, SIDES = GENERATOR.uniform(0, 1, (2, 200)), GENERATOR.uniform(0, 1, (2, 200))


def drawn(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(edges, inside, share) of 200 boxes."""
    edges = np.float32(boxes(*MIDDLES, *SIDES))
    compiled = tf.function(inside, jit_compile=True, autograph=False)
    return edges, *(part.numpy() for part in compiled(tf.constant(edges), height, width))


def test_edges_lie_around_the_middle_and_inside_the_picture():
    edges = boxes(*MIDDLES, *SIDES)
    assert edges.shape == (200, 4)
    free = (edges > 0).all(axis=1) & (edges < 1).all(axis=1)
    assert 20 < free.sum() < 180
    np.testing.assert_allclose((edges[free, 1] - edges[free, 0], edges[free, 3] - edges[free, 2]), SIDES[:, free])
    np.testing.assert_allclose((edges[free, 0] + edges[free, 1]) / 2, MIDDLES[0, free])
    np.testing.assert_allclose((edges[free, 2] + edges[free, 3]) / 2, MIDDLES[1, free])
    assert edges.min() == 0
    assert edges.max() == 1


@pytest.mark.parametrize(("height", "width"), [(24, 37), (8, 8), (1, 5)])
def test_a_pixel_is_inside_where_its_middle_is(height, width):
    edges, within, share = drawn(height, width)
    row, column = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    for (top, bottom, left, right), found, part in zip(edges.astype(np.float64), within, share, strict=True):
        expected = ((top <= row) & (row < bottom))[:, None] & ((left <= column) & (column < right))
        np.testing.assert_array_equal(found[..., 0], expected)
        assert part == pytest.approx(expected.mean(), rel=1e-6)


def test_a_box_without_extent_holds_nothing_and_a_whole_one_everything():
    edges = boxes(np.array([0.5, 0.25, 0.5]), np.full(3, 0.5), np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    within, share = inside(tf.constant(np.float32(edges)), 8, 6)
    assert within.numpy().sum(axis=(1, 2, 3)).tolist() == [0, 0, 48]
    assert share.numpy().tolist() == [0, 0, 1]


def test_compiled_it_is_the_same():
    edges = tf.constant(np.float32(boxes(*MIDDLES, *SIDES)))
    eager, compiled = inside(edges, 24, 37), drawn(24, 37)[1:]
    np.testing.assert_array_equal(eager[0], compiled[0])
    np.testing.assert_allclose(eager[1], compiled[1], rtol=1e-6)
