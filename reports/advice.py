"""What to try next, in the order in which it is likeliest to help: a line a rule, each for a finding of its own."""

import numpy as np

from reports.evidence import Evidence
from reports.numbers import percent
from reports.verdict import MUCH, too_few_examples

SURE = 0.9  # a probability from which on a mistake is one to look at
LOW_TRAIN = 0.95  # an accuracy on train, below which a model does not even learn what it is shown
IMBALANCE = 2.0  # the largest class of train over the smallest
_STRONGER = {"none": "light", "light": "medium", "report": "medium", "medium": "strong"}


def advice(evidence: Evidence) -> list[str]:
    """What to try, the first first; nothing where no rule has anything to say."""
    return [line for rule in RULES if (line := rule(evidence))]


def take_copies_out(evidence: Evidence) -> str:
    """Where a split holds a file of another one."""
    if not evidence.copies:
        return ""
    return "Take the copies out of all splits but one, and train again: until then no figure here can be trusted."


def find_out_why_nothing_is_learnt(evidence: Evidence) -> str:
    """Where the model is not shown to beat always saying the largest class."""
    if evidence.largest_class is None or evidence.largest_class.is_better:
        return ""
    return (
        "Find out why it learns nothing: look at the examples and their labels below, and try the rate that "
        "train.py --find_learning_rate suggests."
    )


def train_longer(evidence: Evidence) -> str:
    """Where the validation loss still fell."""
    if evidence.course is None or evidence.course.went != "fell":
        return ""
    if minutes := evidence.options.get("train_minutes"):
        return f"Train longer: --train_minutes={2 * minutes:g}."
    epochs = evidence.results.get("epochs_asked")
    return f"Train longer: --epochs={2 * epochs}." if epochs else ""


def begin_with_published_weights(evidence: Evidence) -> str:
    """Where a network of ours began with random weights, makes mistakes, and the pictures have colors."""
    random = evidence.options.get("weights") == "none" and not evidence.results.get("network_sha256")
    if not random or evidence.options.get("color_mode") == "grayscale" or not _mistakes(evidence):
        return ""
    return (
        "Begin with weights that have learnt from a million photographs: --model=mobilenet_v2_035 --weights=imagenet."
    )


def augment_more(evidence: Evidence) -> str:
    """Where it overfits."""
    if evidence.gap is None or evidence.gap[2][0] <= 0:
        return ""
    stronger = _STRONGER.get(evidence.options.get("augment"))
    knobs = f"--augment={stronger}" if stronger else "stronger augmentation"
    much = ", --weight_decay or --dropout" if evidence.gap[2][0] > MUCH else ""
    return f"Against overfitting: more pictures, {knobs}{much}."


def learn_more_of_train(evidence: Evidence) -> str:
    """Where even train's accuracy is low, no gap shows and the loss no longer falls."""
    train = evidence.figures.get("train")
    still = evidence.course is not None and evidence.course.went == "fell"
    if not train or train["accuracy_interval"][1] >= LOW_TRAIN or still or augment_more(evidence):
        return ""
    return (
        f"It is right on no more than {percent(train['accuracy'])} of the pictures that it learnt from: a larger "
        "--model, larger pictures (--image_size), another --learning_rate, or weaker augmentation."
    )


def weigh_classes(evidence: Evidence) -> str:
    """Where some classes are found less often, and train has twice as many examples of one class as of another."""
    counts = [count for count in evidence.train_counts if count]
    uneven = counts and max(counts) >= IMBALANCE * min(counts)
    if not uneven or not evidence.weak_classes or evidence.options.get("class_weights") != "none":
        return ""
    return "More pictures of the classes that are found less often, or --class_weights=balanced."


def look_at_sure_mistakes(evidence: Evidence) -> str:
    """Where mistakes were made with a probability of 0.9 or more: some may be the labels'."""
    if evidence.predicted is None:
        return ""
    wrong = evidence.predicted.answers != evidence.predicted.labels
    sure = int(np.sum(evidence.predicted.probabilities.max(axis=1)[wrong] >= SURE))
    if not sure:
        return ""
    mistakes = "1 mistake was" if sure == 1 else f"{sure:,} mistakes were"
    return f"{mistakes} made with a probability of {percent(SURE, 0)} or more: see whether their labels are right."


def more_test_pictures(evidence: Evidence) -> str:
    """Where the interval of the accuracy is wide."""
    return "More test pictures, before small differences are taken for progress." if too_few_examples(evidence) else ""


def _mistakes(evidence: Evidence) -> int:
    return int(np.sum(evidence.predicted.answers != evidence.predicted.labels)) if evidence.predicted else 0


RULES = (take_copies_out, find_out_why_nothing_is_learnt, train_longer, begin_with_published_weights, augment_more,
         learn_more_of_train, weigh_classes, look_at_sure_mistakes, more_test_pictures)  # fmt: skip
