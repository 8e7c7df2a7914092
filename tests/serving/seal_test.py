"""The seal: what no run exported, or what has changed, is refused before TensorFlow runs a line of it."""

import json
import shutil

import pytest
import tensorflow as tf

from base.errors import UserError
from cli import predict
from serving.predictor import Predictor
from serving.seal import SEAL, check_seal, write_seal
from tests.helpers.run_fixtures import call_script, finished_run, shapes_dir


@pytest.fixture
def exported(tmp_path):
    return shutil.copytree(finished_run() / "saved_model", tmp_path / "saved_model")


def refusal(folder) -> str:
    with pytest.raises(UserError) as caught:
        check_seal(folder)
    return str(caught.value)


def files_of(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_export_is_sealed_whole_and_loads(exported):
    check_seal(exported)
    sealed = json.loads((exported / SEAL).read_text())["sha256"]
    assert sorted([*sealed, str(SEAL)]) == files_of(exported)
    assert {"saved_model.pb", "variables/variables.index"} <= set(sealed)
    assert Predictor(exported).class_names == ["disk", "square", "stripes"]


def test_a_flipped_bit_in_any_file_is_seen(exported):
    for name in files_of(exported):
        content = (exported / name).read_bytes()
        if name == str(SEAL):
            continue
        for place in (0, len(content) // 2, len(content) - 1):
            (exported / name).write_bytes(content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :])
            assert f"is not as it was exported ('{name}' differs): copy it again" in refusal(exported)
        (exported / name).write_bytes(content)
    check_seal(exported)


def test_a_file_too_few_and_a_file_too_many_are_seen(exported):
    (exported / "variables" / "variables.index").rename(exported / "variables" / "other")
    assert "'variables/variables.index' differs" in refusal(exported)
    shutil.copy(exported / "variables" / "other", exported / "variables" / "variables.index")
    assert "holds 'variables/other', which was not exported with it: take that out" in refusal(exported)


def test_what_servers_and_file_browsers_add_is_their_own(exported):
    (exported / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"x")
    (exported / "variables" / ".DS_Store").write_bytes(b"x")
    check_seal(exported)


@pytest.mark.parametrize(
    ("seal", "words"),
    [
        (None, "assets.extra/penstock.json: [Errno 2] No such file"),
        ("", "not a SavedModel that Penstock exported"),
        ("null", "not a SavedModel that Penstock exported"),
        ("[1]", "not a SavedModel that Penstock exported"),
        ('{"format": 1}', "not a SavedModel that Penstock exported"),
        ('{"format": 1, "sha256": 3}', "not a SavedModel that Penstock exported"),
        ('{"format": 1, "sha256": {}}', "which was not exported with it"),
        ('{"format": 1, "sha256": {"../../secret": "00"}}', "is not as it was exported ('../../secret' differs)"),
        ('{"format": 2, "sha256": {}}', "another version of Penstock"),
    ],
    ids=lambda text: (text or "none")[:30],
)
def test_a_seal_that_is_none_is_one_line(seal, words, exported):
    (exported / SEAL).unlink()
    if seal is not None:
        (exported / SEAL).write_text(seal)
    text = refusal(exported)
    assert words in text
    assert "\n" not in text


class Foreign(tf.saved_model.experimental.TrackableResource):
    """Writes a file as soon as it is loaded."""

    def __init__(self, path):
        super().__init__()
        self._path = tf.constant(str(path))

    def _create_resource(self):
        return tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)

    def _initialize(self):
        tf.io.write_file(self._path, "the model did this")


def foreign_model(folder, path):
    module = tf.Module()
    module.resource = Foreign(path)
    # The resource is kept only if a function uses it.
    module.run = tf.function(lambda: module.resource.resource_handle, input_signature=[])
    tf.saved_model.save(module, str(folder))
    path.unlink(missing_ok=True)


def test_a_foreign_model_runs_as_it_is_loaded_so_it_is_not(tmp_path, monkeypatch, capfd):
    trace = tmp_path / "trace"
    foreign_model(tmp_path / "foreign", trace)
    picture = shapes_dir() / "disk" / "0000.jpg"
    done = call_script(predict, [f"--run={tmp_path / 'foreign'}", str(picture)], monkeypatch, capfd)
    assert done.code == 2
    assert "is not a SavedModel that Penstock exported" in done.stderr
    assert "a SavedModel is a program, and no other is loaded" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not trace.exists()
    # With a seal it would be trusted, which shows what loading does: a seal is no protection against its author.
    write_seal(tmp_path / "foreign")
    with pytest.raises(UserError, match="is not a SavedModel that Penstock exported"):
        Predictor(tmp_path / "foreign")
    assert trace.exists()


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_keras_file_is_refused(name, tmp_path, monkeypatch, capfd):
    (tmp_path / name).write_bytes(b"PK\x03\x04 whatever it holds")
    done = call_script(predict, [f"--run={tmp_path / name}", str(tmp_path / name)], monkeypatch, capfd)
    assert done.code == 2
    assert f"{name}' is a file: give a run folder" in done.stderr
    assert ".keras and .h5 models are programs, and are not loaded" in done.stderr
    assert done.stderr.count("\n") == 1
