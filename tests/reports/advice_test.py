"""Each advice is given for its finding and not without it, and every flag that it names there is."""

import dataclasses
import re

import numpy as np
import pytest

from base.options import leaves
from jobs.options import RunOptions
from models.backbone_table import BACKBONES
from pipeline.augment.options import AUGMENT_PRESETS
from reports import advice as rules
from reports.advice import advice
from reports.evidence import Evidence
from tests.helpers.evidence import evidence_of, history_of_losses, scored

FALLING = history_of_losses([1.0 / epoch for epoch in range(1, 16)])
OVERFITS = {"figures": {"train": scored(999, 1000), "validation": scored(80, 100)}}
SMALL = {"confusion": [[95, 5, 0, 0], [5, 95, 0, 0], [8, 0, 12, 0], [0, 8, 0, 12]], "train_counts": [500, 400, 50, 40]}


def test_of_nothing_nothing_is_advised():
    assert advice(Evidence(scored="test", figures={}, predicted=None)) == []


def test_of_a_good_model_nothing_is_advised():
    good = evidence_of([[100, 0], [0, 100]], sure=0.999, options={"weights": "none", "class_weights": "none"},
                       figures={"train": scored(100, 100), "validation": scored(100, 100)},
                       history=history_of_losses([0.1] * 10))  # fmt: skip
    assert advice(good) == []


def test_copies_come_first():
    assert advice(evidence_of([[11, 9], [10, 10]], copies=3))[0].startswith("Take the copies out")
    assert rules.take_copies_out(evidence_of()) == ""


@pytest.mark.parametrize(("confusion", "is_said"), [([[11, 9], [9, 11]], True), ([[90, 10], [9, 91]], False)])
def test_who_learns_nothing_is_to_find_out_why(confusion, is_said):
    assert bool(rules.find_out_why_nothing_is_learnt(evidence_of(confusion))) == is_said


def test_longer_training_is_advised_while_the_loss_falls():
    asked = {"results": {"epochs_asked": 15}}
    assert rules.train_longer(evidence_of(history=FALLING, **asked)) == "Train longer: --epochs=30."
    timed = rules.train_longer(evidence_of(history=FALLING, options={"train_minutes": 2.5}, **asked))
    assert timed == "Train longer: --train_minutes=5."
    assert rules.train_longer(evidence_of(history=history_of_losses([0.1] * 10), **asked)) == ""
    assert rules.train_longer(evidence_of(history=FALLING)) == ""  # of a run that does not say what it was asked for


@pytest.mark.parametrize(
    ("given", "is_said"),
    [
        ({"options": {"weights": "none"}}, True),
        ({"options": {"weights": "imagenet"}}, False),
        ({"options": {"weights": "none", "color_mode": "grayscale"}}, False),
        ({"options": {"weights": "none"}, "results": {"network_sha256": "0f"}}, False),  # a network of the user's own
        ({"options": {"weights": "none"}, "confusion": [[9, 0], [0, 9]]}, False),
        ({}, False),
    ],
)
def test_published_weights_are_for_random_ones(given, is_said):
    assert bool(rules.begin_with_published_weights(evidence_of(**given))) == is_said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "more pictures or --augment=medium or more of --weight_decay or --dropout"),
        ({"brightness_fraction": 0.2}, "more pictures or --augment=strong or more of"),
        ({"brightness_fraction": 0.2, "cutmix_alpha": 1.0}, "more pictures or more of --weight_decay"),
    ],
)
def test_against_overfitting_the_next_preset_is_advised(options, words):
    assert words in rules.augment_more(evidence_of(options=options, **OVERFITS))


def test_without_overfitting_no_augmentation_is_advised():
    assert rules.augment_more(evidence_of(figures={"train": scored(90, 100), "validation": scored(89, 100)})) == ""
    assert rules.augment_more(Evidence(scored="test", figures={}, predicted=None)) == ""


