"""The report of a finished run: one HTML page that needs no other file, no script and no network.

It draws what it is given. Names of classes and files are the user's: the template escapes every one, and `_visible`
writes out what no page can hold.
"""

import dataclasses
import io
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from base.splits import SPLIT_NAMES
from evaluation.figures import WORDS
from evaluation.metrics import balanced_accuracy, class_figures, confusion_matrix, confusion_pairs
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.contact_sheet import Sheet, small
from reports.facts import OptionRow, facts_of, option_text
from reports.letters import drawable
from reports.numbers import date_and_time, number, percent, percent_interval
from reports.plots import PIXELS_PER_INCH, data_uri, displayable, first_of_all, plot_confusion, plot_curves

MAX_PAIRS = 12
PNG_MAX_SIDE = 96  # pixels; larger pictures are photographs, which JPEG keeps in a tenth of the bytes

# Bytes that are no UTF-8 (surrogate escapes), control characters, and those that turn the direction of what follows.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Where a name or a path may go on in another line; never within a number.
_BREAKABLE = re.compile(r"(?<=[/\\_:=@])(?=[^/\\_:=@\s])|(?<=[.,-])(?=[^\W\d])")
_LONG = 16  # letters of a name that may be broken within a word where nothing else helps


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
    run_path: Path,
    results: Mapping[str, Any],
    history: Sequence[Mapping],
    predictions: Sequence[PredictionRow],
    split: Sequence[SplitRow],
    quarantine: Sequence[RefusedRow],
    options: Sequence[OptionRow],
    command: str,
    aside: Sequence[RefusedRow] = (),
    mistakes: Sequence[Mistake] = (),
    sheets: tuple[Sheet | None, Sheet | None] = (None, None),
) -> str:
    """The page, as HTML, of what a run's files hold: `results` results.json, `history` history.csv, and so on.

    `predictions` are of the test examples, `mistakes` the worst ones, worst first; `command` starts the run again;
    `sheets` are of examples and of augmented examples. Raises ValueError where `predictions` name a class that
    `results` do not.
    """
    return environment().get_template("page.html").render(
        run_path=run_path.absolute(),
        results=results,
        dataset=results["dataset"].rstrip("/").rpartition("/")[2] or results["dataset"],
        split=next((name for name in reversed(SPLIT_NAMES) if results.get(name)), None),
        split_names=SPLIT_NAMES,
        facts=facts_of(results),
        ranking=_ranking(results.get("test") or {}),
        history=history,
        first_of_all=first_of_all(history),
        curves=_curves(history, results.get("best_epoch")) if history else None,
        test=test_figures(predictions, results["class_names"]),
        scored="test",
        mistakes=[(one, _small_picture(displayable(one.image[None])[0])) for one in mistakes],
        data=data_figures(split, quarantine, results["class_names"]) | {"aside": aside},
        sheets=[None if sheet is None else shown_sheet(sheet) for sheet in sheets],
        options=[(room, [(row.flag, option_text(row)) for row in rows])
                 for room, rows in itertools.groupby(options, lambda row: row.room)],
        command=command,
    )  # fmt: skip


def environment() -> jinja2.Environment:
    """Of the pages' templates, which stand beside this file."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, finalize=_visible, trim_blocks=True
    )
    environment.filters |= {"percent": percent, "interval": percent_interval, "number": number, "date": date_and_time,
                            "broken": _broken, "is_long": lambda name: len(name) > _LONG}  # fmt: skip
    return environment


def test_figures(rows: Sequence[PredictionRow], class_names: Sequence[str]) -> dict | None:
    """What was predicted of examples, as counted from their rows; None where there are none."""
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
        "numbered": any("\ufffd" in drawable(name) for name in class_names),
        "picture": _themed(lambda dark: plot_confusion(confusion, class_names, dark=dark)),
        "classes": list(zip(class_names, class_figures(confusion), strict=True)),
        "pairs": [
            (class_names[pair.true], class_names[pair.predicted], pair.examples, int(confusion[pair.true].sum()))
            for pair in confusion_pairs(confusion, MAX_PAIRS)
        ],
    }


def data_figures(split_rows: Sequence[SplitRow], quarantine: Sequence[RefusedRow], class_names: Sequence[str]) -> dict:
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


def shown_sheet(sheet: Sheet) -> dict:
    """A sheet with its pictures as the page has them."""
    bands = [(band, [(tile, _small_picture(tile.image)) for tile in band.tiles]) for band in sheet.bands]
    return {"bands": bands, "note": sheet.note}


def _ranking(figures: Mapping) -> list[tuple[str, str]]:
    """(words, value) of what the test split says besides its scores; a run of before has none."""
    known = {name: word for name, word in WORDS.items() if figures.get(name) is not None}
    return [
        (word, percent(figures[name], 2) if name.endswith("accuracy") else number(figures[name], 4))
        for name, word in known.items()
    ]


def _small_picture(pixels: np.ndarray) -> dict:
    image = Image.fromarray(small(pixels))
    is_small = max(image.size) <= PNG_MAX_SIDE
    settings = {"format": "png"} if is_small else {"format": "jpeg", "quality": 90, "subsampling": 0}
    image.save(file := io.BytesIO(), **settings)
    uri = Markup(data_uri(file.getvalue(), settings["format"]))
    return {"uri": uri, "width": image.width, "height": image.height, "small": is_small}


def _curves(history: Sequence[dict], best_epoch: int | None) -> dict:
    return {
        name: _themed(lambda dark, stacked=stacked: plot_curves(history, best_epoch, dark=dark, stacked=stacked))
        for name, stacked in (("wide", False), ("narrow", True))
    }


def _themed(draw: Callable[[bool], bytes]) -> dict:
    return {"light": _picture(draw(False)), "dark": _picture(draw(True))}


def _picture(png: bytes) -> dict:
    width, height = Image.open(io.BytesIO(png)).size  # of its header alone
    css_width = round(width * 96 / PIXELS_PER_INCH)
    return {"uri": Markup(data_uri(png)), "width": width, "height": height, "css_width": css_width}


def _broken(text: object) -> Markup:
    """A name or a path that goes on in another line between its parts, not within them, where there is room."""
    return Markup("<wbr>").join(_BREAKABLE.split(_visible(str(text))))


def _visible(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value

    def escape(match: re.Match) -> str:
        code = ord(match[0])
        # A surrogate escape stands for one byte: U+DCFF for 0xff.
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else match[0].encode("unicode_escape").decode()

    return _UNSHOWABLE.sub(escape, value)
