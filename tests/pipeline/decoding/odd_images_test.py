"""Real odd files against their table: index, training, evaluation and the exported endpoint say the same of each."""

import csv
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.check import check_pictures
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_eval_dataset
from pipeline.pixels import StreamedPixels
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from serving.export import ScoredModel, ServedModel
from serving.predictor import Predictor
from serving.seal import write_seal
from tests.helpers.shared_data import ODD

FORMAT = PixelFormat.square(32)
# Decodable files that are refused, each with a word of its reason: TensorFlow has no TIFF decoder.
REFUSED = {"wrong_extension/tiff_named.jpg": "TIFF is not a format Penstock decodes: convert it to PNG"}


NO_PICTURE = "not a picture: none of the magic bytes of JPEG, PNG, GIF, BMP or WebP"


def rows() -> list:
    if not ODD.is_dir():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"no pictures at {ODD}"))]
    return [pytest.param(row, id=row["file"]) for row in csv.DictReader((ODD / "manifest.csv").open())]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[dict, dict]:
    """(pixels of the accepted files, reasons of the refused ones), by path: what training makes of the folder."""
    manifest = build_index(catalog_of_folder(ODD), tmp_path_factory.mktemp("cache"), 2)
    pixels = {}
    verdict = check_pictures(manifest, FORMAT, 2, lambda row, image: pixels.update({manifest.paths[row]: image}))
    aside = {path: NO_PICTURE for path, _ in manifest.aside}  # of which the other readers are handed the content
    reasons = (
        dict(manifest.quarantine) | aside | {manifest.paths[row]: reason for row, reason in verdict.refused.items()}
    )
    evaluated = make_eval_dataset(
        np.array([row for row in range(len(manifest)) if row not in verdict.refused]),
        StreamedPixels(manifest, FORMAT, 2), manifest.labels, batch_size=16,
    )  # fmt: skip
    for batch in evaluated.as_numpy_iterator():
        for row, image in zip(batch["example_id"], batch["image"], strict=True):
            expected = pixels[manifest.paths[row]].astype(np.float32) / 255
            np.testing.assert_allclose(image, expected, rtol=0, atol=1e-7)
    return pixels, reasons


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A tiny exported model's folder."""
    keras.config.set_dtype_policy("float32")
    model = build_model(ModelOptions("catdog_1", filters=(4,), units=5), 1, 3, FORMAT.shape)
    served = ServedModel(ScoredModel(model), ["a", "b", "c"], FORMAT)
    signatures = {"serving_default": served.serving_default, "serve_images": served.serve_images}
    path = tmp_path_factory.mktemp("exported")
    tf.saved_model.save(served, str(path), signatures=signatures)
    write_seal(path)
    return path


@pytest.fixture(scope="module")
def endpoints(exported):
    """(bytes -> probabilities or the error, [image] -> probabilities)."""
    loaded = tf.saved_model.load(str(exported))

    def from_bytes(content: bytes):
        try:
            return loaded.signatures["serving_default"](image_bytes=tf.constant([content]))["probabilities"].numpy()
        except tf.errors.InvalidArgumentError as error:
            return error

    def from_pixels(image: np.ndarray) -> np.ndarray:
        return loaded.signatures["serve_images"](images=tf.constant(image[None]))["probabilities"].numpy()

    from_bytes.keep = loaded  # the signatures hold its variables only weakly
    return from_bytes, from_pixels


@pytest.fixture(scope="module")
def predicted(exported) -> dict:
    """Prediction by path, of all the files in one call."""
    paths = [os.fsencode(path) for path in sorted(ODD.rglob("*")) if path.is_file()]
    return {os.path.relpath(one.path, os.fsencode(ODD)): one for one in Predictor(exported).predict(paths)}


@pytest.mark.parametrize("row", rows())
def test_all_four_say_the_same_of_an_odd_file(row, trained, endpoints, predicted):
    (pixels, reasons), (from_bytes, from_pixels), path = trained, endpoints, row["file"].encode()
    assert (path in pixels) != (path in reasons)
    if row["firm"] == "yes":
        expected = "reject" if row["file"] in REFUSED else row["expected"].split("-")[0]
        assert ("decode" if path in pixels else "reject") == expected
    served = from_bytes((ODD / row["file"]).read_bytes())
    if path in pixels:
        np.testing.assert_array_equal(served, from_pixels(pixels[path]))
        np.testing.assert_allclose(predicted[path].probabilities, served[0], rtol=0, atol=1e-5)
        return
    assert isinstance(served, tf.errors.InvalidArgumentError)
    assert predicted[path].reason == reasons[path]
    assert REFUSED.get(row["file"], "") in reasons[path]
    assert reasons[path].isprintable()
    assert len(reasons[path].removeprefix("cannot be decoded: ")) > 9
    for node in ("{{", "[[", "Op:", "Graph execution", "assertion failed"):
        assert node not in reasons[path]


def test_the_table_covers_every_file(trained):
    pixels, reasons = trained
    files = {os.fsencode(path.relative_to(ODD)) for path in ODD.rglob("*") if path.is_file()} - {b"manifest.csv"}
    assert len(files) == 137
    assert set(pixels) | set(reasons) == files
    assert len(pixels) > 70
