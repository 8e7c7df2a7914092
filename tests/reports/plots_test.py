"""The curves are PNGs of the right size and colors, and screens show what they can."""

import base64
import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes

from records.history import COLUMNS
from reports import plots
from reports.confusion_plot import plot_confusion
from reports.svg import svg_of
from reports.theme import png_of

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


def pixels_of(figure) -> np.ndarray:
    return plots.png_pixels(png_of(figure))


def columns_of(pixels: np.ndarray, color: tuple[int, int, int], tolerance: int = 12) -> np.ndarray:
    """The x of every pixel that has a color."""
    return np.flatnonzero((np.abs(pixels.astype(int) - color).max(axis=2) <= tolerance).any(axis=0))


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_png_pixels_and_data_uri_give_back_what_was_drawn():
    png = png_of(plots.plot_history(history_of(3), "loss"))
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
        pixels = pixels_of(plots.plot_history(history_of(21), panel, best_epoch=epoch)).astype(int)
        places.append((np.abs(pixels - ORANGE).max(axis=2) < 40).sum(axis=0).argmax())
    middle, early, late = places
    assert early < middle < late
    unnamed, named = (svg_of(plots.plot_history(history_of(21), panel, best_epoch=best)) for best in (None, 11))
    assert unnamed == named


@pytest.mark.parametrize("panel", ["loss", "accuracy", "loss_log"])
def test_curves_of_full_training_have_no_validation_line(panel):
    with_validation = pixels_of(plots.plot_history(history_of(9), panel))
    alone = history_of(9, validation_loss=None, validation_accuracy=None)
    assert len(columns_of(with_validation, BLUE))
    assert not len(columns_of(pixels_of(plots.plot_history(alone, panel)), BLUE))


@pytest.mark.parametrize("epochs", [1, 2, 60])
@pytest.mark.parametrize("panel", plots.PANELS)
def test_curves_of_few_and_many_epochs(epochs, panel):
    pixels = pixels_of(plots.plot_history(history_of(epochs), panel))
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
        pixels = pixels_of(plots.plot_history(rows, panel, best_epoch=31)).astype(int)
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
        pictures.add(tuple(svg_of(plots.plot_history(rows, panel, best_epoch=5)) for panel in plots.PANELS))
    assert len(pictures) == 1
    assert (
        tuple(svg_of(plots.plot_history(history_of(9), panel, best_epoch=5)) for panel in plots.PANELS) not in pictures
    )


def test_curves_of_no_epoch_are_refused():
    with pytest.raises(ValueError, match="history has 0 epochs"):
        plots.plot_history([], "loss")


def test_dark_pictures_are_dark():
    light, dark = (plots.png_pixels(plot_confusion([[3, 1], [0, 4]], ["a", "b"], dark=dark)) for dark in (False, True))
    assert light[0, 0].min() == 255
    assert dark[0, 0].max() < 50
