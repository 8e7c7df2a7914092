"""The report of a finished run: one HTML page that needs no other file, no script and no network.

It draws what it is given. Names of classes and files are the user's: the template escapes every one, and `_visible`
writes out what no page can hold.
"""

import dataclasses
import datetime
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from base.splits import SPLIT_NAMES
from evaluation.metrics import balanced_accuracy, class_figures, confusion_matrix, confusion_pairs
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.plots import PIXELS_PER_INCH, displayable, plot_confusion, plot_curves, png_data_uri, png_pixels

MAX_PAIRS = 12
MAX_MISTAKE_SIDE = 224  # pixels; larger pictures are reduced, to keep the page at a few megabytes

# Bytes that are no UTF-8 (surrogate escapes), control characters, and those that turn the direction of what follows.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_FACTS = {"dataset", "model", "data_origin", "class_names", "best_epoch", *SPLIT_NAMES}


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """A test example of class `label` that was taken for `prediction`."""

    path: str  # bytes that are no UTF-8 as surrogate escapes
    label: str
    prediction: str
    probability: float  # what the model gave that prediction, in [0, 1]
    image: np.ndarray  # [height, width, channels] uint8, 1 or 3 channels


def render_report(
    *,
    results: Mapping[str, Any],
    history: Sequence[Mapping[str, float | None]],
    predictions: Sequence[PredictionRow],
    split: Sequence[SplitRow],
    quarantine: Sequence[RefusedRow],
    options: Mapping[str, Any],
    command: str,
    aside: Sequence[RefusedRow] = (),
    mistakes: Sequence[Mistake] = (),
    sheets: tuple[bytes | None, bytes | None] = (None, None),
) -> str:
    """The page, as HTML, of what a run's files hold: `results` results.json, `history` history.csv, and so on.

    `predictions` are of the test examples, `mistakes` the worst ones, worst first; `command` starts the run again;
    `sheets` are PNGs of examples and of augmented examples. Raises ValueError where `predictions` name a class that
    `results` do not.
    """
    return _environment().get_template("page.html").render(
        results=results,
        split=next((name for name in reversed(SPLIT_NAMES) if results.get(name)), None),
        split_names=SPLIT_NAMES,
        facts=_facts(results),
        history=history,
        curves=_curves(history, results.get("best_epoch")) if history else None,
        test=_test_figures(predictions, results["class_names"]),
        mistakes=[_shown_mistake(mistake) for mistake in mistakes],
        data=_data_figures(split, quarantine, results["class_names"]) | {"aside": aside},
        sheets=[None if png is None else _picture(png) for png in sheets],
        options=list(_flattened(options)),
        command=command,
    )  # fmt: skip


def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, finalize=_visible, trim_blocks=True
    )
    environment.filters |= {"percent": _percent, "interval": _interval, "plain": _plain}
    return environment


def _test_figures(rows: Sequence[PredictionRow], class_names: Sequence[str]) -> dict | None:
    """The test split as counted from its predictions; None where there is none."""
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = {name for row in rows for name in (row.label, row.prediction)} - set(numbers)
    if unknown:
        raise ValueError(f"a prediction names the class {min(unknown)!r}, the results do not: both must be of one run")
    if not rows:
        return None
    labels, predictions = np.array([(numbers[row.label], numbers[row.prediction]) for row in rows]).T
    confusion = confusion_matrix(labels, predictions, len(class_names))
    return {
        "examples": len(rows),
        "right": int(np.trace(confusion)),
        "balanced_accuracy": balanced_accuracy(confusion),
        "picture": _themed(lambda dark: plot_confusion(confusion, class_names, dark=dark)),
        "classes": list(zip(class_names, class_figures(confusion), strict=True)),
        "pairs": [
            (class_names[pair.true], class_names[pair.predicted], pair.examples, int(confusion[pair.true].sum()))
            for pair in confusion_pairs(confusion, MAX_PAIRS)
        ],
    }


