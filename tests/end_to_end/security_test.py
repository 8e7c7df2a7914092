"""Planted files: a pickle, a model or an archive where ours should be never runs, unpacks or passes as ours."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from base.errors import UserError
from cli import train
from models import backbones
from models.backbone_weights import load_weights
from models.layers import Layers
from models.options import ModelOptions
from pipeline.decoding.check import Verdict
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from tests.helpers.run_fixtures import call_script
from tests.helpers.watches import Recording
from training import checkpoint

WEIGHTS_OF = "mobilenet_v2_035"


class Payload:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def planted(form: str, names, trace: Path) -> bytes:
    """A file that runs its payload where pickles are allowed."""
    objects = np.array([Payload(trace)], object)
    file = io.BytesIO()
    if form == "npz":
        np.savez(file, **dict.fromkeys(names, objects))
    elif form == "npy":
        np.save(file, objects)
    else:
        file.write(objects.dumps())
    return file.getvalue()


FORMS = pytest.mark.parametrize("form", ["npz", "npy", "pickle"])


@FORMS
def test_the_payload_works(form, tmp_path):
    # Else the tests below would pass whatever the programs do.
    (tmp_path / "planted").write_bytes(planted(form, ["a"], tmp_path / "trace"))
    loaded = np.load(tmp_path / "planted", allow_pickle=True)
    if form == "npz":
        loaded["a"]
    assert (tmp_path / "trace").exists()


@FORMS
def test_a_planted_index_verdict_or_pack_is_made_again(form, tmp_path, picture_tree, index_of):
    root, cache, pixel_format = picture_tree({"a": 3, "b": 3}), tmp_path / "cache", PixelFormat.square(8)
    manifest = index_of(root)
    verdict = load_or_make_verdict(manifest, pixel_format, cache, 2)
    pixels = np.array(open_or_build_pack(manifest, pixel_format, cache, 2).pixels)
    stores = sorted(cache.rglob("*.npz"))
    assert [store.relative_to(cache).parts[0] for store in stores] == ["indexes", "packs", "verdicts"]
    for store in stores:
        with np.load(store, allow_pickle=False) as arrays:
            names = list(arrays)
        store.write_bytes(planted(form, names, tmp_path / "trace"))
    assert index_of(root).sha256 == manifest.sha256
    assert_same(load_or_make_verdict(manifest, pixel_format, cache, 2), verdict)
    np.testing.assert_array_equal(open_or_build_pack(manifest, pixel_format, cache, 2).pixels, pixels)
    assert not (tmp_path / "trace").exists()


def assert_same(verdict: Verdict, other: Verdict) -> None:
    assert verdict.refused == other.refused
    np.testing.assert_array_equal(verdict.peaks, other.peaks)


@FORMS
def test_a_planted_checkpoint_with_the_right_checksums_is_passed_over(form, tmp_path):
    variables = [tf.Variable([1.0, 2.0], name="kernel")]
    for step in (1, 2):
        arrays = {"model": checkpoint.to_arrays(variables)}
        checkpoint.save_checkpoint(tmp_path, checkpoint.Checkpoint(step, [], {}, arrays), {"model": variables})
    newest = tmp_path / "step-00000002"
    content = planted(form, ["model/00000"], tmp_path / "trace")
    (newest / "variables.npz").write_bytes(content)
    state = json.loads((newest / "state.json").read_text())
    del state["sha256"]
    state["variables_sha256"] = hashlib.sha256(content).hexdigest()
    (newest / "state.json").write_text(json.dumps(state | {"sha256": checkpoint._sha256(state)}))
    watch = Recording()
    assert checkpoint.load_newest(tmp_path, watch).step == 1
    assert "step-00000002 is damaged" in watch.lines[0]
    assert "checksum" not in watch.lines[0]
    assert not (tmp_path / "trace").exists()


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    return backbones.construct(Layers(ModelOptions(WEIGHTS_OF), 1), (32, 32, 3))


def refusal(backbone: keras.Model, path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_weights(backbone, ModelOptions(WEIGHTS_OF, weights=str(path)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_keras_model_as_weights_runs_nothing(backbone, tmp_path):
    trace, path = tmp_path / "trace", str(tmp_path / "trace")
    leave_a_trace = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])
    foreign = keras.Sequential([keras.Input((2,)), leave_a_trace, keras.layers.Dense(2)])
    foreign.save(tmp_path / "whole.h5")
    shutil.copy(tmp_path / "whole.h5", tmp_path / "whole.weights.h5")
    trace.unlink()
    for name in ("whole.h5", "whole.weights.h5"):
        assert f"not the weights of {WEIGHTS_OF}" in refusal(backbone, tmp_path / name)
    assert not trace.exists()
    keras.models.load_model(tmp_path / "whole.h5", safe_mode=False, compile=False)
    assert trace.exists(), "the model is harmless, and the test above shows nothing"


def test_weights_cannot_point_to_another_file(backbone, tmp_path):
    backbone.save_weights(tmp_path / "secret.weights.h5")
    with h5py.File(tmp_path / "link.weights.h5", "w") as file:
        for name in ("layers", "_layer_checkpoint_dependencies"):
            file[name] = h5py.ExternalLink("secret.weights.h5", "/layers")
    assert "ExternalLink" in refusal(backbone, tmp_path / "link.weights.h5")


def test_a_small_file_of_weights_cannot_ask_for_a_terabyte(backbone, tmp_path):
    path = tmp_path / "bomb.weights.h5"
    backbone.save_weights(path)
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(lambda name, entry: names.append(name) if isinstance(entry, h5py.Dataset) else None)
        del file[names[0]]
        file.create_dataset(names[0], shape=(1 << 19, 1 << 19), dtype="f4", chunks=(1024, 1024), compression="gzip")
    assert os.path.getsize(path) < 16 << 20
    assert f"not the weights of {WEIGHTS_OF}" in refusal(backbone, path)


def damaged(content: bytes, how: str, generator: np.random.Generator) -> bytes:
    mutated = bytearray(content)
    if how == "cut":
        del mutated[int(generator.integers(0, len(content))) :]
    elif how == "header":
        for place in generator.integers(0, 8192, 40):  # where the file says what is in it
            mutated[place] = generator.integers(0, 256)
    else:
        place = int(generator.integers(len(content) // 2, len(content) - 4096))
        mutated[place : place + 4096] = b"\xff" * 4096  # NaN, where they are weights
    return bytes(mutated)


@pytest.mark.parametrize("how", ["cut", "header", "nan"])
def test_damaged_weights_are_one_line(how, backbone, tmp_path):
    path, generator = tmp_path / "damaged.weights.h5", np.random.default_rng(7)
    backbone.save_weights(path)
    content = path.read_bytes()
    for _ in range(2):
        path.write_bytes(damaged(content, how, generator))
        assert f"not the weights of {WEIGHTS_OF}" in refusal(backbone, path)


def archives(folder: Path) -> list[Path]:
    """A tar and a zip whose members lead out of the folder that they are unpacked in."""
    with tarfile.open(folder / "pictures.tar", "w") as tar:
        for name in ("../escaped.txt", f"{folder}/absolute.txt", "fine.txt"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"text"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(folder)
        tar.addfile(link)
        member = tarfile.TarInfo("link/through.txt")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"text"))
    with zipfile.ZipFile(folder / "pictures.zip", "w") as packed:
        packed.writestr("../escaped.txt", "text")
        packed.writestr("fine.txt", "text")
    return [folder / "pictures.tar", folder / "pictures.zip"]


@pytest.mark.parametrize("flags", [("--dataset=folder:{}",), ("--dataset=catdog", "--data_dir={}"),
                                   ("--dataset=realsense", "--data_dir={}")])  # fmt: skip
def test_an_archive_is_no_folder_and_is_left_packed(flags, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for archive in archives(tmp_path):
        before = sorted(path.name for path in tmp_path.iterdir())
        done = call_script(train, [flag.format(archive) for flag in flags], monkeypatch, capfd)
        assert done.code == 2
        assert done.stderr.count("\n") == 1
        assert str(archive) in done.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_tfds_unpacks_nothing_outside_its_folder(tmp_path):
    # The one library that unpacks for us; its builders name their archives, with checksums, in its own package.
    place = tmp_path / "deep" / "archives"
    place.mkdir(parents=True)
    for archive in archives(place):
        before = sorted(tmp_path.rglob("*"))
        manager = tfds.download.DownloadManager(download_dir=tmp_path / "deep" / "downloads")
        unpacked = Path(manager.extract(archive))
        assert (unpacked / "fine.txt").read_text() == "text"
        inside = [path for path in tmp_path.rglob("*") if unpacked in (path, *path.parents)]
        added = set(tmp_path.rglob("*")) - set(before) - set(inside) - set(unpacked.parents)
        assert not [path for path in added if path.suffix == ".txt"]
        assert not [path for path in inside if path.is_symlink()]


@pytest.mark.parametrize(
    ("flags", "variables", "words"),
    [
        ((), {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'},
         "TF_CONFIG is set: Penstock trains on the devices of one machine; unset TF_CONFIG"),
        (("--strategy=multi_worker",), {}, "unknown --strategy 'multi_worker'"),
        (("--data_service=grpc://a:1",), {}, "unknown flag --data_service"),
    ],
)  # fmt: skip
def test_several_machines_are_refused_in_one_line(flags, variables, words, picture_tree, tmp_path, monkeypatch, capfd):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    arguments = [f"--dataset=folder:{picture_tree({'a': 3, 'b': 3})}", f"--run_dir={tmp_path / 'run'}", *flags]
    done = call_script(train, arguments, monkeypatch, capfd)
    assert done.code == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not (tmp_path / "run").exists()
