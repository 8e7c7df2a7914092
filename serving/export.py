"""The SavedModel: raw image bytes in, class names out; proved equal to the evaluation path before it gets its name."""

import contextlib
import dataclasses
import errno
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base import durable, kill_points
from evaluation.decisions import LIKELIEST, Decision
from evaluation.probabilities import make_predictor
from pipeline.augment.scale import to_float
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.manifest import Manifest
from serving.seal import write_seal

# Both sides are float32 on one machine; only the batch's size, and so the order of some sums, may differ.
PARITY_TOLERANCE = 1e-5
_PARITY_BATCH = 32
_NOTHING = "nothing was exported"


class ExportError(Exception):
    """The exported model does not give what evaluation gave."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """Real examples and what evaluation says of them.

    Attributes:
      example_ids: int64 [n], in `manifest`.
      expected: float32 [n, classes], the evaluation path's probabilities.
      decoded: stored pixels by id, of examples whose files have changed since they were packed.
      decision: which class the probabilities come to.
    """

    manifest: Manifest
    example_ids: np.ndarray
    expected: np.ndarray
    decoded: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)
    decision: Decision = LIKELIEST

    def content(self, example_id: int) -> bytes:
        """The bytes to send for an example."""
        if example_id not in self.decoded:
            return self.manifest.read(example_id)
        # A PNG gives its pixels back as they are, and one of the size that is wanted is not resized.
        return tf.io.encode_png(self.decoded[example_id]).numpy()


class ScoredModel(tf.Module):
    """A model's probabilities, as evaluation computes them and as they are exported."""

    def __init__(self, model: keras.Model, flips: bool = False):
        """`model` must be built under the float32 policy; `flips` as of `make_predictor`.

        `predict` is its `evaluation.probabilities.make_predictor`: what is exported is the very function by which it is
        scored, and a network is traced once. A concrete function, since any other is traced again to be saved.
        `logit_scale`, float32 [], is 1 over the temperature, 1 where none was fitted.
        """
        super().__init__(name="scored")
        self.logit_scale = tf.Variable(1.0, trainable=False, name="logit_scale")
        self.predict = make_predictor(model, flips, self.logit_scale).get_concrete_function()
        self._weights = [variable.value for variable in model.variables]


class ServedModel(tf.Module):
    """Preprocessing, network and class names in one SavedModel that needs nothing but TensorFlow to load."""

    def __init__(
        self, scored: ScoredModel, class_names: Sequence[str], pixel_format: PixelFormat, decision: Decision = LIKELIEST
    ):
        """`scored` holds what is exported; `decision` says which class its probabilities come to."""
        super().__init__(name="penstock")
        self._scored = scored  # whose variables are saved with this
        images = tf.TensorSpec([None, *pixel_format.shape], tf.as_dtype(pixel_format.dtype), name="images")
        names, words = tf.constant(list(class_names)), tf.constant(decision.words(class_names))

        def classify(pixels):
            # oneDNN's convolutions fail on a batch of none: a black picture is added to that, and its row is dropped.
            # To add it, or nothing, also refuses pictures of another size, which a signature does not, and which a
            # network takes for what they are not. TensorFlow Lite has these ops; it has no EnsureShape or Pad of bytes.
            count = tf.shape(pixels)[0]
            black = tf.zeros([1, *pixel_format.shape])[: tf.cast(tf.equal(count, 0), tf.int32)]
            floats = tf.concat([to_float(pixels, pixel_format.full_scale), black], axis=0)
            rows = scored.predict(floats)[:count]
            classes, probability = _answers(rows, decision)
            return {"class_name": tf.gather(names, classes), "probability": probability, "probabilities": rows}

        # The input is named image_bytes because TensorFlow Serving's REST interface decodes base64 for names that
        # end in _bytes, and for no others.
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False)
        def decode(image_bytes):
            spec = tf.TensorSpec(pixel_format.shape, images.dtype)
            return tf.map_fn(lambda content: decode_image(content, pixel_format), image_bytes, fn_output_signature=spec)

        @tf.function(input_signature=decode.input_signature, autograph=False)
        def classify_bytes(image_bytes):
            return classify(self.decode(image_bytes))

        classify_images = tf.function(classify, input_signature=[images], autograph=False)
        # The two halves of serving_default are at hand by themselves, for what is done to pictures between them.
        self.decode = decode.get_concrete_function()
        self.full_scale = tf.function(
            lambda: pixel_format.full_scale, input_signature=[], autograph=False
        ).get_concrete_function()
        self.serving_default = classify_bytes.get_concrete_function()
        self.serve_images = classify_images.get_concrete_function()
        self.class_names = tf.function(lambda: names, input_signature=[], autograph=False).get_concrete_function()
        self.decision = tf.function(lambda: words, input_signature=[], autograph=False).get_concrete_function()


