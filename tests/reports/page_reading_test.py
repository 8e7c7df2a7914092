"""The page is made for readers: nothing is cut, numbers are short, two runs differ at once, colors stand out."""

import io
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from jobs.options import resolve
from records.history import COLUMNS
from records.tables import RefusedRow
from reports import plots, theme
from reports.contact_sheet import Band, Sheet, Tile
from tests.helpers.report_fixtures import SCORES, SHEET, make_run, mistake, report_of


def _png_of(image: np.ndarray) -> bytes:
    Image.fromarray(image).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("_fast_plots")
def test_options_say_what_was_chosen_beside_what_was_asked_for(tmp_path):
    chosen = {"precision": "mixed_bfloat16", "replicas": 2, "full_scale": 4095, "cache": "pack", "threads": 2,
              "strategy": "mirrored", "bit_depth": "16", "color_mode": "rgb", "augment_on": "device",
              "global_batch_size": 20}  # fmt: skip
    folder = make_run(tmp_path, chosen=chosen)
    given = {"cache": "pack", "replicas": 2, "threads": 2, "split_fractions": (0.5, 0.25, 0.25), "filters": (4, 8)}
    folder.options.write(resolve("catdog", given).to_json())
    text = report_of(folder)[1].words("options")
    for line in ("precision auto: mixed_bfloat16", "strategy auto: mirrored", "bit_depth auto: 16", "cache pack ",
                 "replicas 2 ", "threads 2 ", "full_scale 4095 (chosen)", "augment_on auto: device", "color_mode rgb",
                 "split_fractions 0.5,0.25,0.25", "filters 4,8", "global_batch_size 64: 20"):  # fmt: skip
        assert line in text
    assert "chosen" not in report_of(folder)[1].words("run")


@pytest.mark.usefixtures("_fast_plots")
def test_two_runs_of_the_same_options_look_different_at_once(tmp_path):
    """By title, which is a browser's tab, by name, place and time."""
    tops = {}
    for name, finished in (("first", "2026-01-31T20:15:22+01:00"), ("second", "2026-01-31T20:21:00+01:00")):
        run = make_run(tmp_path / name, dataset="folder:/my/flowers/", finished_at=finished, seed=3)
        text, parsed = report_of(run)
        title = re.search("<title>(.*)</title>", text)[1]
        assert title.startswith(f"{name} · flowers, catdog_2")
        tops[name] = parsed.words("")
    for name, time in (("first", "20:15:22"), ("second", "20:21:00")):
        assert "flowers, catdog_2" in tops[name]
        assert f"Run {name} , finished 2026-01-31 {time} UTC+01:00, seed 3, 2 classes" in tops[name]
        assert str(tmp_path / name) in tops[name]
        assert "folder:/my/flowers/" in tops[name]


@pytest.mark.usefixtures("_fast_plots")
def test_no_number_is_one_for_machines(tmp_path):
    """Whatever stands in the files, in any section."""
    wild = {"export_largest_difference": 2.086162567138672e-07, "something": 0.1234567891234, "deep": {"er": [1e-9, 3]},
            "images_per_second": 1880.3178983528023, "seconds": 10.496635510999113, "parameters": 1093795,
            "input_wait_fraction": 0.03469215718983497}  # fmt: skip
    folder = make_run(
        tmp_path, test=SCORES | {"loss": 3.3e-9, "loss_interval": [0.0, 1.23456789e-8], "examples": 60}, **wild
    )
    folder.history.write([dict.fromkeys(COLUMNS, 1.23456789e-5) | {"epoch": 1, "step": 12345}])
    _, parsed = report_of(folder)
    for section, text in parsed.sections.items():
        if section != "options":  # where a folder's name stands
            assert not re.search(r"\d\.\d{5,}|\de[-+]?\d", text), section
    assert "2.1 × 10⁻⁷ at most" in parsed.words("run")
    assert "3.3 × 10⁻⁹" in parsed.words("headline")
    assert "1.2 × 10⁻⁵" in parsed.words("curves")


@pytest.mark.usefixtures("_fast_plots")
def test_what_is_wide_scrolls_in_a_box_of_its_own(tmp_path):
    """Every table and the matrix; what is long in words breaks."""
    folder = make_run(tmp_path, class_names=[f"{number}{'x' * 70}" for number in range(3)])
    folder.quarantine.write([RefusedRow("a" * 90, "no")])
    text, parsed = report_of(folder, [mistake("猫" * 70)], (SHEET, SHEET))
    boxes = re.findall(
        r'<div class="scroll[^>]*tabindex="0"[^>]*><div class="wide">\s*(.*?)\s*</div></div>', text, re.S
    )
    assert sum(box.count("<table") for box in boxes) == sum(tag == "table" for tag, _ in parsed.tags) == 9
    assert any(box.startswith('<div class="themed"') and "Confusion matrix" in box for box in boxes)
    assert ".scroll::after" in text  # the shadow that says so
    for tag, attributes in parsed.tags:
        assert tag not in ("nobr", "textarea")
        assert "ellipsis" not in attributes.get("style", "")
    assert not re.search(r"text-overflow|overflow(-x)?: hidden|line-clamp", text)


@pytest.mark.usefixtures("_fast_plots")
def test_names_and_paths_break_between_their_parts(tmp_path):
    text, parsed = report_of(
        make_run(tmp_path, class_names=["real_sense_fake", "a/b-c.d"]), [mistake("real_sense_fake")]
    )
    assert "real_<wbr>sense_<wbr>fake" in text
    assert "test/<wbr>real_<wbr>sense_<wbr>fake/<wbr>1.<wbr>jpg" in text
    assert "real_sense_fake" in parsed.sections["classes"]  # as it is copied and searched


def test_a_sheet_has_its_pictures_and_all_of_their_names(tmp_path):
    long = "folder/" + "x" * 80 + "/IMG_2021.jpg"
    tiles = [Tile(np.full((12, 12, 3), shade, np.uint8), path=f"{shade}/{long}") for shade in (10, 20)]
    sheet = Sheet([Band(tiles, "cats"), Band(tiles[:1], "<dogs>")], "2 of 9 classes")
    _, parsed = report_of(make_run(tmp_path), (), (sheet, None))
    text = parsed.words("samples")
    assert "Shown: 2 of 9 classes." in text
    assert text.index("cats") < text.index(f"10/{long}") < text.index(f"20/{long}") < text.index("<dogs>")
    shown = [attributes for tag, attributes in parsed.tags if tag == "img" and attributes["alt"].startswith("cats, ")]
    assert [one["src"] for one in shown] == [plots.data_uri(_png_of(tile.image)) for tile in tiles]
    assert "augmentation" not in parsed.sections  # none was drawn


@pytest.mark.usefixtures("_fast_plots")
def test_everything_written_can_be_read_in_both_themes(tmp_path):
    text, _ = report_of(make_run(tmp_path))
    light, dark = re.findall(r":root \{[^}]*--page[^}]*\}", text)
    for sheet in (light, dark):
        colors = dict(re.findall(r"--(\w+): (#\w{6})", sheet))
        for ink in ("text", "soft", "accent"):
            for ground in ("page", "card", "stripe"):
                assert theme.contrast(to_rgb(colors[ink]), to_rgb(colors[ground])) >= 4.5, (sheet, ink, ground)
        assert theme.contrast(to_rgb(colors["alarm"]), to_rgb("#ffffff")) >= 4.5
