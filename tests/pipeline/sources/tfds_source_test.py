"""A builder that the test prepares on disk, read through the same door as any other."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from base.errors import UserError
from pipeline.sources import tfds_source
from pipeline.sources.tfds_source import open_builder
from tests.conftest import random_picture

CLASS_NAMES = ["circle", "square", "never seen"]
COUNTS = {"train": 20, "validation": 6, "test": 4}


def encoded(split: str, number: int) -> bytes:
    """The very bytes of one picture: JPEG and PNG in turn."""
    buffer = io.BytesIO()
    picture = random_picture(list(COUNTS).index(split) * 100 + number)
    Image.fromarray(picture).save(buffer, "JPEG" if number % 2 else "PNG")
    return buffer.getvalue()


class PenstockShapes(tfds.core.GeneratorBasedBuilder):
    """Thirty pictures of two classes, in three splits, and a fourth split that is not read."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=CLASS_NAMES),
            "number": np.int64,
        }
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        generators = {split: self._generate_examples(split) for split in COUNTS}
        return generators | {"extra": self._generate_examples("test")}

    def _generate_examples(self, split):
        for number in range(COUNTS[split]):
            yield number, {"image": io.BytesIO(encoded(split, number)), "label": number % 2, "number": number}


class PenstockUnlabelled(PenstockShapes):
    """Pictures without a class."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"image": tfds.features.Image(), "number": np.int64})
        return tfds.core.DatasetInfo(builder=self, features=features)


class PenstockTestOnly(PenstockShapes):
    """Nothing to train on."""

    VERSION = tfds.core.Version("1.0.0")

    def _split_generators(self, dl_manager):
        return {"test": self._generate_examples("test")}


class PenstockOffline(PenstockShapes):
    """Needs a download."""

    VERSION = tfds.core.Version("1.0.0")

    def _split_generators(self, dl_manager):
        raise tfds.download.DownloadError("Failed to get url https://pictures.invalid/a.zip.\nA second line.")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> str:
    """Where the builders are prepared, once."""
    return str(tmp_path_factory.mktemp("tfds"))


def refusal(name: str, data_dir: str, cache_dir) -> str:
    """The one line that open_builder refuses with."""
    with pytest.raises(UserError) as caught:
        open_builder(name, data_dir, cache_dir)
    assert len(str(caught.value).splitlines()) == 1
    assert name.partition(":")[0] in str(caught.value)
    return str(caught.value)


def test_the_files_hold_the_very_bytes_of_the_builder(data_dir, tmp_path):
    catalog = open_builder("penstock_shapes", data_dir, tmp_path)
    assert catalog.class_names == tuple(CLASS_NAMES)
    assert catalog.data_origin == "real"
    found = {}
    for folder in catalog.folders:
        place = Path(os.fsdecode(os.path.join(catalog.root, folder.path)))
        found[folder.split, folder.label] = sorted(path.read_bytes() for path in place.iterdir())
    expected = {}
    for split, count in COUNTS.items():
        for label in (0, 1):
            expected[split, label] = sorted(encoded(split, number) for number in range(label, count, 2))
    assert found == expected


def test_a_second_opening_reads_no_builder(data_dir, tmp_path, monkeypatch):
    first = open_builder("penstock_shapes:1.0.0", data_dir, tmp_path)

    def explode(*_):
        raise AssertionError("the examples were written out again")

    monkeypatch.setattr(tfds_source, "_write_out", explode)
    assert open_builder("penstock_shapes", data_dir, tmp_path) == first


def test_another_preparation_is_another_data_set(data_dir, tmp_path, monkeypatch):
    first = open_builder("penstock_shapes", data_dir, tmp_path / "cache")
    monkeypatch.setitem(COUNTS, "train", 18)
    second = open_builder("penstock_shapes", str(tmp_path / "prepared"), tmp_path / "cache")
    assert first.root != second.root
    assert first.class_names == second.class_names


def test_files_are_numbered_in_the_order_of_the_records(tmp_path):
    # In several files, which TFDS would read in any order.
    config = tfds.download.DownloadConfig(num_shards=4)
    PenstockShapes(data_dir=str(tmp_path)).download_and_prepare(download_config=config)
    assert len(list(tmp_path.rglob("*train.tfrecord*"))) == 4

    def written(cache):
        root = Path(os.fsdecode(open_builder("penstock_shapes", str(tmp_path), tmp_path / cache).root))
        return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert written("one") == written("other")


def test_writing_out_that_fails_leaves_nothing(data_dir, tmp_path, monkeypatch):
    write_out = tfds_source._write_out

    def fail(builder, split, *arguments):
        write_out(builder, split, *arguments)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tfds_source, "_write_out", fail)
        with pytest.raises(OSError, match="No space"):
            open_builder("penstock_shapes", data_dir, tmp_path)
        assert os.listdir(tmp_path / "tfds") == []
    assert len(open_builder("penstock_shapes", data_dir, tmp_path).folders) == 6


def test_a_builder_without_labels_is_told_what_it_must_have(data_dir, tmp_path):
    text = refusal("penstock_unlabelled", data_dir, tmp_path)
    assert "image, number" in text
    assert "one Image and one ClassLabel" in text


def test_a_builder_without_train_is_told_so(data_dir, tmp_path):
    assert "['test']: it must have train" in refusal("penstock_test_only", data_dir, tmp_path)


def test_an_unknown_builder_is_offered_the_nearest(data_dir, tmp_path):
    text = refusal("penstock_shape", data_dir, tmp_path)
    assert "did you mean 'penstock_shapes'?" in text
    assert len(text) < 300


@pytest.mark.parametrize("name", ["penstock_shapes:9.9.9", "penstock_shapes/none", "what/is:this", "huggingface:a/b"])
def test_versions_configs_and_names_that_are_not_there_are_one_line(data_dir, tmp_path, name):
    assert f"--dataset=tfds:{name}" in refusal(name, data_dir, tmp_path)


def test_a_failed_download_tells_the_way_around(data_dir, tmp_path):
    text = refusal("penstock_offline", data_dir, tmp_path)
    assert "Failed to get url https://pictures.invalid/a.zip." in text
    assert "A second line" not in text
    assert "--data_dir" in text


def test_a_builder_of_the_package_gets_as_far_as_its_download(tmp_path, monkeypatch):
    # Builders of the package need more of TFDS than those of a test: their code path, their checksums.
    asked = []

    def refuse(self, urls):
        asked.append(urls)
        raise tfds.download.DownloadError("no network")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", refuse)
    assert "(no network)" in refusal("cats_vs_dogs", str(tmp_path / "tfds"), tmp_path / "cache")
    assert len(asked) == 1
