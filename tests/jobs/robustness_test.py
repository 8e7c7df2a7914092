"""What evaluate.py --robustness makes of files, of any depth, some of which cannot be decoded."""

import numpy as np
import pytest
from PIL import Image

from base.errors import UserError
from jobs import robustness
from jobs.assess import Assessment
from records.tables import ROBUSTNESS
from tests.conftest import random_picture, write_picture
from tests.helpers.watches import Recording


class LightPredictor:
    """Two classes, by how light a picture is; names that end in "bad.png" cannot be decoded."""

    class_names = ("dark", "light")

    def __init__(self):
        self.full_scale, self.decoded, self.sizes = 255, [], []

    def decode(self, path: bytes):
        self.decoded.append(path)
        if path.endswith(b"bad.png"):
            return None, "it is broken"
        with Image.open(path) as image:
            pixels = np.asarray(image)
        return (pixels if pixels.ndim == 3 else pixels[..., None].astype(np.uint16)), ""

    def classify(self, images):
        self.sizes.append(len(images))
        light = np.clip(images.reshape(len(images), -1).mean(axis=1) / np.iinfo(images.dtype).max * 4, 0.01, 0.99)
        return (light > 0.5).astype(int), np.stack([1 - light, light], axis=1).astype(np.float32)


@pytest.fixture
def score(tmp_path, monkeypatch):
    """score(bits, count) -> (lines, what the watch heard, the predictor, the folder of what comes out)."""
    monkeypatch.setattr(robustness, "find_saved_model", lambda run_dir: run_dir)
    predictor = LightPredictor()
    monkeypatch.setattr(robustness, "PixelPredictor", lambda folder: predictor)

    def score(bits: int, count: int, names=LightPredictor.class_names):
        predictor.full_scale = 255 if bits == 8 else 4095
        for place, name in enumerate(names):
            for number in range(count):
                picture = random_picture(100 * place + number, 16, 20, 3 if bits == 8 else 1, bits)
                write_picture(tmp_path / "data" / name / f"{number}.png", picture // (16 if bits == 16 else 2 - place))
        (tmp_path / "run").mkdir(exist_ok=True)
        asked = Assessment(tmp_path / "run", folder=tmp_path / "data", out_dir=tmp_path / "out")
        watch = Recording()
        return robustness.assess_robustness(asked, tmp_path / "cache", watch), watch, predictor, tmp_path / "out"

    return score


def test_eight_bits_have_all_corruptions_and_a_broken_file_is_told(score, tmp_path):
    write_picture(tmp_path / "data" / "dark" / "bad.png", random_picture(9, 16, 20))
    lines, watch, predictor, out = score(8, 20)
    rows = ROBUSTNESS.read(out / "robustness.csv")
    assert len(rows) == 36
    assert {int(row.examples) for row in rows} == {40}
    assert (out / "robustness.png").read_bytes().startswith(b"\x89PNG")
    clean, worst = rows[0], min(rows[1:], key=lambda row: float(row.accuracy))
    assert f"clean accuracy {float(clean.accuracy):.4f} " in lines[0]
    mean = np.mean([float(row.accuracy) for row in rows[1:]])
    assert lines[1].startswith(f"  corrupted: mean accuracy {mean:.4f} over 35 corruptions and severities (blur ")
    assert lines[2].startswith(f"  worst: {worst.corruption}, severity {worst.severity} (")
    assert f"accuracy {float(worst.accuracy):.4f} (" in lines[2]
    assert not [line for line in lines if "left out" in line]
    assert [line for line in lines if "refused" in line] == [f"  refused: {tmp_path}/data/dark/bad.png\tit is broken"]
    assert lines[-1] == f"written to {out}: robustness.csv, robustness.png"
    assert watch.lines == ["robustness  41 pictures, each classified 36 times: as it is, and with 7 corruptions in 5 "
                           "severities"]  # fmt: skip
    assert predictor.sizes == [31] * 36 + [9] * 36  # no more than a batch at a time
    assert len(predictor.decoded) - len(set(predictor.decoded)) <= 1  # once for all corruptions, but for the first


def test_sixteen_bits_go_without_jpeg_which_is_told_on_one_line(score):
    lines, _, _, out = score(16, 4)
    assert len(ROBUSTNESS.read(out / "robustness.csv")) == 31
    told = [line for line in lines if "left out" in line]
    assert told == ["  left out: JPEG: the pictures have 16 bits a channel, a JPEG 8"]


def test_the_same_pictures_give_the_same_table_again(score):
    out = score(8, 5)[3]
    first = (out / "robustness.csv").read_bytes()
    assert score(8, 5)[3] == out  # over its own
    assert (out / "robustness.csv").read_bytes() == first


def test_what_is_not_its_own_is_not_replaced(score, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "robustness.csv").write_text("mine")
    with pytest.raises(UserError, match=r"holds 'robustness\.csv', which this script did not write"):
        score(8, 2)
    assert (tmp_path / "out" / "robustness.csv").read_text() == "mine"


def test_nothing_that_can_be_decoded_is_told(score, tmp_path):
    for name in ("dark", "light"):
        write_picture(tmp_path / "data" / name / "bad.png", random_picture(9, 16, 20))
    with pytest.raises(UserError, match=r"none of 2 files could be decoded; the first: .*dark/bad\.png"):
        score(8, 0)
