"""Files and folders of pictures -> class and probability, from a run folder or a bare SavedModel.

python predict.py --run=runs/catdog/2026-01-31-120000 holiday.jpg pictures/
"""

import os
from pathlib import Path

from cli import start
from cli.start import flags
from records.predictions import ANSWERS_BEGINNING, write_answers


def define_flags(values: flags.FlagValues) -> None:
    """predict.py's flags."""
    flags.DEFINE_string("run", None, "a run folder, or a SavedModel that a run exported", flag_values=values)
    flags.DEFINE_string(
        "csv", None, "write path, class, probability and all probabilities there too", flag_values=values
    )


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags and paths -> a line a picture; exit code 2 where a picture could not be classified."""
    from base.errors import UserError
    from base.places import naming, sweep

    if not values.run:
        raise UserError("--run is missing: a run folder, as runs/catdog/..., or a SavedModel")
    if not arguments:
        raise UserError("no picture is given: name files or folders after the flags")

    table = _place_of_table(start.path_of(values.csv)) if values.csv else None
    start.import_tensorflow()
    from serving.predictor import Predictor, find_pictures, find_saved_model

    saved_model, pictures = find_saved_model(start.path_of(values.run)), find_pictures(arguments)
    if table and table.exists():  # of an earlier call, among the pictures
        pictures = [path for path in pictures if not (os.path.exists(path) and os.path.samefile(path, table))]
    if not pictures:
        raise UserError(f"{arguments[0]!r} holds no file: give pictures or folders of pictures")
    predictor = Predictor(saved_model)
    predictions = []
    for prediction in predictor.predict(pictures):
        predictions.append(prediction)
        start.put(prediction.line())
    if table:
        with naming("--csv", table, "file"):
            sweep(table)
            write_answers(table, predictor.class_names, [prediction.row() for prediction in predictions])
    failed = [prediction for prediction in predictions if prediction.reason]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(predictions)} files could not be classified; the first: {failed[0].line()}"
        )


def _place_of_table(path: Path) -> Path:
    """Where the table goes: to `path`, or to what that is a link to.

    Raises UserError where it cannot be written, or what it would replace is no table of predictions. A forgotten name
    would make the first picture the table: `--csv *.jpg`.
    """
    from base.errors import UserError
    from base.places import check_writable, naming

    with naming("--csv", path, "file"):
        check_writable(path)
        place = Path(os.path.realpath(path))
        check_writable(place)
        if not place.exists():
            return place
        with open(place, "rb") as file:
            beginning = file.read(len(ANSWERS_BEGINNING))
    if beginning not in (ANSWERS_BEGINNING, b""):
        raise UserError(f"--csv={path} is there and is no table of predictions: give another file")
    return place


if __name__ == "__main__":
    start.run(define_flags, main)