def test_who_does_not_learn_train_is_to_learn_more_of_it():
    low = {"figures": {"train": scored(800, 1000), "validation": scored(79, 100)}}
    assert rules.learn_more_of_train(evidence_of(**low)).startswith("It is right on no more than 80.0%")
    assert rules.learn_more_of_train(evidence_of(history=FALLING, **low)) == ""  # it still learns
    assert rules.learn_more_of_train(evidence_of([[11, 9], [9, 11]], **low)) == ""  # that is said in other words
    for others in (OVERFITS, {"figures": {"train": scored(960, 1000), "validation": scored(96, 100)}}, {}):
        assert rules.learn_more_of_train(evidence_of(**others)) == ""


def test_classes_are_weighed_where_small_ones_do_worse():
    plain = {"options": {"class_weights": "none"}}
    assert "--class_weights=balanced" in rules.weigh_classes(evidence_of(**SMALL, **plain))
    assert rules.weigh_classes(evidence_of(**SMALL, options={"class_weights": "balanced"})) == ""
    assert rules.weigh_classes(evidence_of(**plain)) == ""


def test_sure_mistakes_are_counted():
    assert rules.look_at_sure_mistakes(evidence_of([[99, 1], [0, 100]], 0.95)).startswith("1 mistake was made with a ")
    assert rules.look_at_sure_mistakes(evidence_of([[98, 2], [0, 100]], 0.95)).startswith("2 mistakes were made")
    assert rules.look_at_sure_mistakes(evidence_of([[98, 2], [0, 100]], 0.8)) == ""


def test_a_temperature_is_for_probabilities_that_are_off():
    assert "--calibrate" in rules.calibrate(evidence_of([[80, 20], [20, 80]], 0.99))
    assert rules.calibrate(evidence_of([[80, 20], [20, 80]], 0.99, options={"calibrate": True})) == ""
    assert rules.calibrate(evidence_of([[80, 20], [20, 80]], 0.8)) == ""


@pytest.mark.parametrize(("options", "words"), [({}, "pictures, before"), ({"folds": 5}, "pictures, before"),
                                               ({"folds": 0}, "pictures, or --folds=5, which")])  # fmt: skip
def test_more_test_pictures_are_for_wide_intervals(options, words):
    assert words in rules.more_test_pictures(evidence_of([[9, 1], [1, 9]], options=options))
    assert not rules.more_test_pictures(evidence_of(np.diag([400, 400]), options=options))


def test_every_flag_and_value_that_is_named_there_is():
    flags = {leaf.name for leaf in leaves(RunOptions)} | {"augment", "find_learning_rate"}
    given = [
        {"confusion": [[11, 9], [9, 11]], "options": {"weights": "none", "folds": 0}, "history": FALLING,
         "results": {"epochs_asked": 15}},
        OVERFITS, OVERFITS | {"options": {"hue_degrees": 1.0, "brightness_fraction": 0.2}},
        SMALL | {"options": {"class_weights": "none"}},
        {"figures": {"train": scored(800, 1000), "validation": scored(79, 100)}},
        {"confusion": [[80, 20], [20, 80]], "sure": 0.99},
    ]  # fmt: skip
    named = {}
    for one in given:
        for line in advice(evidence_of(**one)):
            named |= dict.fromkeys(re.findall(r"--(\w+)(?:=(\w+))?", line))
    assert len(named) >= 9
    for flag, value in named:
        assert flag in flags
        known = {"model": BACKBONES, "augment": AUGMENT_PRESETS}.get(flag)
        assert known is None or not value or value in known
    knobs = {knob for group in rules._KNOBS.values() for knob in group}
    assert knobs <= flags
    for preset, own in rules._KNOBS.items():
        values = {}
        for part in dataclasses.asdict(AUGMENT_PRESETS[preset]).values():
            values |= part
        assert any(values[knob] for knob in own)
