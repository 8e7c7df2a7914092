"""A structured-light depth camera: what it measures of a cloud of points, and the 8-bit picture made of it.

Modelled, with where each formula comes from:
- axial noise: a standard deviation of 1.2 mm + 0.0019 (z - 0.4)^2 metres, growing with the square of the distance,
  with a further term past 60 degrees of incidence; and lateral noise of a fraction of a pixel, at edges (Nguyen,
  Izadi and Lovell, "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking", 2012);
- quantisation: the camera measures disparity in fixed steps, so its depth steps are 2.85e-6 z^2 mm (Khoshelham
  and Elberink, "Accuracy and Resolution of Kinect Depth Data for Indoor Mapping Applications", 2012);
- shadow: what the camera sees but the projector, a baseline to its side, does not light, has no depth (geometry);
- holes: none comes back at grazing angles, from patches of hair (dark and rough), and here and there at random.
  Their rates are chosen to look like a camera's, not measured;
- range: nothing nearer than NEAR or farther than FAR.
The picture then shows a fixed window of depth, near bright, as 8 bits.
"""

import numpy as np

PICTURE_SIZE = 100
FOCAL = 150.0  # pixels: a field of view of 37 degrees over the 100 pixels.
BASELINE = 50.0  # millimetres between camera and projector.
NEAR, FAR = 200.0, 1200.0  # millimetres: the camera's range.
WHITE, BLACK = 370.0, 670.0  # millimetres: the window that the picture shows.
DISPARITY_STEPS = 1 / 2.85e-6  # z = DISPARITY_STEPS / step, in mm.
GRAZING = np.radians(78)  # beyond it the light does not come back.


def project(points: np.ndarray) -> np.ndarray:
    """The depth map, float64 [100, 100] in mm and inf where nothing is, of float64 [3, points] in mm.

    x and y of the points are beside the optical axis, z is the distance from the camera.
    """
    depth = np.full(PICTURE_SIZE * PICTURE_SIZE, np.inf)
    x, y, z = points
    column = np.floor(FOCAL * x / z + PICTURE_SIZE / 2).astype(np.int64)
    row = np.floor(FOCAL * y / z + PICTURE_SIZE / 2).astype(np.int64)
    seen = (column >= 0) & (column < PICTURE_SIZE) & (row >= 0) & (row < PICTURE_SIZE) & (z > 1)
    np.minimum.at(depth, row[seen] * PICTURE_SIZE + column[seen], z[seen])
    return depth.reshape(PICTURE_SIZE, PICTURE_SIZE)


def measure(depth: np.ndarray, is_rough: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The camera's measurement, float64 [100, 100] in mm, within [NEAR, FAR]; 0 where there is no depth.

    `depth` float64 [100, 100] is the true one in mm, inf where nothing is; `is_rough` bool [100, 100] says where hair
    is.
    """
    known = np.isfinite(depth)
    solid = np.where(known, depth, 2 * FAR)
    angle = incidence(solid)
    unseen = ~known | shadow(solid)
    place = _neighbours(rng)
    solid, angle, unseen = solid[place], angle[place], unseen[place]
    lost = unseen | _holes(angle, is_rough[place], rng)
    # Half of the noise is shared by neighbours: the matcher compares windows of pixels, not single ones.
    grain = 0.7 * rng.normal(size=depth.shape) + 2.1 * smooth(rng.normal(size=depth.shape), 1)
    noisy = solid + axial_noise(solid, angle) * grain
    steps = np.rint(DISPARITY_STEPS / np.maximum(noisy, 1.0))
    measured = DISPARITY_STEPS / np.maximum(steps, 1.0)
    return np.where(lost | (measured < NEAR) | (measured > FAR), 0.0, measured)


def to_picture(measured: np.ndarray) -> np.ndarray:
    """Millimetres to uint8, both [100, 100]: 255 at WHITE and nearer, 0 at BLACK and farther or without depth."""
    gray = np.rint(255 * (BLACK - measured) / (BLACK - WHITE))
    return np.where(measured > 0, np.clip(gray, 0, 255), 0).astype(np.uint8)


def axial_noise(depth: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Standard deviation of the depth in mm, of depths in mm at angles of incidence in radians; Nguyen et al. 2012."""
    metres = depth / 1000
    angle = np.minimum(angle, GRAZING)
    steep = 0.0001 / np.sqrt(metres) * angle**2 / (np.pi / 2 - angle) ** 2
    return 1000 * (0.0012 + 0.0019 * (metres - 0.4) ** 2 + np.where(angle > np.radians(60), steep, 0.0))


def incidence(depth: np.ndarray) -> np.ndarray:
    """The angle between the line of sight and the surface's normal, in radians, from the slopes of the depth.

    Of the slopes to either side the gentler one counts: an edge is not a steep surface.
    """

    def gentler_slope(depth):
        steps = np.abs(np.diff(depth, axis=1))
        before, after = (np.pad(steps, ((0, 0), side), mode="edge") for side in ((1, 0), (0, 1)))
        return np.minimum(before, after)

    return np.arctan(np.hypot(gentler_slope(depth), gentler_slope(depth.T).T) * FOCAL / depth)


def shadow(depth: np.ndarray) -> np.ndarray:
    """Where the camera sees and the projector, BASELINE to its right, does not; bool, the shape of depth.

    In the projector's picture a point stands FOCAL * BASELINE / depth pixels further left. A point whose place there
    is right of the place of any point to its right in its row is hidden behind that nearer point.
    """
    column = np.arange(depth.shape[1]) - FOCAL * BASELINE / depth
    nearest = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    return column > nearest + 1.0


def _neighbours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel takes its depth from, (rows, columns): the lateral noise, which shows at edges alone."""
    # 0.8 pixels of 640 columns are a fifth of a pixel here; the matcher's window makes edges rougher than that.
    row, column = np.indices((PICTURE_SIZE, PICTURE_SIZE))
    shift_y, shift_x = np.rint(rng.normal(0, 0.3, (2, *row.shape))).astype(np.int64)
    return np.clip(row + shift_y, 0, PICTURE_SIZE - 1), np.clip(column + shift_x, 0, PICTURE_SIZE - 1)


def _holes(angle: np.ndarray, is_rough: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    patches = smooth(rng.normal(size=angle.shape), 2)
    # How dark the hair is differs from picture to picture.
    least = rng.uniform(0.1, 0.45)
    random = rng.random(angle.shape) < 0.004 + 0.05 * (angle / GRAZING) ** 8
    return (angle > GRAZING) | random | (is_rough & (patches > least))


def smooth(values: np.ndarray, times: int) -> np.ndarray:
    """A mean over 3 x 3 neighbours, `times` times over; edges wrap round."""
    for _ in range(times):
        values = (values + np.roll(values, 1, 0) + np.roll(values, -1, 0)) / 3
        values = (values + np.roll(values, 1, 1) + np.roll(values, -1, 1)) / 3
    return values
