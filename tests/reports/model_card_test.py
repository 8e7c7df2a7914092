"""The model card says what the run's files say, with each name as it is, and where its figures end."""

import html
import re
import subprocess
import sys

import pytest
from tensorboard import plugin_util

from base import durable
from jobs.report import draw_model_card, read_record
from records.tables import SliceRow, SplitRow
from reports import model_card as card
from reports.evidence import Evidence
from tests.helpers.evidence import evidence_of, scored
from tests.helpers.report_fixtures import SCORES, make_run

KNOWN = {"seed": 7, "finished_at": "2026-01-31T20:15:22+01:00", "parameters": 12345, "precision": "float32",
         "device": "CPU, 2 threads", "strategy": "none", "versions": {"keras": "3.15.1"}, "quarantined": 4,
         "left_aside": 1, "notes": ["test: drawn, 3 of 9 pictures"], "weights_sha256": "0f" * 32}  # fmt: skip
REAL = {"results": {"data_origin": "real"}}


def shown(text: str) -> str:
    """What a reader of Markdown sees, in one line."""
    words = re.sub("<[^>]*>", " ", plugin_util.markdown_to_safe_html(text))
    return " ".join(html.unescape(words).split())


def test_it_says_what_the_run_is_and_how_to_have_it_again(tmp_path):
    folder = make_run(tmp_path / "my run", **KNOWN)
    text = draw_model_card(read_record(folder))
    words = shown(text)
    for said in ("catdog_2 on catdog", "of 2 classes", "in the run my run, finished 2026-01-31 20:15:22 UTC+01:00",
                 "12,345 parameters that learn", f"SHA-256 of split.csv: {durable.sha256_file(folder.split.path)}",
                 "origin: real", "files quarantined: 4; not used: 1", "test: drawn, 3 of 9 pictures", "0f" * 32,
                 "seed: 7", "device: CPU, 2 threads", "versions: keras 3.15.1", "all 60 0 60",
                 "serve_images(images: uint8 or uint16 [n, 112, 112, 3])"):  # fmt: skip
        assert said in words, said
    assert f"python train.py '--flagfile={folder.flags.path}'" in text
    headings = ["Intended use", "Data", "Figures", "Limits", "Use it", "Make it again"]
    assert re.findall("^## (.*)$", text, re.MULTILINE) == headings


def test_its_figures_have_intervals_and_its_verdict_is_the_pages(tmp_path):
    text = draw_model_card(read_record(make_run(tmp_path, predictions=[(0, 0)] * 50 + [(1, 1)] * 40 + [(1, 0)] * 10)))
    words = shown(text)
    assert "test 100 90.00% 60.00% to 90.00% 0.5000 0.2500 to 0.6250" in words
    assert "90 of 100 test pictures are right" in words
    assert "takes “dogs” for “cats”: 10 of 50 pictures" in words
    assert "\n1. Begin with weights" in text


def test_the_code_that_it_shows_runs(tmp_path):
    text = draw_model_card(read_record(make_run(tmp_path / 'it\'s a "run"')))
    lines = re.findall("^    (import tensorflow.*|model = .*)$", text, re.MULTILINE)
    checked = "import ast, sys; print(ast.literal_eval(ast.parse(sys.argv[1]).body[1].value.args[0]))"
    done = subprocess.run([sys.executable, "-c", checked, "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip("\n") == str(tmp_path / 'it\'s a "run"' / "saved_model")


@pytest.mark.parametrize(
    "name", ["<b>bold</b>", "a|b", "# no", "*x*", "[1](http://x.y)", "`c`", "n\n## Limits", "1. x"]
)
def test_names_are_the_users_and_no_markup(tmp_path, name):
    folder = make_run(tmp_path, class_names=("cats", name), dataset=f"folder:/{name}", notes=[name])
    folder.split.write([SplitRow("a", name, "train", "1"), SplitRow("b", "cats", "train", "2")])
    text = draw_model_card(read_record(folder))
    page = plugin_util.markdown_to_safe_html(text)
    visible = name.replace("\n", "\ufffd")
    assert f"{visible} 1 0 0" in shown(text)
    assert f"folder:/{visible}" in shown(text)
    assert not re.findall("<(b|em|strong|a|h[3-6])[ >]", page)
    assert page.count("<h2>") == 6
    assert len(re.findall("<tr>", page)) == 1 + 2 + 1 + 1 + 3  # classes with their head and sum, splits with theirs


@pytest.mark.parametrize(
    ("rule", "said", "silent"),
    [
        (card.synthetic, {"results": {"data_origin": "synthetic"}}, REAL),
        (card.copied, REAL | {"copies": 2}, REAL),
        (card.imbalanced, REAL | {"train_counts": [100, 49]}, REAL | {"train_counts": [100, 51]}),
        (card.never_seen, REAL | {"train_counts": [100, 0]}, REAL | {"train_counts": [100, 1]}),
        (card.unsliced, REAL, REAL | {"slices": [SliceRow(*"abc1234567")]}),
        (card.uncalibrated, REAL | {"sure": 0.999}, REAL | {"sure": 0.9}),
    ],
)
def test_a_limit_is_said_where_it_is_one(rule, said, silent):
    assert rule(evidence_of(**said))
    assert rule(evidence_of(**said)) in card.limits(evidence_of(**said))
    assert not rule(evidence_of(**silent))


def test_a_run_without_test_split_says_so():
    without = Evidence(scored="test", figures={"train": scored(9, 10)}, predicted=None, **REAL)
    assert card.untested(without).startswith("There is no test split")
    assert not card.untested(evidence_of(**REAL))


def test_of_very_many_classes_the_first_are_listed(tmp_path):
    names = [f"class{number:03d}" for number in range(60)]
    words = shown(draw_model_card(read_record(make_run(tmp_path, class_names=names, test=SCORES | {"examples": 60}))))
    assert "of 60 classes the first 50; split.csv has all" in words
    assert "class049 1 0 1" in words
    assert "class050 1 0 1" not in words
    assert "all 60 0 60" in words


def test_what_was_fitted_is_inside(tmp_path):
    decision = {
        "asked": {},
        "temperature": {"value": 1.5},
        "threshold": 0.25,
        "words": "'dogs' is answered from 0.25 on",
    }
    words = shown(draw_model_card(read_record(make_run(tmp_path, decision=decision))))
    assert "a temperature of 1.5 is inside" in words
    assert "'dogs' is answered from 0.25 on" in words
