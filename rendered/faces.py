"""Rendered depth faces, drawn where the three RealSense folders are not there.

900 pictures of 100x100 pixels, 300 a class, as a depth camera would see two people, a man ("fadam") and a woman, and
the fakes by which somebody would pass for them: a printed photo, a tablet or a phone in the hand, curved paper, a
photo cut out along the face, a paper mask with eye holes, worn or held, of either person. `faces.scene` holds
the surfaces, `faces.sensor` the camera and the sources of its noise formulas.

The shape decides the class and nothing else does: one function draws distance, place in the frame, pose and
background for all three, and one camera sees them. Some of the hair, hands and expressions are misleading on purpose.
A picture is a function of (seed, class, number) alone, so any one can be rendered without the others.

The realsense preset should reach 0.99 or more on the 180 test pictures within its 15 epochs, and be well below that
after the first.
"""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from base import durable
from base.errors import UserError
from base.hashing import fold_key
from rendered import scene, sensor

# A new number wherever a pixel changes: it is part of the name of the folder that holds the pictures.
SYNTHETIC_VERSION = 1
PICTURES_A_CLASS = 300
# In the order of the labels: fake 0, fadam 1, woman 2.
FOLDERS = {"fake": "real_sense_fake100x100", "fadam": "real_sense_fadam100x100", "woman": "real_sense_woman100x100"}
PEOPLE = {"fadam": scene.MAN, "woman": scene.WOMAN}
# Width and height in mm: A4, A5 and a 13 x 18 photo; a tablet and a large phone.
PAPERS = ((210, 297), (148, 210), (130, 180))
SCREENS = ((160, 235), (78, 165))
# How often each kind of fake is shown. Half of them have the outline of a face, so the outline does not tell.
FAKE_SHARES = {"photo": 0.12, "screen": 0.13, "curved": 0.2, "cutout": 0.2, "mask": 0.35}


@dataclasses.dataclass(frozen=True)
class View:
    """How the camera sees a subject, in mm and radians; drawn alike for every class."""

    distance: float  # from the camera to the subject: to a sheet, or to a face beside its nose
    x: float  # the subject's place beside the optical axis
    y: float
    yaw: float
    pitch: float
    roll: float
    wall: float  # distance of the wall behind; beyond the camera's range in most pictures
    wall_slope: tuple[float, float]  # how the wall recedes, mm of depth a pixel, along x and y


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Points of one scene in the subject's frame: smooth (skin, cloth, paper) and rough (hair), float64 [3, points]."""

    smooth: np.ndarray
    rough: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((3, 0)))


def write_synthetic_faces(folder: Path, seed: int = 1, count: int = PICTURES_A_CLASS) -> None:
    """Writes FOLDERS into `folder`, whole or not at all; an existing `folder` is replaced.

    Each has `count` gray 8-bit PNGs of 100x100 pixels, 0000.png and on. The same seed gives the same files, byte for
    byte with one version of Pillow, and the same pixels with any.
    """
    with durable.whole_directory(folder) as temporary:
        for kind, name in FOLDERS.items():
            (temporary / name).mkdir()
            for number in range(count):
                picture = Image.fromarray(render_face(kind, number, seed))
                picture.save(temporary / name / f"{number:04d}.png")


def render_face(kind: str, number: int, seed: int = 1) -> np.ndarray:
    """The `number`th picture of class `kind` ("fake", "fadam" or "woman"): uint8 [100, 100].

    Near is bright; 0 is far or without depth. Raises UserError for another kind.
    """
    depth, is_rough = render_depth(kind, number, seed)
    return sensor.to_picture(sensor.measure(depth, is_rough, _generator(seed, kind, number, "sensor")))


