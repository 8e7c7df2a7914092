"""Surfaces of the rendered scenes, as dense clouds of points: heads, hair, bodies, hands, sheets of paper.

Coordinates are millimetres in the frame of the subject: x to the right of the picture, y down, z away from the
camera; the origin is the middle of the head (or of the sheet) and a face looks along -z. Every surface is
float64 [3, points], dense enough for several points a pixel at the nearest distance.

A head is an ellipsoid with its own jaw, plus a relief: a sum of Gaussian bumps (brow, eye sockets, nose, cheeks,
lips, chin) that push the surface towards the camera. Bumps are separable, so a relief of 1 mm cells is one matrix
product. The sizes are chosen within the range of adult heads; they describe nobody.
"""

import dataclasses

import numpy as np

RELIEF_HALF_WIDTH = 110
RELIEF_HALF_HEIGHT = 150


@dataclasses.dataclass(frozen=True)
class Person:
    """The shape of one head and body, in millimetres where no other unit is named."""

    half_width: float  # semi-axes of the head, without hair
    half_height: float
    half_depth: float
    jaw_power: float  # exponent of the outline below the eyes; 2 is an ellipse, more is a square jaw
    jaw_taper: float  # part of its width that the head loses from the eyes to the chin, in [0, 1]
    nose: float  # the height of its bump, as of the following
    nose_width: float
    brow: float
    socket: float
    cheek: float
    lips: float
    chin: float
    ear: float  # half height
    neck: float  # radius
    shoulder: float  # half width
    hair_thickness: tuple[float, float]  # least and most, over the skull
    hairline: tuple[float, float]  # highest and lowest y of the hair over the forehead
    long_hair: float  # how often the hair hangs down beside the face, in [0, 1]


