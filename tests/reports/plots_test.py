"""The curves are PNGs of the right size and colors, and screens show what they can."""

import base64
import subprocess
import sys
import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes

from records.history import COLUMNS
from reports import plots
from reports.confusion_plot import plot_confusion

BLUE, ORANGE = (11, 99, 206), (217, 83, 11)  # of the light theme


def history_of(epochs: int, **changes) -> list[dict]:
    """A history that learns for a while, then overfits: its validation accuracy is highest in the middle."""
    rows = []
    for epoch in range(1, epochs + 1):
        row = dict.fromkeys(COLUMNS, 0.0) | {
            "epoch": epoch,
            "learning_rate": 0.1,
            "loss": 1 / epoch,
            "accuracy": 1 - 0.5 / epoch,
            "validation_loss": 1 / epoch + 0.01 * epoch,
            "validation_accuracy": 0.9 - 0.001 * (epoch - epochs // 2 - 1) ** 2,
        }
        rows.append(row | changes)
    return rows


def columns_of(pixels: np.ndarray, color: tuple[int, int, int], tolerance: int = 12) -> np.ndarray:
    """The x of every pixel that has a color."""
    return np.flatnonzero((np.abs(pixels.astype(int) - color).max(axis=2) <= tolerance).any(axis=0))


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_png_pixels_and_data_uri_give_back_what_was_drawn():
    png = plots.plot_history(history_of(3), "loss")
    pixels = plots.png_pixels(png)
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    prefix, _, data = plots.data_uri(png).partition(",")
    assert prefix == "data:image/png;base64"
    assert base64.b64decode(data) == png
    assert b"matplotlib" not in png


def test_curves_mark_where_all_begins_to_learn(monkeypatch):
    lines, draw = [], Axes.axvline
    monkeypatch.setattr(Axes, "axvline", lambda axes, x, **how: lines.append((x, how["label"])) or draw(axes, x, **how))
    rows = history_of(6, phase="all")
    for row in rows[:4]:
        row["phase"] = "head"
    for panel in plots.PANELS:
        lines.clear()
        plots.plot_history(rows, panel, best_epoch=2)
        assert lines == [(4.5, "all learns from epoch 5"), (2, "best: epoch 2")]
    assert plots.first_of_all(rows) == 5
    for alone in ("head", "all"):
        assert plots.first_of_all(history_of(3, phase=alone)) is None
    earlier = [{name: value for name, value in row.items() if name != "phase"} for row in rows]
    assert plots.first_of_all(earlier) is None  # of a version without phases


@pytest.mark.parametrize("panel", plots.PANELS)
def test_curves_mark_the_best_epoch(panel):
    # The dotted line stands further right for a later epoch; it is the column with the most orange.
    places = []
    for epoch in (None, 3, 19):
        pixels = plots.png_pixels(plots.plot_history(history_of(21), panel, best_epoch=epoch)).astype(int)
        places.append((np.abs(pixels - ORANGE).max(axis=2) < 40).sum(axis=0).argmax())
    middle, early, late = places
    assert early < middle < late
    assert plots.plot_history(history_of(21), panel) == plots.plot_history(history_of(21), panel, best_epoch=11)


@pytest.mark.parametrize("panel", ["loss", "accuracy", "loss_log"])
def test_curves_of_full_training_have_no_validation_line(panel):
    with_validation = plots.png_pixels(plots.plot_history(history_of(9), panel))
    alone = history_of(9, validation_loss=None, validation_accuracy=None)
    assert len(columns_of(with_validation, BLUE))
    assert not len(columns_of(plots.png_pixels(plots.plot_history(alone, panel)), BLUE))


@pytest.mark.parametrize("epochs", [1, 2, 60])
@pytest.mark.parametrize("panel", plots.PANELS)
def test_curves_of_few_and_many_epochs(epochs, panel):
    pixels = plots.png_pixels(plots.plot_history(history_of(epochs), panel))
    drawn = np.abs(pixels.astype(int) - BLUE).max(axis=2) <= 12
    assert drawn.any(axis=0).sum() > 10
    # A single epoch is a dot, which is higher than the line that the legend has anyway.
    assert epochs > 1 or drawn.sum(axis=0).max() >= 12


def test_a_logarithmic_axis_shows_what_a_linear_one_hides():
    """A loss that falls to a thousandth, and later to a third of that, which is nothing beside the first fall."""
    rows = history_of(31)
    for row in rows:
        row["loss"] = row["validation_loss"] = 1.0 if row["epoch"] < 3 else 1e-3 if row["epoch"] < 12 else 3e-4
    heights = []
    for panel in ("loss", "loss_log"):
        pixels = plots.png_pixels(plots.plot_history(rows, panel, best_epoch=31)).astype(int)
        is_line = np.abs(pixels - BLUE).max(axis=2) <= 12
        lowest = [np.flatnonzero(column).max() for column in is_line.T if column.any()]  # below any legend
        heights.append(max(lowest) - lowest[len(lowest) // 4])
    linear, logarithmic = heights
    assert linear < 6 < logarithmic


def test_curves_leave_gaps_for_what_is_no_number():
    pictures = set()
    for nothing in (None, float("nan"), float("inf")):
        rows = history_of(9)
        rows[3]["loss"] = rows[4]["validation_loss"] = rows[5]["accuracy"] = nothing
        pictures.add(tuple(plots.plot_history(rows, panel, best_epoch=5) for panel in plots.PANELS))
    assert len(pictures) == 1
    assert tuple(plots.plot_history(history_of(9), panel, best_epoch=5) for panel in plots.PANELS) not in pictures


def test_curves_of_no_epoch_are_refused():
    with pytest.raises(ValueError, match="history has 0 epochs"):
        plots.plot_history([], "loss")


def test_dark_pictures_are_dark():
    for draw in (
        lambda dark: plot_confusion([[3, 1], [0, 4]], ["a", "b"], dark=dark),
        lambda dark: plots.plot_history(history_of(3), "loss", dark=dark),
    ):
        assert plots.png_pixels(draw(False))[0, 0].min() == 255
        assert plots.png_pixels(draw(True))[0, 0].max() < 50


def test_displayable_keeps_bytes_and_scales_floats():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    assert np.array_equal(plots.displayable(images), images)
    assert np.array_equal(plots.displayable(images.astype(np.float32) / 255), images)
    strange = np.array([-1.0, 2.0, np.nan, 0.5]).reshape(1, 2, 2, 1)
    assert plots.displayable(strange)[..., 0].ravel().tolist() == [0, 255, 0, 128]


def test_displayable_stretches_depth_and_keeps_its_order():
    depth = np.random.default_rng(0).integers(400, 3400, (3, 20, 20, 1)).astype(np.uint16)
    shown = plots.displayable(depth)
    assert shown.shape == (3, 20, 20, 3)
    assert shown.min() == 0
    assert shown.max() == 255
    order = np.argsort(depth.ravel())
    assert (np.diff(shown[..., 0].ravel()[order].astype(int)) >= 0).all()
    # A wild reading or two take nothing from the others.
    depth[0, 0, :2] = 65535
    assert plots.displayable(depth)[1:].max() > 250
    assert np.array_equal(plots.displayable(np.full((1, 2, 2, 1), 700, np.uint16)), np.zeros((1, 2, 2, 3), np.uint8))


def test_plots_leave_pyplot_alone():
    code = (
        "import sys; from reports import page, confusion_plot; "
        "confusion_plot.plot_confusion([[1, 0], [0, 1]], ['a', 'b']); "
        "sys.exit('matplotlib.pyplot' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