def render_depth(kind: str, number: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """What `render_face` shows before the camera's noise: (true depth in mm, where hair is).

    float64 and bool, both [100, 100]; the depth is inf where nothing stands.
    """
    if kind not in FOLDERS:
        raise UserError(f"kind is {kind!r}: it must be one of {', '.join(FOLDERS)}")
    view = draw_view(_generator(seed, kind, number, "view"))
    rng = _generator(seed, kind, number, "scene")
    cloud = _fake(rng, view) if kind == "fake" else _person(PEOPLE[kind], rng, view)
    smooth, rough = sensor.project(cloud.smooth), sensor.project(cloud.rough)
    row, column = np.indices((sensor.PICTURE_SIZE, sensor.PICTURE_SIZE)) - sensor.PICTURE_SIZE / 2
    wall = view.wall + view.wall_slope[0] * column + view.wall_slope[1] * row
    return np.minimum(np.minimum(smooth, rough), wall), rough < smooth


def draw_view(rng: np.random.Generator) -> View:
    """Draws distance, place, pose and background: the same distributions for every class."""
    yaw, pitch, roll = rng.uniform(-1, 1, 3) * np.radians([9, 6, 4])
    return View(
        distance=rng.uniform(410, 490),
        x=rng.uniform(-4, 4), y=rng.uniform(4, 12),
        yaw=yaw, pitch=pitch, roll=roll,
        wall=rng.uniform(680, 1300),
        wall_slope=tuple(rng.normal(0, 0.8, 2)),
    )  # fmt: skip


def _generator(*key: object) -> np.random.Generator:
    # A hashed key, not a sum: with seed + number, picture 5 of seed 1 would be picture 4 of seed 2.
    return np.random.Generator(np.random.PCG64(fold_key("synthetic", *key)))


def _person(person: scene.Person, rng: np.random.Generator, view: View) -> Cloud:
    """A person before the camera, sometimes with a hand beside the face."""
    parts = _place(_draw_person(person, rng, view), view, person.half_depth)
    if rng.random() < 0.2:
        side = 1 if rng.random() < 0.5 else -1
        place = np.array([side * rng.uniform(115, 160), rng.uniform(20, 140), rng.uniform(60, 140)])
        parts = _join(parts, _place(Cloud(scene.hand_surface(rng) + place[:, None]), view, 0))
    return parts


def _fake(rng: np.random.Generator, view: View) -> Cloud:
    """A flat or bent presentation of either person, with or without whoever wears or holds it."""
    person, holder = (PEOPLE["fadam" if rng.random() < 0.5 else "woman"] for _ in range(2))
    form = rng.choice(list(FAKE_SHARES), p=list(FAKE_SHARES.values()))
    sheet = _draw_sheet(form, person, rng)
    if form == "mask" and rng.random() < 0.7:
        worn = sheet - np.array([[0.0], [0.0], [holder.half_depth + holder.nose + 4]])
        behind = _draw_person(holder, rng, view)
        return _place(Cloud(np.concatenate([behind.smooth, worn], axis=1), behind.rough), view, holder.half_depth)
    cloud = _place(Cloud(sheet), view, 0)
    if rng.random() < 0.5:
        cloud = _join(cloud, _place(Cloud(_hand_behind(sheet, rng)), view, 0))
    if rng.random() < 0.6:
        aside_x, aside_y, behind = rng.normal(0, 70), rng.normal(0, 50), rng.uniform(60, 300)
        away = dataclasses.replace(view, distance=view.distance + behind, x=view.x + aside_x, y=view.y + aside_y)
        cloud = _join(cloud, _place(_draw_person(holder, rng, away), away, holder.half_depth))
    return cloud


def _draw_person(person: scene.Person, rng: np.random.Generator, view: View) -> Cloud:
    expression = scene.Expression(
        mouth_open=max(0.0, rng.normal(0, 8)), smile=max(0.0, rng.normal(0, 0.5)), brow_raise=rng.random()
    )
    # The body follows the head by a third: heads turn on necks.
    turned = _rotation(-0.67 * view.yaw, -0.67 * view.pitch, -0.67 * view.roll)
    body = scene.body_surface(person)
    return Cloud(
        np.concatenate([scene.head_surface(person, expression), turned @ body], axis=1), scene.hair_surface(person, rng)
    )


def _draw_sheet(form: str, person: scene.Person, rng: np.random.Generator) -> np.ndarray:
    """Paper or glass in the subject's frame; [3, points]."""
    scale = rng.uniform(0.85, 1.15)
    sizes = SCREENS if form == "screen" else PAPERS
    width, height = sizes[rng.integers(len(sizes))]
    if form in ("cutout", "mask"):
        sheet = scene.sheet_surface(2.5 * person.half_width, 2.5 * person.half_height)
        # Scissors leave a margin round the face, and a mask must cover its wearer's.
        margin = rng.uniform(1.04, 1.14)
        sheet = sheet[:, scene.inside_outline(person, sheet[0] / margin, sheet[1] / margin)]
    else:
        sheet = scene.sheet_surface(width * scale, height * scale)
    if form == "mask":
        sheet = _emboss(sheet, person, rng)
    if form == "screen":
        return sheet
    # Held paper is never quite flat.
    least, most = {"curved": (90, 220), "mask": (150, 350)}.get(form, (400, 3000))
    return scene.bend(sheet, rng.uniform(least, most), rng.normal(0, 0.25))


def _emboss(sheet: np.ndarray, person: scene.Person, rng: np.random.Generator) -> np.ndarray:
    """A mask's half relief and its eye holes."""
    relief = scene.make_relief(person, scene.Expression())
    x, y = sheet[0] * 75 / person.half_width, sheet[1] * 115 / person.half_height
    pressed = np.stack([sheet[0], sheet[1], -rng.uniform(0.1, 0.25) * scene.look_up(relief, x, y)])
    eye_hole = ((np.abs(x) - 31) / 15) ** 2 + (y / 10) ** 2 < 1
    return pressed[:, ~eye_hole]


def _hand_behind(sheet: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A hand that holds the sheet from below or from a side, its thumb in front."""
    side = rng.uniform(-1.2, 1.2)
    edge = sheet[:, np.argmax(sheet[0] * np.sin(side) + sheet[1] * np.cos(side))]
    aside = np.array([0.0, rng.uniform(-10, 40), rng.uniform(14, 22)])
    return scene.hand_surface(rng) + (edge + aside)[:, None]


def _place(cloud: Cloud, view: View, front: float) -> Cloud:
    """Poses a cloud and moves it so that its front, `front` mm before its origin, is at the view's distance."""
    move = np.array([[view.x], [view.y], [view.distance + front]])
    rotation = _rotation(view.yaw, view.pitch, view.roll)
    return Cloud(rotation @ cloud.smooth + move, rotation @ cloud.rough + move)


def _join(first: Cloud, second: Cloud) -> Cloud:
    return Cloud(
        np.concatenate([first.smooth, second.smooth], axis=1), np.concatenate([first.rough, second.rough], axis=1)
    )


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Turns about y, then x, then z, radians; float64 [3, 3]."""
    (cos_y, cos_x, cos_z), (sin_y, sin_x, sin_z) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    turn = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    nod = np.array([[1, 0, 0], [0, cos_x, -sin_x], [0, sin_x, cos_x]])
    tilt = np.array([[cos_z, -sin_z, 0], [sin_z, cos_z, 0], [0, 0, 1]])
    return tilt @ nod @ turn