def _answers(rows: tf.Tensor, decision: Decision) -> tuple[tf.Tensor, tf.Tensor]:
    """(class numbers [n], as `Decision.answers`; their probabilities, float32 [n])."""
    if decision.threshold is None:
        return tf.argmax(rows, axis=-1), tf.reduce_max(rows, axis=-1)
    called = rows[:, decision.positive] >= decision.threshold
    classes = tf.where(called, decision.positive, 1 - decision.positive)
    return classes, tf.gather(rows, classes, batch_dims=1)


def export_model(path: Path, served: ServedModel, proof: Proof) -> float:
    """Writes the SavedModel to `path`, sealed, whole or not at all; returns the proof's largest probability difference.

    Raises ExportError where the reloaded model differs from evaluation, durable.WriteError where it cannot be written;
    both leave what was at `path`.
    """
    signatures = {"serving_default": served.serving_default, "serve_images": served.serve_images}
    with durable.whole_directory(path) as temporary:
        try:
            with _temporaries_beside(path):
                tf.saved_model.save(served, str(temporary), signatures=signatures)
        except tf.errors.OpError as error:
            if storage_error := _storage_error(error):
                raise storage_error from error
            raise
        write_seal(temporary)
        kill_points.reach("export.saved")
        difference = _prove(temporary, proof)
        kill_points.reach("export.proved")
        return difference


def _storage_error(error: tf.errors.OpError) -> OSError | None:
    """The operating system's error that TensorFlow tells as one of its own, by the system's words for it."""
    numbers = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)
    return next((OSError(number, os.strerror(number)) for number in numbers if os.strerror(number) in str(error)), None)


@contextlib.contextmanager
def _temporaries_beside(path: Path) -> Iterator[None]:
    """TensorFlow's saver leaves a file in the machine's temporary folder if it is killed; here the next run sweeps."""
    with tempfile.TemporaryDirectory(prefix=durable.temporary_prefix(path), dir=path.parent) as place:
        before, tempfile.tempdir = tempfile.tempdir, place
        try:
            yield
        finally:
            tempfile.tempdir = before


def _prove(path: Path, proof: Proof) -> float:
    loaded = tf.saved_model.load(str(path))
    endpoint, names = loaded.signatures["serving_default"], loaded.class_names().numpy()
    largest = 0.0
    for start in range(0, len(proof.example_ids), _PARITY_BATCH):
        ids = proof.example_ids[start : start + _PARITY_BATCH].tolist()
        contents = [proof.content(example_id) for example_id in ids]
        outputs = endpoint(image_bytes=tf.constant(contents))
        served = outputs["probabilities"].numpy()
        expected = proof.expected[start : start + _PARITY_BATCH]
        differences = np.abs(served - expected).max(axis=1)
        worst = int(differences.argmax())
        # `not <=` and not `>`: a NaN must not pass.
        if not differences[worst] <= PARITY_TOLERANCE:
            raise ExportError(
                f"the exported model says {served[worst]} of {proof.manifest.shown_path(ids[worst])!r} where "
                f"evaluation said {expected[worst]}: more than {PARITY_TOLERANCE} apart; {_NOTHING}"
            )
        if (outputs["class_name"].numpy() != names[proof.decision.answers(served)]).any():
            raise ExportError(f"the exported model names other classes than its probabilities come to; {_NOTHING}")
        largest = max(largest, float(differences[worst]))
    return largest
