"""predict.py's flags, and the predictions that they ask for."""

import os
import sys

from absl import flags

from base.errors import UserError, one_line
from base.results import ResultFile
from cli import paths
from cli.quiet_import import import_tensorflow
from cli.streams import put
from records.tables import ANSWERS_BEGINNING, write_answers


def define_flags(values: flags.FlagValues) -> None:
    """predict.py's flags."""
    flags.DEFINE_string("run", None, "a run folder, or a SavedModel that a run exported", flag_values=values)
    flags.DEFINE_string(
        "csv", None, "write path, class, probability and all probabilities there too", flag_values=values
    )


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags and paths -> a line a picture; exit code 2 where a picture could not be classified."""
    if not values.run:
        raise UserError("--run is missing: a run folder, as runs/catdog/..., or a SavedModel; see --help")
    if not arguments:
        raise UserError("no picture is given: name files or folders after the flags; see --help")
    table = None
    if values.csv:
        # A forgotten name would make the first picture the table: --csv *.jpg.
        table = ResultFile("--csv", paths.path_of(values.csv), ANSWERS_BEGINNING, "table of predictions")
        table.check()
    import_tensorflow()
    from serving.predictor import Predictor, find_pictures, find_saved_model

    places = [place if os.path.lexists(place) else paths.expand_home(place) for place in arguments]
    saved_model = find_saved_model(paths.path_of(values.run))
    pictures, aside = find_pictures(places)
    if table and table.place.exists():  # of an earlier call, among the pictures
        pictures = [path for path in pictures if not (os.path.exists(path) and os.path.samefile(path, table.place))]
    if not pictures:
        raise UserError(f"{arguments[0]!r} holds no picture: give pictures or folders of pictures")
    predictor, predictions = Predictor(saved_model), []
    _note(predictor.decision)
    for prediction in predictor.predict(pictures):
        predictions.append(prediction)
        put(prediction.line())
    if table:
        with table.open() as path:
            write_answers(path, predictor.class_names, [prediction.row() for prediction in predictions])
    _note(f"{len(aside)} files are no pictures, and left aside, as {one_line(aside[0])}" if aside else "")
    failed = [prediction for prediction in predictions if prediction.reason]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(predictions)} files could not be classified; the first: {failed[0].line()}"
        )


def _note(text: str) -> None:
    """Says what is no answer where it cannot be taken for one."""
    if text:
        print(text, file=sys.stderr)
