"""A temperature and a threshold, in the exported model as in evaluation."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from evaluation.calibration import at_temperature
from evaluation.decisions import LIKELIEST, Decision
from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.decode import decode_image
from serving import export
from serving.export import ExportError, ScoredModel, ServedModel, export_model
from tests.serving.conftest import small_format
from tests.serving.export_test import lite_of


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("positive", [0, 1])
def test_a_temperature_and_a_threshold_are_exported(positive, small, tmp_path):
    model, pixel_format = (
        build_model(ModelOptions("catdog_1", filters=(4,), units=5), 1, 2, (16, 16, 1)),
        small_format(),
    )
    _, _, proof, _ = small
    threshold = float(np.float32(np.median(proof.expected[:, positive])))
    scored, decision = ScoredModel(model), Decision(positive, threshold)
    scored.logit_scale.assign(0.25)
    served = ServedModel(scored, ["no", "yes"], pixel_format, decision)
    proof = dataclasses.replace(proof, expected=np.float32(at_temperature(proof.expected, 4.0)), decision=decision)
    export_model(tmp_path / "out", served, proof)
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    contents = tf.constant([proof.content(one) for one in proof.example_ids.tolist()])
    outputs = {
        name: value.numpy() for name, value in loaded.signatures["serving_default"](image_bytes=contents).items()
    }
    answers = decision.answers(outputs["probabilities"])
    assert 0 < answers.sum() < len(answers)
    assert (answers != outputs["probabilities"].argmax(axis=1)).any()
    assert outputs["class_name"].tolist() == [[b"no", b"yes"][answer] for answer in answers]
    np.testing.assert_array_equal(outputs["probability"], outputs["probabilities"][np.arange(len(answers)), answers])
    assert loaded.decision().numpy().decode() == decision.words(["no", "yes"])
    lite = lite_of(tmp_path / "out")
    stored = np.stack([decode_image(content, pixel_format).numpy() for content in contents])
    assert lite(images=stored)["class_name"].tolist() == outputs["class_name"].tolist()
    other = dataclasses.replace(proof, decision=LIKELIEST)
    with pytest.raises(ExportError, match="names other classes"):
        export._prove(tmp_path / "out", other)
