"""The rendered depth faces: the same bytes for a seed, relief on heads and little on fakes, nothing half written."""

import inspect

import numpy as np
import pytest
from PIL import Image
from rendered import scene, sensor

from base.errors import UserError
from rendered import faces as synthetic

KINDS = list(synthetic.FOLDERS)


def folder_bytes(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_same_seed_same_bytes_and_another_seed_other_pictures(tmp_path):
    synthetic.write_synthetic_faces(tmp_path / "first", seed=3, count=3)
    synthetic.write_synthetic_faces(tmp_path / "again", seed=3, count=3)
    synthetic.write_synthetic_faces(tmp_path / "other", seed=4, count=3)
    first, again, other = (folder_bytes(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert len(set(first.values()) | set(other.values())) == 18  # no picture twice, within a seed or between two


def test_a_picture_depends_on_seed_kind_and_number_alone(tmp_path):
    synthetic.write_synthetic_faces(tmp_path / "faces", seed=3, count=2)
    for kind, name in synthetic.FOLDERS.items():
        with Image.open(tmp_path / "faces" / name / "0001.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), synthetic.render_face(kind, 1, seed=3))


def test_folders_hold_100x100_8_bit_pngs_and_900_by_default(tmp_path):
    synthetic.write_synthetic_faces(tmp_path / "faces", count=2)
    assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == [
        "real_sense_fadam100x100", "real_sense_fake100x100", "real_sense_woman100x100",
    ]  # fmt: skip
    for name in synthetic.FOLDERS.values():
        files = sorted((tmp_path / "faces" / name).iterdir())
        assert [file.name for file in files] == ["0000.png", "0001.png"]
        for file in files:
            with Image.open(file) as picture:
                assert (picture.format, picture.size, picture.mode) == ("PNG", (100, 100), "L")
                assert len(np.unique(np.asarray(picture))) > 20
    default = inspect.signature(synthetic.write_synthetic_faces).parameters["count"].default
    assert default * len(synthetic.FOLDERS) == 900


def test_nothing_is_left_when_rendering_fails_midway(tmp_path, monkeypatch):
    render = synthetic.render_face

    def fail_at_the_second_class(kind, number, seed):
        if kind == KINDS[1]:
            raise RuntimeError("out of memory")
        return render(kind, number, seed)

    monkeypatch.setattr(synthetic, "render_face", fail_at_the_second_class)
    with pytest.raises(RuntimeError, match="out of memory"):
        synthetic.write_synthetic_faces(tmp_path / "faces", count=1)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused():
    with pytest.raises(UserError, match=r"kind is 'men': it must be one of fake, fadam, woman"):
        synthetic.render_face("men", 0)


def test_every_class_is_seen_from_the_same_views(monkeypatch):
    """The camera's view comes from one function of the generator alone, and the picture obeys it."""
    assert list(inspect.signature(synthetic.draw_view).parameters) == ["rng"]
    seen = []
    draw_view = synthetic.draw_view
    monkeypatch.setattr(synthetic, "draw_view", lambda rng: seen.append(draw_view(rng)) or seen[-1])
    nearest = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for number in range(8):
            depth, _ = synthetic.render_depth(kind, number)
            nearest[kind].append(np.percentile(depth[30:70, 30:70], 5) - seen[-1].distance)
    assert len(seen) == 24
    for kind in KINDS:
        assert np.abs(np.median(nearest[kind])) < 35, f"{kind} does not stand at the distance that was drawn"


def curvature_left(kind, number):
    """How far, mm, the middle of the subject stands off the best quadric: a plane or a bent sheet leaves nothing."""
    depth, _ = synthetic.render_depth(kind, number)
    patch = depth[38:76, 36:64]
    row, column = (axis.ravel() - axis.mean() for axis in np.indices(patch.shape, dtype=np.float64))
    terms = np.stack([np.ones_like(row), row, column, row * row, row * column, column * column], axis=1)
    values = patch.ravel()
    keep = np.abs(values - np.median(values)) < 45  # the hand and what shows past an edge are no part of the surface
    for _ in range(3):
        fit, *_ = np.linalg.lstsq(terms[keep], values[keep], rcond=None)
        residual = values - terms @ fit
        keep &= np.abs(residual) < 25
    return np.sqrt(np.mean(residual[keep] ** 2))


def test_fakes_have_far_less_relief_than_heads():
    relief = {kind: np.array([curvature_left(kind, number) for number in range(20)]) for kind in KINDS}
    heads = np.concatenate([relief["fadam"], relief["woman"]])
    assert heads.min() > 4
    # Not all: an edge of the sheet, with what is behind it, may cross the middle.
    assert np.quantile(relief["fake"], 0.9) < 0.5 * heads.min()
    assert np.median(relief["fake"]) < 1


def test_the_two_heads_are_different_shapes():
    man, woman = (scene.make_relief(person, scene.Expression()) for person in synthetic.PEOPLE.values())
    assert np.abs(man - woman).max() > 4
    assert scene.MAN.half_height > 1.1 * scene.WOMAN.half_height


def test_bending_keeps_lengths_and_lies_on_the_cylinder():
    sheet = scene.sheet_surface(160, 40, step=4.0)
    bent = scene.bend(sheet, radius=100.0, axis=0.0)
    np.testing.assert_allclose(bent[0] ** 2 + (bent[2] - 100.0) ** 2, 100.0**2)
    steps = [np.linalg.norm(np.diff(points.reshape(3, 10, 40), axis=2), axis=0) for points in (sheet, bent)]
    np.testing.assert_allclose(steps[1], steps[0], rtol=1e-3)


def test_noise_grows_with_the_square_of_the_distance():
    noise = sensor.axial_noise(np.array([400.0, 1400.0, 2400.0]), np.zeros(3))
    np.testing.assert_allclose(noise, [1.2, 3.1, 8.8])


def test_the_projector_leaves_a_shadow_on_one_side_of_a_near_object():
    depth = np.full((100, 100), 900.0)
    depth[:, 40:60] = 450.0
    shaded = sensor.shadow(depth)
    width = sensor.FOCAL * sensor.BASELINE * (1 / 450 - 1 / 900)
    assert not shaded[:, 40:].any()
    assert np.abs(shaded.sum(axis=1) - width).max() <= 1.5  # less the pixel that is allowed for rounding


def test_depth_outside_the_range_and_at_grazing_angles_is_lost():
    rng = np.random.default_rng(5)
    rough = np.zeros((100, 100), bool)
    slope = 400 + 8.0 * np.arange(100.0)[None, :] + np.zeros((100, 1))  # from 400 to 1192 mm: 71 degrees and less
    steep = 400 + 45.0 * np.abs(np.arange(100.0) - 50)[None, :] + np.zeros((100, 1))  # 79 degrees and more
    measured = sensor.measure(slope, rough, rng)
    kept = measured > 0
    assert kept.mean() > 0.9
    assert np.abs(measured - slope)[kept].max() < 40
    assert (sensor.measure(steep, rough, rng)[:, :45] == 0).all()
    assert (sensor.measure(slope + 900, rough, rng) == 0).all()
    assert (sensor.measure(slope / 10, rough, rng) == 0).all()
