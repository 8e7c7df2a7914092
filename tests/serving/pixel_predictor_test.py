"""A model's two halves, one after the other, are the model; an older export and a broken file are told."""

import os

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline.decoding.decode import decode_image
from serving.pixel_predictor import PixelPredictor
from serving.predictor import Predictor
from tests.serving.conftest import small_format


def test_the_halves_are_the_whole(small):
    folder, _, proof, _ = small
    predictor = PixelPredictor(folder)
    paths = [proof.manifest.source.path(one) for one in proof.example_ids.tolist()]
    decoded = [predictor.decode(path) for path in paths]
    assert {reason for _, reason in decoded} == {""}
    images = np.stack([image for image, _ in decoded])
    assert (images.dtype, images.shape[1:], predictor.full_scale) == (np.uint16, small_format().shape, 4095)
    expected = decode_image(tf.constant(proof.manifest.read(int(proof.example_ids[7]))), small_format())
    np.testing.assert_array_equal(images[7], expected)
    answers, probabilities = predictor.classify(images)
    np.testing.assert_allclose(probabilities, proof.expected, atol=1e-5)
    whole = list(Predictor(folder).predict(paths))
    assert [predictor.class_names[answer] for answer in answers] == [one.class_name for one in whole]


def test_a_file_that_gives_no_pixels_gives_its_reason(small, tmp_path):
    predictor = PixelPredictor(small[0])
    content = small[2].content(0)
    for name, written in (("text.png", b"no picture"), ("cut.png", content[: len(content) // 2])):
        (tmp_path / name).write_bytes(written)
        image, reason = predictor.decode(os.fsencode(tmp_path / name))
        assert image is None
        assert reason
    assert predictor.decode(os.fsencode(tmp_path / "none.png"))[1].endswith("No such file or directory")


def test_a_model_of_before_is_told(small, monkeypatch):
    load = tf.saved_model.load

    def older(path):
        loaded = load(path)
        del loaded.decode
        return loaded

    monkeypatch.setattr(tf.saved_model, "load", older)
    with pytest.raises(UserError, match="was exported by an earlier version"):
        PixelPredictor(small[0])
