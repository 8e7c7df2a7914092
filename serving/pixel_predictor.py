"""A SavedModel in two parts: a file -> the pixels that the model is given, and such pixels -> its answer."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from base.errors import UserError
from pipeline.decoding.reasons import reason_of
from serving.predictor import Predictor, read_picture


class PixelPredictor(Predictor):
    """A loaded SavedModel of Penstock's, for whoever changes what lies between its parts.

    Attributes:
      full_scale: the stored value that is white to the model, as are larger ones.
      pixel_shape: (height, width, channels) of what it is given.
    """

    def __init__(self, saved_model_dir: Path):
        """Raises UserError as `Predictor`, and for a model of before it could be taken apart."""
        super().__init__(saved_model_dir)
        if not hasattr(self._loaded, "decode"):
            raise UserError(
                f"{str(saved_model_dir)!r} was exported by an earlier version, which gives no pixels: delete "
                "results.json in its run folder and give the run's train.py command again, which exports it anew"
            )
        self.full_scale = int(self._loaded.full_scale())
        images = self._loaded.signatures["serve_images"].structured_input_signature[1]["images"]
        self.pixel_shape = tuple(images.shape[1:])
        self._numbers = {name.encode(): number for number, name in enumerate(self.class_names)}

    def decode(self, path: bytes) -> tuple[np.ndarray | None, str]:
        """(pixels as the model is given them, [height, width, channels] uint8 or uint16; ""), or (None, the reason why
        there are none)."""
        content, reason = read_picture(path)
        if reason:
            return None, reason
        try:
            return self._loaded.decode(image_bytes=tf.constant([content])).numpy()[0], ""
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            return None, reason_of(error)

    def classify(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the class numbers answered, int64 [n]; probabilities, float32 [n, classes]) of pictures as `decode` gives
        them, [n, height, width, channels]."""
        outputs = self._loaded.signatures["serve_images"](images=tf.constant(images))
        names = outputs["class_name"].numpy().tolist()
        return np.array([self._numbers[name] for name in names], np.int64), outputs["probabilities"].numpy()


def open_predictor(saved_model_dir: Path) -> Predictor:
    """One that gives pixels, where the model does; raises UserError as `Predictor`."""
    try:
        return PixelPredictor(saved_model_dir)
    except UserError:
        return Predictor(saved_model_dir)  # of before, or none at all, which it says
