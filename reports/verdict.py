"""How good a model is, in words: a sentence a rule, which is silent where no interval and no test stands behind it."""

import numpy as np

from evaluation.metrics import NORMAL_95, confusion_pairs, wilson_interval
from evaluation.slices import WORSE
from evaluation.trend import FEWEST
from reports.evidence import Evidence, Gap, Halves
from reports.numbers import number, percent, percent_interval

WIDE = 0.1  # an interval of the accuracy, from which on examples are too few
FEW = 10  # examples of a class, below which its rates say little
MUCH = 0.05  # of a gap between train and validation
MOST_NAMES = 3


def verdict(evidence: Evidence) -> list[str]:
    """Sentences, of which the first says how good the model is."""
    return [sentence for rule in RULES if (sentence := rule(evidence))]


def copies(evidence: Evidence) -> str:
    """Where a split holds a file of another one."""
    if not evidence.copies:
        return ""
    return (
        f"{_count(evidence.copies, 'file has', 'files have')} the same bytes as a file of another split: the figures "
        "are flattered."
    )


def reaches(evidence: Evidence) -> str:
    """How many examples are right, with the Wilson interval of that; always, where anything was scored."""
    if evidence.shown is None:
        return ""
    figures = evidence.figures[evidence.shown]
    right, examples = round(figures["accuracy"] * figures["examples"]), figures["examples"]
    low, high = (percent(end) for end in figures["accuracy_interval"])
    return (
        f"{right:,} of {_count(examples, f'{evidence.shown} picture is', f'{evidence.shown} pictures are')} right: an "
        f"accuracy of {percent(figures['accuracy'])}, with a 95% interval from {low} to {high}."
    )


def beats_largest_class(evidence: Evidence) -> str:
    """Whether McNemar's test tells the model from always saying the class of most examples."""
    if evidence.largest_class is None:
        return ""
    name, share, is_better = evidence.largest_class
    always = f"always saying “{name}”, which would be right on {percent(share)}"
    if is_better is None:
        return f"It is not shown to be better than {always}."
    return f"That is {'better' if is_better else 'worse'} than {always}."


def too_few_examples(evidence: Evidence) -> str:
    """Where the interval of the accuracy is wider than ten points; says how many examples would do."""
    if evidence.shown is None:
        return ""
    figures = evidence.figures[evidence.shown]
    low, high = figures["accuracy_interval"]
    if high - low <= WIDE:
        return ""
    few = _count(figures["examples"], f"{evidence.shown} picture is", f"{evidence.shown} pictures are")
    return (
        f"{few} too few to know it well: the interval is {_points(high - low)} wide, where about "
        f"{enough(figures['accuracy']):,} would make it {_points(WIDE)}."
    )


def enough(accuracy: float) -> int:
    """The examples from which on the interval of that accuracy is no wider than ten points."""
    counts = range(1, 1000)  # 381 do for the widest interval, that of a half
    return next(n for n in counts if np.diff(wilson_interval(round(accuracy * n), n)) <= WIDE)


def little_tested(evidence: Evidence) -> str:
    """Where classes have too few examples for figures of their own, or none."""
    if evidence.predicted is None:
        return ""
    support, words = evidence.predicted.confusion.sum(axis=1), []
    none, few = int(np.sum(support == 0)), int(np.sum((support > 0) & (support < FEW)))
    if none:
        words.append(f"{none} of {len(support)} classes {_has(none)} no {evidence.shown} picture: nothing is known of "
                     f"{'it' if none == 1 else 'them'}")  # fmt: skip
    if few:
        words.append(f"{few} of {len(support)} classes {_has(few)} fewer than {FEW} {evidence.shown} pictures, too "
                     "few for figures of their own")  # fmt: skip
    return "; ".join(words) + "." if words else ""


def weak_classes(evidence: Evidence) -> str:
    """Classes that are found less often than the average, by the exact binomial test."""
    weak = evidence.weak_classes
    if not weak:
        return ""
    shown = [f"“{name}” ({percent(one.recall)}, {percent_interval(one.recall_interval)})"
             for name, one in weak[:MOST_NAMES]]  # fmt: skip
    rest = f" and {len(weak) - len(shown)} more" if len(weak) > len(shown) else ""
    return f"Found less often than the average: {', '.join(shown)}{rest}."


def small_classes(evidence: Evidence) -> str:
    """Where the classes with few training examples do worse, by Newcombe's interval."""
    halves = evidence.small_classes
    if halves is None or halves.interval[0] <= 0:
        return ""
    return (
        f"Classes with few training pictures do worse: of the {halves.classes} with at most {halves.limit:,}, "
        f"{percent(halves.small)} are right, of the others {percent(halves.large)}, a gap of {_gap(halves)}."
    )


