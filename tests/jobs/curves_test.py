"""What TensorBoard's text and image tabs say of a finished run."""

import html
import json
import re

import numpy as np
import tensorflow as tf
from tensorboard import plugin_util
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

from tests.helpers.report_fixtures import Parsed
from tests.helpers.run_fixtures import finished_run


def tensors_of(split: str, tag: str) -> list[tuple[int, np.ndarray]]:
    events = EventAccumulator(str(finished_run() / split), size_guidance={"tensors": 0})
    events.Reload()
    return [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def shown(tag: str) -> tuple[int, str]:
    """(epoch, the text's HTML) of a tag that was written once."""
    ((step, text),) = tensors_of("train", tag)
    return step, html.unescape(plugin_util.markdown_to_safe_html(text.item()))


def test_the_text_tab_has_the_options_with_what_was_chosen():
    step, text = shown("options")
    assert step == 0
    for name, value in (("precision", "mixed_bfloat16"), ("augment_on", "auto: host"), ("cache", "auto: pack"),
                        ("bit_depth", "auto: 8"), ("epochs", "3"), ("filters", "4,8"), ("data_dir", "–"),
                        ("replicas", "1 (chosen)"), ("learning_rate", "0.01")):  # fmt: skip
        assert f"<td>{name}</td>\n<td>{value}</td>" in text


def test_the_hparams_tab_has_the_best_epochs_figures_and_the_options():
    results = json.loads((finished_run() / "results.json").read_text())
    for split in ("train", "validation", "test"):
        ((step, value),) = tensors_of("best", f"accuracy_{split}")
        assert (step, value) == (results["best_epoch"], np.float32(results[split]["accuracy"]))
    ((_, loss),) = tensors_of("best", "loss_validation")
    assert loss == np.float32(results["validation"]["loss"])
    events = EventAccumulator(str(finished_run() / "best")).Reload()
    about = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    options = parse_session_start_info_plugin_data(about).hparams
    assert options["learning_rate"].number_value == 0.01
    assert options["filters"].string_value == "4,8"
    assert options["precision"].string_value == "mixed_bfloat16"
    assert "dataset" not in options


def test_the_text_tab_says_how_to_read_the_curves():
    assert "Smoothing" in shown("curves")[1]
    assert "<code>?smoothing=0</code>" in shown("curves")[1]


def test_the_text_tab_has_the_facts_of_the_finished_run():
    results = json.loads((finished_run() / "results.json").read_text())
    step, text = shown("run")
    assert step == results["epochs"]
    for value in (results["weights_sha256"], results["model"], f"{results['parameters']:,}", str(finished_run())):
        assert f"<td>{value}</td>" in text


def test_the_image_tab_has_whole_sheets_in_pages():
    for split, tag in (("train", "samples"), ("train", "augmented"), ("test", "worst_mistakes")):
        ((step, (width, height, *pages)),) = tensors_of(split, tag)
        assert step == 0
        assert len(pages) >= 1
        assert int(height) <= 1.1 * int(width)


def test_the_image_tab_has_the_calibration_and_the_text_tab_the_words_of_the_report():
    ((step, (*_, picture)),) = tensors_of("test", "calibration")
    assert step == 0
    assert np.ptp(tf.io.decode_png(picture).numpy().astype(int), axis=2).max() > 50  # in color
    report = "".join(Parsed((finished_run() / "report.html").read_text()).sections["headline"].split())
    step, text = shown("verdict")
    assert step == json.loads((finished_run() / "results.json").read_text())["epochs"]
    said = [re.sub("<[^>]+>", "", line) for line in re.findall("<li>(.*?)</li>", text, re.DOTALL)]
    assert len(said) >= 3
    assert all("".join(html.unescape(line).split()) in report for line in said)
    assert "accuracy of" in said[0]
