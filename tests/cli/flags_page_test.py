"""flags.md says what the scripts define."""

import importlib

from absl import flags

from cli import flags_page


def test_flags_md_is_fresh():
    assert flags_page.PAGE.read_text() == flags_page.render(), "run `make flags`"


def test_every_flag_is_explained():
    rows = [line for line in flags_page.render().splitlines() if line.startswith("| `--")]
    assert len(rows) > 50
    assert all(len(row.rstrip(" |").rpartition(" | ")[2]) > 3 for row in rows)


def test_every_flag_of_every_script_is_there_and_shared_ones_stand_once():
    page = flags_page.render()
    for script in flags_page.SCRIPTS:
        values = flags.FlagValues()
        importlib.import_module(f"cli.{script}").define_flags(values)
        assert all(f"| `--{name}` |" in page for name in values), script
    for name in ("seed", "image_size", "rotate_degrees", "cache_dir", "epochs"):
        assert page.count(f"| `--{name}` |") == 1


def test_defaults_and_what_presets_set_are_shown():
    page = flags_page.render()
    for row in (
        "| `--image_size` | ints | `96` | realsense_cnn `100`, catdog_1 `112`, catdog_2 `112`, catdog_3 `112` | ",
        "| `--early_stop_patience` | int | `0` | catdog_1 with --full_train `7`, ",
        "| `--augment` | string | `light` | realsense_cnn `none`, catdog_1 `report`, ",
        "| `--shear_degrees` | float | `0.0` | report `0.1`, strong `10.0` | ",
    ):
        assert row in page
