"""Plots as SVG: one drawing, in both themes, that any browser takes."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb

from evaluation.calibration import reliability
from evaluation.curves import class_curves
from reports.calibration_plot import plot_reliability
from reports.plots import PANELS, plot_history
from reports.ranking_plot import plot_roc
from reports.svg import svg_of, to_dark
from reports.theme import DARK, LIGHT, contrast
from tests.evaluation.curves_test import softmax
from tests.reports.plots_test import history_of

COLOR = re.compile(r"#[0-9a-f]{6}")


def figures():
    labels, probabilities = softmax(3, 200, 3)
    yield plot_reliability(reliability(labels, probabilities))
    for panel in PANELS:
        yield plot_history(history_of(9), panel)


def test_every_color_is_one_of_the_theme_and_dark_ones_take_their_places():
    for figure in figures():
        light = svg_of(figure)
        dark = to_dark(light)
        assert set(COLOR.findall(light)) <= set(LIGHT)
        assert set(COLOR.findall(dark)) <= set(DARK)
        assert {LIGHT.background, LIGHT.text} <= set(COLOR.findall(light))
        found = [DARK[LIGHT.index(color)] for color in COLOR.findall(light)]
        assert COLOR.findall(dark) == found
        assert COLOR.sub("", light) == COLOR.sub("", dark)
    for theme in (LIGHT, DARK):
        assert contrast(to_rgb(theme.text), to_rgb(theme.background)) > 4.5


def test_text_is_text_and_nothing_is_fetched():
    svg = svg_of(plot_history(history_of(9), "loss"))
    root = ElementTree.fromstring(svg)
    words = " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    for word in ("train", "validation", "best: epoch 5", "nats"):
        assert word in words
    for tag in ("image", "script", "metadata"):
        assert not list(root.iter("{http://www.w3.org/2000/svg}" + tag))
    assert "DOCTYPE" not in svg
    addresses = re.findall(r'(?:href="|url\()([^")]+)', svg)
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert "system-ui" in svg


@pytest.mark.parametrize("name", ['<script>alert("x")</script>', "a & b", '"quoted"', "fill: #ffffff", "$x^{$"])
def test_a_name_is_written_as_it_is(name):
    labels, probabilities = softmax(3, 50, 2)
    root = ElementTree.fromstring(svg_of(plot_roc([(name, class_curves(labels, probabilities)[1])])))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert name in texts
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_the_same_figure_has_the_same_bytes_in_another_process():
    code = "from tests.reports.svg_test import *; print(svg_of(plot_history(history_of(4), 'loss')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == svg_of(plot_history(history_of(4), "loss")).strip()
