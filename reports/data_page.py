"""The report of a data set that nothing was trained on yet: one HTML page that needs no other file, as a run's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.confusion_sections import confusion_sections
from reports.contact_sheet import Sheet
from reports.data_sections import data_figures, data_section, sheet_sections
from reports.numbers import duration, number
from reports.predicted import predicted_of
from reports.templates import Section, render_page


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
    more: Sequence[Section] = (),
) -> str:
    """The page, as HTML: `probe` is what probe.json holds, empty without one, `predictions` are of its examples, and
    `more` sections stand after them; `sheets` are of examples and of augmented examples."""
    predicted = predicted_of(predictions, class_names)
    return render_page(
        "data_page.html",
        [
            Section("headline", "Probe", "probe.html", {"probe": probe, "facts": list(_facts(probe)) if probe else []}),
            *(confusion_sections(predicted, "probed") if predicted else ()),
            *more,
            data_section(data_figures(split, class_names), quarantine, aside, notes),
            *sheet_sections(sheets),
        ],
        dataset=dataset.rstrip("/").rpartition("/")[2] or dataset,
        full_dataset=dataset,
        data_origin=data_origin,
        pictures=len(split),
        classes=len(class_names),
    )


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