def _data_figures(split_rows: Sequence[SplitRow], quarantine: Sequence[RefusedRow], class_names: Sequence[str]) -> dict:
    """Examples a class and split, files whose content is in two splits or classes, and the quarantine list."""
    counts, twins = Counter(), {"split": defaultdict(Counter), "label": defaultdict(Counter)}
    for row in split_rows:
        counts[row.label, row.split] += 1
        for column, values in twins.items():
            values[row.sha256][getattr(row, column)] += bool(row.sha256)
    rows = [(name, [counts[name, split] for split in SPLIT_NAMES]) for name in class_names]
    return {
        "rows": rows,
        "totals": np.array([row for _, row in rows]).sum(axis=0).tolist(),
        "shared": sum(splits.total() for splits in twins["split"].values() if len(splits) > 1),
        "contradicting": sum(labels.total() for labels in twins["label"].values() if len(labels) > 1),
        "refused": quarantine,
    }


def _facts(results: dict) -> list[tuple[str, str]]:
    """What results.json says of the run besides its scores, in words; unknown keys come last, as they are."""
    worded = {
        "epochs": ("epochs", lambda value: f"{value}, best: {results.get('best_epoch') or '–'}"),
        "steps": ("steps", _plain),
        "seconds": ("duration", lambda value: str(datetime.timedelta(seconds=round(value)))),
        "starts": ("starts", _plain),
        "images_per_second": ("images per second", lambda value: f"{value:,.0f}"),
        "input_wait_fraction": ("input wait", lambda value: f"{_percent(value)} of the training time"),
        "parameters": ("parameters", _plain),
        "precision": ("precision", str),
        "strategy": ("strategy", str),
        "seed": ("seed", str),
        "quarantined": ("quarantined files", _plain),
        "left_aside": ("files not used", _plain),
        "versions": ("versions", lambda value: ", ".join(f"{name} {value[name]}" for name in value)),
        "weights_sha256": ("weights SHA-256", str),
    }  # fmt: skip
    known = [(label, word(results[key])) for key, (label, word) in worded.items() if results.get(key) is not None]
    others = {key: value for key, value in results.items() if key not in worded.keys() | _NOT_FACTS}
    facts = known + [(name.replace("_", " "), text) for name, text in _flattened(others)]
    return sorted(facts, key=lambda fact: len(fact[1]) > 48)  # the long ones fill a row each, below the grid


def _shown_mistake(mistake: Mistake) -> dict:
    image = Image.fromarray(displayable(mistake.image[None])[0])
    image.thumbnail((MAX_MISTAKE_SIDE, MAX_MISTAKE_SIDE))
    image.save(file := io.BytesIO(), "PNG")
    return {"says": mistake, "picture": _picture(file.getvalue()), "small": max(image.size) < 96}


def _curves(history: Sequence[dict], best_epoch: int | None) -> dict:
    return {
        name: _themed(lambda dark, stacked=stacked: plot_curves(history, best_epoch, dark=dark, stacked=stacked))
        for name, stacked in (("wide", False), ("narrow", True))
    }


def _themed(draw: Callable[[bool], bytes]) -> dict:
    return {"light": _picture(draw(False)), "dark": _picture(draw(True))}


def _picture(png: bytes) -> dict:
    height, width = png_pixels(png).shape[:2]
    css_width = round(width * 96 / PIXELS_PER_INCH)
    return {"uri": Markup(png_data_uri(png)), "width": width, "height": height, "css_width": css_width}


def _flattened(values: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _visible(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value

    def escape(match: re.Match) -> str:
        code = ord(match[0])
        # A surrogate escape stands for one byte: U+DCFF for 0xff.
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else match[0].encode("unicode_escape").decode()

    return _UNSHOWABLE.sub(escape, value)


def _percent(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "–"
    text = f"{100 * value:.{digits}f}"
    # 9,999 of 10,000 are not "100%", and one is not "0%".
    if 0 < value < 1 and float(text) in (0.0, 100.0):
        return f"<{10**-digits:.{digits}f}%" if value < 0.5 else f">{100 - 10**-digits:.{digits}f}%"
    return f"{text}%"


def _interval(pair: Sequence[float] | None, digits: int = 1) -> str:
    return "–" if pair is None else f"{_percent(pair[0], digits)} to {_percent(pair[1], digits)}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
