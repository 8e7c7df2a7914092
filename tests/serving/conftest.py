"""A small exported model of real pictures, for the tests of what is exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation.probabilities import make_predictor
from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from serving.export import Proof, ScoredModel, ServedModel, export_model
from tests.helpers.run_fixtures import SHAPES, shape_picture


def small_format() -> PixelFormat:
    return PixelFormat.square(16, 1, 16, 4095)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(exported folder, its ServedModel and Proof, the proof's difference): two classes, 16 bits, gray."""
    keras.config.set_dtype_policy("float32")
    folder, pixel_format, full_scale = tmp_path_factory.mktemp("small"), small_format(), 4095
    model = build_model(ModelOptions("catdog_1", filters=(4,), units=5), 1, 2, pixel_format.shape)
    images, labels = [], np.arange(40) % 2
    for number, label in enumerate(labels):
        path = folder / "pictures" / f"class_{label}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = shape_picture(SHAPES[number % 3], number)[..., :1].astype(np.uint16) * 16
        path.write_bytes(tf.io.encode_png(picture).numpy())
        pixels = decode_image(tf.constant(path.read_bytes()), pixel_format).numpy()
        images.append(pixels.astype(np.float32) / full_scale)
    manifest = build_index(catalog_of_folder(folder / "pictures"), folder / "cache", 2)
    ids = np.array(
        [[*manifest.paths].index(b"class_%d/%02d.png" % (label, number)) for number, label in enumerate(labels)]
    )
    proof = Proof(manifest, ids, make_predictor(model)(tf.constant(np.stack(images))).numpy())
    served_model = ServedModel(ScoredModel(model), ["no", "y\u00e9s"], pixel_format)
    return folder / "out", served_model, proof, export_model(folder / "out", served_model, proof)
