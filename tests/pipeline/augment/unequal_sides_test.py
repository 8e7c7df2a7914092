"""Pictures that are no squares move in pixels, about their own center."""

import numpy as np
import pytest

from pipeline.augment.warp import WarpOptions, affine_matrices
from tests.pipeline.augment.warp_test import matrices, pictures, run


@pytest.mark.parametrize(("degrees", "shear", "zoom", "radius"), [(35, 0, (1, 1), 11.5), (50, 20, (0.8, 0.7), 9)])
def test_a_turn_shears_no_picture_of_unequal_sides(degrees, shear, zoom, radius):
    """The square in the middle of a wide picture turns as that square does alone; Keras takes another center there."""
    image, zero, one = pictures(1, 24, width=40), np.zeros(1), np.ones(1)
    knobs = degrees * one, zero, zero, shear * one, *(part * one for part in zoom)
    warps = [affine_matrices(*knobs, sides) for sides in ((24, 40), (24, 24))]
    parts = zip((image, image[:, :, 8:32]), warps, strict=True)
    wide, square = (run(part, np.float32(warp).reshape(1, 6))[0] for part, warp in parts)
    inside = np.hypot(*np.mgrid[-11.5:12, -11.5:12]) < radius
    assert np.abs(wide[:, 8:32] - square)[inside].max() < 1e-4
    assert np.abs(square - image[0, :, 8:32] / 255)[inside].mean() > 0.05


def test_each_axis_shifts_by_a_fraction_of_its_own_side():
    drawn = matrices(WarpOptions(shift_fraction=0.25), 24, 1, 0, np.arange(4000), width=96)[:, [2, 5]]
    assert np.abs(drawn).max(axis=0) == pytest.approx([6, 24], rel=0.01)
