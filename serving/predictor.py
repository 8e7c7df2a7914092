"""A SavedModel -> class and probabilities of files and folders of pictures."""

import dataclasses
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from base.errors import BadImage, UserError, one_line
from base.files import read_file
from base.places import check_plain, is_saved_model
from pipeline.decoding.reasons import reason_of
from pipeline.sources.headers import HEADER_BYTES, read_header
from pipeline.sources.names import SYSTEM_FOLDERS
from pipeline.sources.picture_like import begins_as_picture, is_picture_name
from pipeline.sources.walk import UNREADABLE
from records.run_folder import RunFolder
from records.tables import AnswerRow
from serving.seal import check_seal

_BATCH = 32
_BATCH_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One file's result: `probabilities` float32 [classes] and the class, or the `reason` why there is none."""

    path: bytes
    class_name: str = ""
    probability: float = 0.0
    probabilities: np.ndarray | None = None
    reason: str = ""

    def line(self) -> str:
        """path, class and probability, or path and reason, with tabs between them; odd bytes are escaped."""
        path = one_line(self.path)
        return f"{path}\t{self.reason}" if self.reason else f"{path}\t{self.class_name}\t{self.probability:.4f}"

    def row(self) -> AnswerRow:
        """The same, with all probabilities, for a table."""
        return AnswerRow(os.fsdecode(self.path), self.class_name, self.probability, self.probabilities, self.reason)


class Predictor:
    """A loaded SavedModel of Penstock's: its `class_names`, and in words its `decision`, empty where it answers the
    likeliest class."""

    def __init__(self, saved_model_dir: Path):
        """Raises UserError where there is no SavedModel, or it is not one that Penstock exported."""
        if not is_saved_model(saved_model_dir):
            raise UserError(f"{str(saved_model_dir)!r} is not a SavedModel: it must hold saved_model.pb")
        check_seal(saved_model_dir)
        try:
            # Kept whole: the signatures hold the loaded object's variables only weakly.
            self._loaded = tf.saved_model.load(str(saved_model_dir))
            self._endpoint = self._loaded.signatures["serving_default"]
            self.class_names = [name.decode() for name in self._loaded.class_names().numpy().tolist()]
            has_decision = hasattr(self._loaded, "decision")  # an export of before has none
            self.decision = self._loaded.decision().numpy().decode() if has_decision else ""
        except (OSError, ValueError, KeyError, AttributeError, TypeError, tf.errors.OpError) as error:
            first = (str(error).splitlines() or [""])[0]
            raise UserError(f"{str(saved_model_dir)!r} is not a SavedModel that Penstock exported: {first}") from None

    def predict(self, paths: Sequence[bytes]) -> Iterator[Prediction]:
        """A Prediction a file, in order; a file that cannot be decoded gives its reason and disturbs no other."""
        waiting, held_bytes = [], 0
        for path in paths:
            waiting.append((path, *read_picture(path)))
            held_bytes += len(waiting[-1][1])
            if len(waiting) == _BATCH or held_bytes > _BATCH_BYTES:
                yield from self._predict_batch(waiting)
                waiting, held_bytes = [], 0
        yield from self._predict_batch(waiting)

    def probabilities(self, contents: Sequence[bytes]) -> np.ndarray:
        """float32 [n, classes] of n encoded pictures; raises tf.errors.InvalidArgumentError for a bad one."""
        return self._endpoint(image_bytes=tf.constant(contents))["probabilities"].numpy()

    def _predict_batch(self, files: Sequence[tuple[bytes, bytes, str]]) -> list[Prediction]:
        contents = {path: content for path, content, reason in files if not reason}
        results = self._classify(list(contents), contents) if contents else {}
        return [results[path] if path in results else Prediction(path, reason=reason) for path, _, reason in files]

    def _classify(self, paths: list[bytes], contents: dict[bytes, bytes]) -> dict[bytes, Prediction]:
        try:
            outputs = self._endpoint(image_bytes=tf.constant([contents[path] for path in paths]))
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            if len(paths) == 1:
                return {paths[0]: Prediction(paths[0], reason=reason_of(error))}
            # Some picture of the batch is bad; one at a time, the others get their answer.
            return {path: result for one in paths for path, result in self._classify([one], contents).items()}
        columns = (outputs[name].numpy() for name in ("class_name", "probability", "probabilities"))
        answers = zip(paths, *columns, strict=True)
        return {path: Prediction(path, name.decode(), float(sure), row) for path, name, sure, row in answers}


def read_picture(path: bytes) -> tuple[bytes, str]:
    """(a file's content, ""), or (b"", why it gives none that could be a picture)."""
    try:
        content, _ = read_file(path)
        read_header(content)
    except OSError as error:
        return b"", f"{UNREADABLE}: {error.strerror}"
    except BadImage as error:
        return b"", str(error)
    return content, ""


def find_saved_model(place: Path) -> Path:
    """The SavedModel of a run folder, or `place` itself; raises UserError where there is neither."""
    if not place.exists():
        raise UserError(f"{str(place)!r} does not exist: give a run folder, as runs/catdog/..., or a SavedModel")
    if not place.is_dir():
        raise UserError(
            f"{str(place)!r} is a file: give a run folder, or the SavedModel folder of a run; .keras and .h5 models "
            "are programs, and are not loaded"
        )
    check_plain("--run", place)
    for candidate in (place, RunFolder(place).saved_model):
        if is_saved_model(candidate):
            return candidate
    raise UserError(f"{str(place)!r} holds no SavedModel: the run has not finished, or it is another folder")


def find_pictures(places: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """(files as given, and the pictures under the folders given, sorted; what else lies under these).

    Hidden files are passed over. A link to a folder, or a folder that cannot be read, is among the pictures: the
    predictor says so of it. Raises UserError for a place that does not exist.
    """
    found: list[bytes] = []
    aside: list[bytes] = []
    for place in places:
        path = os.fsencode(place)
        if not os.path.lexists(path):
            raise UserError(f"{place!r} does not exist: give pictures or folders of pictures")
        for file in sorted(_walk(path)) if os.path.isdir(path) else ():
            (found if _is_meant(file) else aside).append(file)
        found += [] if os.path.isdir(path) else [path]
    return found, aside


def _is_meant(path: bytes) -> bool:
    """Whether a file is meant as a picture, as `pipeline.sources.index` judges it."""
    if is_picture_name(path) or os.path.isdir(path):
        return True
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(64)
            return begins_as_picture(head) or _has_header(head + file.read(HEADER_BYTES))
    except OSError:
        return False


def _has_header(content: bytes) -> bool:
    try:
        read_header(content)
    except BadImage:
        return False
    return True


def _walk(folder: bytes) -> Iterator[bytes]:
    pending = [folder]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(b".")]
        except OSError:
            yield folder
            continue
        folders = [entry for entry in shown if entry.is_dir(follow_symlinks=False)]
        pending += [entry.path for entry in folders if entry.name.lower() not in SYSTEM_FOLDERS]
        yield from (entry.path for entry in shown if not entry.is_dir(follow_symlinks=False))
