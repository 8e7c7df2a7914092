"""The report of a data set that nothing was trained on yet: one HTML page that needs no other file, as a run's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from base.splits import SPLIT_NAMES
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.contact_sheet import Sheet
from reports.numbers import duration, number
from reports.page import data_figures, environment, shown_sheet, test_figures


def render_data_report(
    *,
    dataset: str,
    data_origin: str,
    class_names: Sequence[str],
    split: Sequence[SplitRow],
    quarantine: Sequence[RefusedRow],
    aside: Sequence[RefusedRow],
    notes: Sequence[str],
    sheets: tuple[Sheet, Sheet],
    probe: Mapping[str, Any],
    predictions: Sequence[PredictionRow],
) -> str:
    """The page, as HTML: `probe` is what probe.json holds, empty without one, `predictions` are of its examples;
    `sheets` are of examples and of augmented examples."""
    return environment().get_template("data_page.html").render(
        dataset=dataset.rstrip("/").rpartition("/")[2] or dataset,
        full_dataset=dataset,
        data_origin=data_origin,
        class_names=class_names,
        split_names=SPLIT_NAMES,
        data=data_figures(split, quarantine, class_names) | {"aside": aside},
        results={"notes": notes},
        sheets=[shown_sheet(sheet) for sheet in sheets],
        probe=probe,
        facts=list(_facts(probe)) if probe else [],
        test=test_figures(predictions, class_names),
        scored="probed",
    )  # fmt: skip


def _facts(probe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How the probe was made, in words."""
    yield "model", probe["model"]
    yield "picture", "{} x {} pixels".format(*map(number, probe["image_size"]))
    yield "folds", number(probe["folds"])
    strengths = sorted(set(probe["strengths"]))
    yield "strengths chosen (C)", ", ".join(f"{strength:.2g}" for strength in strengths)
    features, more = (duration(probe["seconds"][part]) for part in ("features", "probe"))
    yield "duration", f"{features} for features, {more} for the folds"
    yield "largest class", f"{probe['largest_class']['name']}, {probe['largest_class']['share']:.4f} of the pictures"
    yield "weights", probe["weights"]
    yield "versions", ", ".join(f"{name} {version}" for name, version in probe["versions"].items())
