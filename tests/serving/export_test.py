"""The exported model: needs TensorFlow alone, says what evaluation said, and is refused where it does not."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from base import durable
from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from serving import export
from serving.export import ExportError, Proof, ScoredModel, ServedModel, export_model
from tests.helpers.run_fixtures import SHAPES, finished_run, read_rows, shapes_dir
from tests.helpers.storage import SMALL_DISK_BYTES, file_size_limit

# A channel flip, depthwise and separable convolutions, squeeze and excite, dense blocks, layer norms.
BACKBONES_OF_EACH_KIND = ("mobilenet_v2_035", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0", "resnet50",
                          "resnet50_v2", "convnext_tiny", "densenet121", "nasnet_mobile")  # fmt: skip

# Runs with -I, from another folder, where Keras cannot be imported and none of the repository's modules is found.
TENSORFLOW_ALONE = """
import json, sys
sys.modules["keras"] = None
import numpy as np, tensorflow as tf
saved_model, paths, pixels = sys.argv[1:]
assert not any(name.split(".")[0] in ("serving", "pipeline", "models", "training") for name in sys.modules)
loaded = tf.saved_model.load(saved_model)
contents = [open(path, "rb").read() for path in json.loads(open(paths).read())]
from_bytes = loaded.signatures["serving_default"](image_bytes=tf.constant(contents))
from_pixels = loaded.signatures["serve_images"](images=tf.constant(np.load(pixels)))
print(json.dumps({
    "names": [name.decode() for name in loaded.class_names().numpy().tolist()],
    "signatures": sorted(loaded.signatures),
    **{key: {name: [v.decode() if isinstance(v, bytes) else v for v in value.numpy().tolist()]
             for name, value in outputs.items()}
       for key, outputs in (("bytes", from_bytes), ("pixels", from_pixels))},
}))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("served")
    paths = [shapes_dir() / row["path"] for row in read_rows(finished_run() / "predictions_test.csv")]
    (folder / "paths.json").write_text(json.dumps([str(path) for path in paths]))
    pixels = [decode_image(tf.constant(path.read_bytes()), PixelFormat.square(16)).numpy() for path in paths]
    np.save(folder / "pixels.npy", np.stack(pixels))
    arguments = [str(finished_run() / "saved_model"), str(folder / "paths.json"), str(folder / "pixels.npy")]
    done = subprocess.run(
        [sys.executable, "-I", "-c", TENSORFLOW_ALONE, *arguments],
        check=False, capture_output=True, text=True, timeout=200, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("signature", ["bytes", "pixels"])
def test_what_was_trained_is_what_is_served(signature, served):
    rows = read_rows(finished_run() / "predictions_test.csv")
    expected = np.array([[float(row[f"p({name})"]) for name in sorted(SHAPES)] for row in rows])
    outputs = served[signature]
    assert set(outputs) == {"class_name", "probability", "probabilities"}
    np.testing.assert_allclose(outputs["probabilities"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(outputs["probability"], expected.max(axis=1), rtol=0, atol=1e-5)
    assert outputs["class_name"] == [row["prediction"] for row in rows]
    # Several classes come up: a model that ignores its input would pass the lines above on one.
    assert len(set(outputs["class_name"])) > 1


def test_class_names_and_signatures_travel_inside(served):
    assert served["names"] == sorted(SHAPES)
    assert served["signatures"] == ["serve_images", "serving_default"]


def test_sixteen_bits_two_classes_and_the_proofs_difference(small):
    folder, _, proof, difference = small
    assert proof.expected.std(axis=0).min() > 1e-3
    assert 0 <= difference <= 1e-5
    contents = tf.constant([proof.content(int(proof.example_ids[3]))])
    loaded = tf.saved_model.load(str(folder))
    outputs = loaded.signatures["serving_default"](image_bytes=contents)
    np.testing.assert_allclose(outputs["probabilities"][0], proof.expected[3], atol=1e-5)
    assert outputs["class_name"][0].numpy().decode() == ["no", "y\u00e9s"][proof.expected[3].argmax()]


def lite_of(saved_model):
    """The `serve_images` endpoint, converted by TensorFlow Lite with its own operations alone."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serve_images"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize(
    ("name", "shape"),
    [("catdog_1", (16, 1, 16, 4095)), ("residual_small", (32, 3)),
     *(pytest.param(name, (32, 3), marks=pytest.mark.slow) for name in BACKBONES_OF_EACH_KIND)],
)  # fmt: skip
def test_pictures_endpoint_is_one_of_tensorflow_lites_own_operations(name, shape, tmp_path):
    pixel_format, names = PixelFormat.square(*shape), ["no", "y\u00e9s"]
    filters = (4,) if name == "catdog_1" else None
    model = build_model(ModelOptions(name, filters=filters), 1, 2, pixel_format.shape)
    served = ServedModel(ScoredModel(model), names, pixel_format)
    tf.saved_model.save(served, str(tmp_path), signatures={"serve_images": served.serve_images})
    endpoint, lite = tf.saved_model.load(str(tmp_path)).signatures["serve_images"], lite_of(tmp_path)
    generator = np.random.default_rng(1)
    for count in (1, 3):
        size = (count, *pixel_format.shape)
        images = generator.integers(0, pixel_format.full_scale, size).astype(pixel_format.dtype)
        expected, found = endpoint(images=tf.constant(images)), lite(images=images)
        np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=1e-5)
        np.testing.assert_allclose(found["probability"], expected["probability"], atol=1e-5)
        assert found["class_name"].tolist() == expected["class_name"].numpy().tolist()


def test_scoring_and_both_endpoints_trace_the_network_once(monkeypatch, tmp_path):
    model, calls = build_model(ModelOptions("catdog_1", filters=(4,), units=5), 1, 2, (16, 16, 3)), []
    convolution, call = model.layers[1], type(model.layers[1]).call
    monkeypatch.setattr(type(convolution), "call", lambda *given, **named: calls.append(1) or call(*given, **named))
    traced = [layer for layer in model.layers if isinstance(layer, type(convolution))]
    scored = ScoredModel(model)
    served = ServedModel(scored, ["no", "yes"], PixelFormat.square(16))
    for count in (4, 3, 1):
        assert scored.predict(tf.ones([count, 16, 16, 3])).shape == (count, 2)
    signatures = {"serving_default": served.serving_default, "serve_images": served.serve_images}
    tf.saved_model.save(served, str(tmp_path), signatures=signatures)
    assert len(calls) == len(traced)


@pytest.mark.parametrize("shape", [(2, 17, 16, 1), (2, 8, 32, 1), (1, 1, 1, 1), (0, 17, 16, 1), (2, 16, 16, 3)])
def test_pictures_of_another_size_are_refused_and_none_at_all_is_no_fault(shape, small):
    endpoint = tf.saved_model.load(str(small[0])).signatures["serve_images"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        endpoint(images=tf.zeros(shape, tf.uint16))
    nothing = endpoint(images=tf.zeros([0, 16, 16, 1], tf.uint16))
    assert {name: value.shape for name, value in nothing.items()} == {
        "class_name": (0,), "probability": (0,), "probabilities": (0, 2),
    }  # fmt: skip


def wrong_proof(proof: Proof, wrong: str) -> Proof:
    expected = proof.expected.copy()
    if wrong == "shifted":
        expected += 2 * export.PARITY_TOLERANCE
    else:
        # The last file stands in a batch of its own size.
        expected[-1 if wrong == "last" else 5, 0] = np.nan if wrong == "nan" else 0.123
    return Proof(proof.manifest, proof.example_ids, expected)


@pytest.mark.parametrize("wrong", ["shifted", "nan", "last"])
def test_a_model_that_serves_something_else_is_refused(wrong, small):
    folder, _, proof, _ = small
    with pytest.raises(ExportError, match="nothing was exported"):
        export._prove(folder, wrong_proof(proof, wrong))


def test_a_refused_export_leaves_the_one_before(small, tmp_path):
    _, served_model, proof, _ = small
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("the export before")
    with pytest.raises(ExportError):
        export_model(tmp_path / "out", served_model, wrong_proof(proof, "last"))
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old.txt"]


def test_no_room_for_an_export_is_named_and_leaves_the_one_before(small, small_disk):
    _, served_model, proof, _ = small
    (small_disk / "out").mkdir()
    (small_disk / "out" / "old.txt").write_text("the export before")
    with contextlib.suppress(OSError):
        (small_disk / "filler").write_bytes(b"x" * SMALL_DISK_BYTES)
    with pytest.raises(durable.WriteError, match="No space left on device") as caught:
        export_model(small_disk / "out", served_model, proof)
    assert caught.value.filename == str(small_disk / "out")
    (small_disk / "filler").unlink()
    assert [path.name for path in small_disk.rglob("*")] == ["out", "old.txt"]


@pytest.mark.parametrize("size_bytes", [100, 1_000, 10_000, 30_000])
def test_an_export_whose_files_may_not_grow_is_a_write_error(size_bytes, small, tmp_path):
    _, served_model, proof, _ = small
    with file_size_limit(size_bytes), pytest.raises(durable.WriteError, match="File too large"):
        export_model(tmp_path / "out", served_model, proof)
    assert list(tmp_path.iterdir()) == []


def test_another_failure_of_tensorflow_is_not_taken_for_the_disks(small, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise tf.errors.InternalError(None, None, "a bug of ours")

    _, served_model, proof, _ = small
    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(tf.errors.InternalError, match="a bug of ours"):
        export_model(tmp_path / "out", served_model, proof)
    assert list(tmp_path.iterdir()) == []


def test_what_the_saver_scribbles_lies_where_the_next_run_sweeps(small, tmp_path, monkeypatch):
    _, served_model, proof, _ = small
    usual, places = tempfile.gettempdir(), []
    save = tf.saved_model.save
    monkeypatch.setattr(tf.saved_model, "save", lambda *a, **k: places.append(tempfile.mkstemp()[1]) or save(*a, **k))
    export_model(tmp_path / "out", served_model, proof)
    assert os.path.relpath(places[0], tmp_path).startswith(durable.temporary_prefix(tmp_path / "out"))
    assert os.listdir(tmp_path) == ["out"]
    assert tempfile.gettempdir() == usual