MAN = Person(
    half_width=79, half_height=124, half_depth=100, jaw_power=3.2, jaw_taper=0.12,
    nose=30, nose_width=11, brow=8, socket=15, cheek=4, lips=4, chin=13, ear=33, neck=62, shoulder=230,
    hair_thickness=(4, 17), hairline=(-96, -74), long_hair=0.0,
)  # fmt: skip
WOMAN = Person(
    half_width=70, half_height=105, half_depth=90, jaw_power=2.0, jaw_taper=0.24,
    nose=21, nose_width=9, brow=4, socket=12, cheek=8, lips=6, chin=7, ear=26, neck=48, shoulder=180,
    hair_thickness=(9, 27), hairline=(-76, -46), long_hair=0.4,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Expression:
    """What a face does: mouth_open in mm; smile and brow_raise in [0, 1]."""

    mouth_open: float = 0.0
    smile: float = 0.0
    brow_raise: float = 0.0


def make_relief(person: Person, expression: Expression) -> np.ndarray:
    """The face's relief in mm towards the camera, on cells of 1 mm around (0, 0): float64 [301, 221]."""
    rows = np.array(_bumps(person, expression))
    x = np.arange(-RELIEF_HALF_WIDTH, RELIEF_HALF_WIDTH + 1)[None, :]
    y = np.arange(-RELIEF_HALF_HEIGHT, RELIEF_HALF_HEIGHT + 1)[:, None]
    middle_x, middle_y, spread_x, spread_y, height = rows.T
    along_y = height * np.exp(-0.5 * ((y - middle_y) / spread_y) ** 2)
    along_x = np.exp(-0.5 * ((x - middle_x[:, None]) / spread_x[:, None]) ** 2)
    return along_y @ along_x


def _bumps(person: Person, expression: Expression) -> list[tuple[float, float, float, float, float]]:
    """(x, y, spread in x, spread in y, height) of every bump, for a head of half height 115 mm."""
    opening, smile, brow = expression.mouth_open, expression.smile, -18 - 7 * expression.brow_raise
    nose, width = person.nose, person.nose_width
    bumps = [
        (0, 36, width, 10, 0.75 * nose), (0, 14, 0.65 * width, 20, 0.45 * nose), (0, -40, 40, 22, 3),
        (0, brow, 9, 7, 0.5 * person.brow), (0, 62, 25, 17, 6),
        (0, 59 - 0.2 * opening, 17 + 6 * smile, 3.5, person.lips),
        (0, 70 + 0.8 * opening, 15 + 5 * smile, 4.5, person.lips),
        (0, 65 + 0.3 * opening, 15 + 7 * smile, 2 + 0.4 * opening, -2 - 0.7 * opening),
        (0, 82 + opening, 16, 5, -3), (0, 98 + opening, 17, 10, person.chin),
    ]  # fmt: skip
    for side in (-1, 1):
        bumps += [
            (side * 1.2 * width, 43, 6, 6, 0.25 * nose), (side * 29, brow, 19, 6, person.brow),
            (side * 31, 0, 14, 9, -person.socket), (side * 31, 1, 7, 5, 3),
            (side * 42, 27 - 4 * smile, 17, 14, person.cheek + 4 * smile), (side * 28, 50, 5, 14, -2 * smile),
        ]  # fmt: skip
    return bumps


def look_up(relief: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The relief at points (x, y), in mm; the nearest cell, 0 outside."""
    column = np.rint(x).astype(np.int64) + RELIEF_HALF_WIDTH
    row = np.rint(y).astype(np.int64) + RELIEF_HALF_HEIGHT
    inside = (column >= 0) & (column < relief.shape[1]) & (row >= 0) & (row < relief.shape[0])
    return np.where(inside, relief[np.where(inside, row, 0), np.where(inside, column, 0)], 0.0)


def head_surface(person: Person, expression: Expression) -> np.ndarray:
    """Skull, face and ears; [3, points]."""
    around, height = _angles(around_degrees=110, rows=180, columns=210)
    x, y, z = _skull(person, around, height)
    y = y + np.where(y > 60, expression.mouth_open * (y - 60) / 60, 0.0)
    relief = look_up(make_relief(person, expression), x * 75 / person.half_width, y * 115 / person.half_height)
    facing = np.broadcast_to(np.clip(np.cos(around) * 1.6, 0, 1), (180, 210)).ravel()
    ears = [_ellipsoid((side * (person.half_width + 4), 8, 8), (9, person.ear, 15), 900) for side in (-1, 1)]
    return np.concatenate([np.stack([x, y, z - relief * facing]), *ears], axis=1)


def hair_surface(person: Person, rng: np.random.Generator) -> np.ndarray:
    """A shell over the skull down to a drawn hairline and, where the hair is long, its fall beside the face."""
    thickness, hairline = rng.uniform(*person.hair_thickness), rng.uniform(*person.hairline)
    parting = rng.uniform(-4, 4)
    around, height = _angles(around_degrees=130, rows=120, columns=150)
    border = hairline + (20 - hairline) * np.clip(np.abs(around) / np.radians(85), 0, 1) ** 3
    keep = person.half_height * np.sin(height) < border - parting * np.sin(around)
    waves = 1 + 0.15 * np.sin(5 * around + 3 * height + rng.uniform(0, 2 * np.pi))
    shell = _skull(person, around, height)[:, keep.ravel()] * (1 + thickness / person.half_width * waves[keep])
    hair = [shell]
    if rng.random() < person.long_hair:
        fall = _hanging_hair(person, thickness, rng)
        hair += [fall, fall * np.array([[-1.0], [1.0], [1.0]])]
    hair = np.concatenate(hair, axis=1)
    hair[2] += rng.normal(0, 1.5, hair.shape[1])
    return hair


def _hanging_hair(person: Person, thickness: float, rng: np.random.Generator) -> np.ndarray:
    around, down = _mesh(np.radians(rng.uniform(52, 80)), np.radians(125), 55, -50, rng.uniform(90, 230), 140)
    waves = rng.uniform(0, 2 * np.pi, 2)
    wave = 1 + 0.05 * np.sin(down / 18 + waves[0]) + 0.04 * np.sin(7 * around + waves[1])
    wider = 0.9 * thickness + 0.06 * np.clip(down, 0, None)
    x, z = (person.half_width + wider) * wave * np.sin(around), -(person.half_depth + wider) * wave * np.cos(around)
    return _stack(x, down, z)


def body_surface(person: Person) -> np.ndarray:
    """Neck, widening into shoulders, and chest; [3, points]."""
    around, down = _mesh(np.radians(-100), np.radians(100), 90, 60, 210, 70)
    radius = person.neck * (1 + 0.9 * np.clip((down - 110) / 100, 0, 1) ** 2)
    neck = _stack(radius * np.sin(around), down, 30 - 0.9 * radius * np.cos(around))
    # The rows end at the waist: no picture shows more.
    around, height = _mesh(np.radians(-85), np.radians(85), 230, -np.pi / 2, 0.0, 100)
    ring, middle = np.abs(np.cos(height)) ** 0.5, person.half_height + 245
    x, z = person.shoulder * ring * np.sin(around), 40 - 95 * ring * np.cos(around)
    return np.concatenate([neck, _stack(x, middle + 190 * np.sin(height), z)], axis=1)


def hand_surface(rng: np.random.Generator) -> np.ndarray:
    """A hand whose palm is at the origin, fingers up and thumb aside, with the forearm below; [3, points]."""
    parts = [_ellipsoid((0, 0, 0), (42, 48, 16), 3500), _ellipsoid((0, 185, 32), (30, 165, 28), 9000)]
    spread = rng.uniform(0.0, 0.25)
    for finger in range(4):
        lean = (finger - 1.5) * spread
        middle = ((finger - 1.5) * 19 + 45 * np.sin(lean), -25 - 45 * np.cos(lean), rng.uniform(-8, 2))
        parts.append(_ellipsoid(middle, (10, 46 - 6 * abs(finger - 1.3), 9), 700))
    side = 1 if rng.random() < 0.5 else -1
    parts.append(_ellipsoid((side * 45, -12, -14), (11, 36, 11), 700))
    return np.concatenate(parts, axis=1)


def sheet_surface(width: float, height: float, step: float = 1.6) -> np.ndarray:
    """A flat rectangle in the plane z = 0; [3, points], `step` mm apart."""
    x, y = _mesh(-width / 2, width / 2, int(width / step), -height / 2, height / 2, int(height / step))
    return _stack(x, y, np.zeros(()))


def inside_outline(person: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the points lie within the frontal outline of the head; bool, the shape of x."""
    fraction = np.clip(y / person.half_height, -1, 1)
    return (np.abs(y) < person.half_height) & (np.abs(x) < person.half_width * _outline(person, fraction))


def bend(points: np.ndarray, radius: float, axis: float) -> np.ndarray:
    """Rolls a sheet round a cylinder of `radius` mm behind it; its axis leans `axis` radians from the vertical.

    Lengths along the paper stay what they were: paper bends, it does not stretch.
    """
    across = np.cos(axis) * points[0] + np.sin(axis) * points[1]
    along = -np.sin(axis) * points[0] + np.cos(axis) * points[1]
    angle = across / radius
    # points[2] < 0 stands out of the paper, towards the camera: away from the axis, a larger radius.
    rolled, depth = (radius - points[2]) * np.sin(angle), radius - (radius - points[2]) * np.cos(angle)
    x, y = np.cos(axis) * rolled - np.sin(axis) * along, np.sin(axis) * rolled + np.cos(axis) * along
    return np.stack([x, y, depth])


def _skull(person: Person, around: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The head without its relief; [3, points] for `around` [1, columns] and `height` [rows, 1], radians."""
    fraction = np.sin(height)
    # An exponent of 2.4 flattens the face a little against an ellipse, as faces are.
    flat = (np.abs(np.sin(around)) ** 2.4 + np.abs(np.cos(around)) ** 2.4) ** (-1 / 2.4)
    # The depth shrinks later than the width towards the chin: a jaw stands forward.
    deep = np.sqrt(np.clip(1 - np.abs(fraction) ** 2.6, 0, 1))
    x = person.half_width * _outline(person, fraction) * (flat * np.sin(around))
    y = person.half_height * fraction
    z = -person.half_depth * deep * (flat * np.cos(around))
    return _stack(x, y, z)


def _outline(person: Person, fraction: np.ndarray) -> np.ndarray:
    power = np.where(fraction > 0, person.jaw_power, 2.2)
    return (1 - np.abs(fraction) ** power) ** 0.5 * (1 - person.jaw_taper * np.clip(fraction, 0, 1))


def _angles(around_degrees: float, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    limit = np.radians(around_degrees)
    return _mesh(-limit, limit, columns, -np.pi / 2, np.pi / 2, rows)


def _mesh(
    x_from: float, x_to: float, columns: int, y_from: float, y_to: float, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    # A row and a column: what depends on one of them alone is computed once a line, not once a point.
    return np.linspace(x_from, x_to, columns)[None, :], np.linspace(y_from, y_to, rows)[:, None]


def _stack(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.stack([values.ravel() for values in np.broadcast_arrays(x, y, z)])


def _ellipsoid(middle: tuple[float, float, float], half_axes: tuple[float, float, float], points: int) -> np.ndarray:
    # Fibonacci's spiral spreads points evenly over a sphere.
    number = np.arange(points) + 0.5
    y, turn = 1 - 2 * number / points, number * np.pi * (3 - 5**0.5)
    ring = np.sqrt(1 - y * y)
    sphere = np.stack([ring * np.cos(turn), y, ring * np.sin(turn)])
    return sphere * np.array(half_axes)[:, None] + np.array(middle, dtype=np.float64)[:, None]