def worse_slices(evidence: Evidence) -> str:
    """Slices whose interval, corrected for so many, lies below the accuracy."""
    worse = [row for row in evidence.slices if row.verdict == WORSE]
    if not worse:
        return ""
    worse.sort(key=lambda row: float(row.accuracy))
    shown = [f"{row.column} “{row.slice}” ({percent(float(row.accuracy))}, "
             f"{percent_interval((float(row.low), float(row.high)))})" for row in worse[:MOST_NAMES]]  # fmt: skip
    rest = f" and {len(worse) - len(shown)} more slices" if len(worse) > len(shown) else ""
    return f"Worse than the whole where pictures are alike: {', '.join(shown)}{rest}."


def confuses_most(evidence: Evidence) -> str:
    """The most frequent mistake with the interval of its rate, where it was made more than once, and none as often."""
    if evidence.predicted is None:
        return ""
    confusion, names = evidence.predicted.confusion, evidence.predicted.class_names
    pairs = confusion_pairs(confusion, 2)
    if not pairs:
        return ""
    true, taken, count = pairs[0].true, pairs[0].predicted, pairs[0].examples
    if count == 1:
        return "No mistake was made twice: which classes it confuses cannot be said."
    as_often = "One of the most frequent mistakes" if pairs[-1].examples == count and len(pairs) > 1 else ""
    support = int(confusion[true].sum())
    return (
        f"{as_often or 'The most frequent mistake'} takes “{names[true]}” for “{names[taken]}”: {count:,} of "
        f"{support:,} pictures, {percent(count / support)} ({percent_interval(wilson_interval(count, support))})."
    )


def overfits(evidence: Evidence) -> str:
    """Whether train's accuracy is above that of validation, by Newcombe's interval of their gap."""
    if evidence.gap is None:
        return ""
    other, low = evidence.gap.other, evidence.gap.interval[0]
    accuracies = " and ".join(f"{percent(evidence.figures[name]['accuracy'])} of {name}" for name in ("train", other))
    words = f"{accuracies} are right, a gap of {_gap(evidence.gap)}"
    if low <= 0:
        return f"No overfitting shows: {words}."
    return f"It overfits{'' if low > MUCH else ' a little'}: {words}."


def end_of_training(evidence: Evidence) -> str:
    """How the validation loss went over the last third of the epochs, by Mann's test and by a twentieth at least."""
    if not evidence.history or evidence.history[-1]["validation_loss"] is None:
        return ""
    if evidence.course is None:
        epochs = _count(len(evidence.history), "epoch is", "epochs are")
        return f"{epochs} too few to tell whether it still improves." if len(evidence.history) < FEWEST else ""
    went, epochs, before, after = evidence.course
    change = f"over the last {epochs} epochs, from {number(before, 3)} to {number(after, 3)}"
    return {
        "fell": f"It still improved at the end: the validation loss fell {change}.",
        "rose": f"It got worse at the end: the validation loss rose {change}.",
        "level": f"At the end the validation loss neither fell nor rose clearly, {change}.",
    }[went]


def best_was_early(evidence: Evidence) -> str:
    """Where the best epoch lies in the first half of ten epochs or more."""
    best, epochs = evidence.results.get("best_epoch"), len(evidence.history)
    if not best or epochs < 10 or best > epochs / 2:
        return ""
    return f"The best epoch, which is the exported one, was {best} of {epochs}."


def calibrated(evidence: Evidence) -> str:
    """Whether chance explains the calibration error; if not, to which side the probabilities are off."""
    if evidence.calibration is None:
        return ""
    found = evidence.calibration
    by_chance = (
        f"the calibration error is {number(found.error, 3)}, where chance alone gives a perfectly calibrated model "
        f"{number(found.by_chance, 3)} on these pictures, and less than {number(found.bound, 3)} in 95 of 100 cases"
    )
    if found.holds:
        return f"Its probabilities are not shown to be off: {by_chance}."
    return f"Its probabilities are off: {by_chance}.{_side(evidence)}"


def _side(evidence: Evidence) -> str:
    right = int(np.trace(evidence.predicted.confusion))
    low, high = wilson_interval(right, len(evidence.predicted.labels), NORMAL_95)
    confidence = evidence.calibration.confidence
    if low <= confidence <= high:
        return ""
    return (
        f" It is too {'sure' if confidence > high else 'unsure'}: it gives its answers {percent(confidence)} on "
        f"average, and {percent(right / len(evidence.predicted.labels))} of them are right."
    )


def input_kept_up(evidence: Evidence) -> str:
    """What the run measured of its input."""
    words = evidence.results.get("input_bottleneck") or ""
    return words[:1].upper() + words[1:] + "." if words else ""


def _gap(found: Gap | Halves) -> str:
    low, high = found.interval
    return f"{_points(found.gap)} (95% interval {100 * low:.1f} to {100 * high:.1f})"


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f} points"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


RULES = (reaches, copies, beats_largest_class, too_few_examples, weak_classes, small_classes, worse_slices,
         confuses_most, little_tested, overfits, end_of_training, best_was_early, calibrated,
         input_kept_up)  # fmt: skip
