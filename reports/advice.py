"""What to try next, in the order in which it is likeliest to help: a line a rule, each for a finding of its own."""

import numpy as np

from reports.evidence import Evidence
from reports.numbers import percent
from reports.verdict import MUCH, small_classes, too_few_examples

SURE = 0.9  # a probability from which on a mistake is one to look at
LOW_TRAIN = 0.95  # an accuracy on train, below which a model does not even learn what it is shown
# The preset that is the first to use some of these knobs.
_KNOBS = {
    "medium": ("brightness_fraction", "contrast_fraction", "saturation_fraction", "randaugment_operations"),
    "strong": ("erase_probability", "mixup_alpha", "cutmix_alpha"),
}


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
    if evidence.gap is None or evidence.gap.interval[0] <= 0:
        return ""
    unused = [preset for preset, knobs in _KNOBS.items() if not any(evidence.options.get(knob) for knob in knobs)]
    knobs = [f"--augment={unused[0]}"] if unused else []
    if evidence.gap.interval[0] > MUCH:
        knobs.append("more of --weight_decay or --dropout")
    return f"Against overfitting: {' or '.join(['more pictures', *knobs])}."


def learn_more_of_train(evidence: Evidence) -> str:
    """Where even train's accuracy is low, no gap shows and the loss no longer falls."""
    train = evidence.figures.get("train")
    still = evidence.course is not None and evidence.course.went == "fell"
    silent = still or augment_more(evidence) or find_out_why_nothing_is_learnt(evidence)
    if not train or train["accuracy_interval"][1] >= LOW_TRAIN or silent:
        return ""
    return (
        f"It is right on no more than {percent(train['accuracy'])} of the pictures that it learnt from: a larger "
        "--model, larger pictures (--image_size), another --learning_rate, or weaker augmentation."
    )


def weigh_classes(evidence: Evidence) -> str:
    """Where classes with few training examples do worse, and all examples count alike."""
    if not small_classes(evidence) or evidence.options.get("class_weights") != "none":
        return ""
    return "More pictures of the classes that have few, or --class_weights=balanced."


def calibrate(evidence: Evidence) -> str:
    """Where chance does not explain the calibration error, and no temperature was fitted."""
    found = evidence.calibration
    if found is None or found.holds or evidence.options.get("calibrate"):
        return ""
    return "Before you rely on its probabilities: --calibrate, which trains nothing again."


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
    """Where the interval of the accuracy is wide; of a run that is no fold, with how to test more of what is there."""
    if not too_few_examples(evidence):
        return ""
    folds = ", or --folds=5, which tests each picture once," if evidence.options.get("folds") == 0 else ""
    return f"More test pictures{folds or ','} before small differences are taken for progress."


def _mistakes(evidence: Evidence) -> int:
    return int(np.sum(evidence.predicted.answers != evidence.predicted.labels)) if evidence.predicted else 0


RULES = (take_copies_out, find_out_why_nothing_is_learnt, train_longer, begin_with_published_weights, augment_more,
         learn_more_of_train, weigh_classes, look_at_sure_mistakes, calibrate, more_test_pictures)  # fmt: skip
