"""What the first lines of a log say of the data, and where its last one sends the user."""

from types import SimpleNamespace

import numpy as np
import pytest

from jobs.announce import announce, announce_data, augmentation_lines, some_of
from pipeline.augment.options import AugmentOptions
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.splits import Splits
from tests.helpers.runs import OPTIONS, run_of
from tests.helpers.watches import Recording
from tests.pipeline.sources.splits_test import make_manifest


def said_of(manifest, splits: dict, **more) -> list[str]:
    watch = Recording()
    ids = {name: np.array(splits.get(name, []), np.int64) for name in ("train", "validation", "test")}
    announce_data(OPTIONS, Data(manifest, Splits(ids, **more), None, (), {"pixels": "as they are"}), watch)
    return watch.lines


def test_many_classes_make_no_long_line():
    labels = np.repeat(np.arange(1500), 2).tolist() + [7] * 5
    lines = said_of(make_manifest(labels), {"train": np.arange(3005)})
    assert "  train      3005 (1500 classes, 2 (class_0) to 7 (class_7) each)" in lines
    assert max(map(len, lines)) < 200
    few = said_of(make_manifest([0, 0, 1]), {"train": np.arange(3)})
    assert "  train      3 (class_0 2, class_1 1)" in few


def test_both_files_of_a_pair_with_the_same_bytes_are_named():
    manifest = make_manifest(
        [0, 0, 1, 1], contents=[1, 2, 2, 1], names=[b"a/1.jpg", b"a/2.jpg", b"b/3.jpg", b"b/4.jpg"]
    )
    lines = said_of(manifest, {"train": [0, 1, 2], "test": [3]}, shared=np.array([0, 3]), contradicting=np.arange(4))
    warnings = [line for line in lines if "warning" in line]
    words = "files have the same bytes as a file of another"
    assert warnings == [
        f"  warning   2 {words} split and are used all the same, as a/1.jpg and b/4.jpg",
        f"  warning   4 {words} class and are used all the same, as a/1.jpg and b/4.jpg",
    ]


def lines_of(labels, options, tmp_path) -> list[str]:
    """What `announce` says of a run on so many examples of each label, streamed."""
    data = Data(make_manifest(labels), Splits({"train": np.arange(len(labels)), "validation": np.zeros(0, np.int64)}),
                SimpleNamespace(pixel_format=PixelFormat.square(16)), (), {"pixels": "as they are"})  # fmt: skip
    watch = Recording()
    announce(run_of(data, tmp_path, OPTIONS.changed({"global_batch_size": 4} | options), watch=watch))
    return watch.lines


def test_what_each_class_weighs_is_said_and_where_they_are_alike_that_it_changes_nothing(tmp_path):
    balanced = {"class_weights": "balanced"}
    assert "weights     class_0 0.667, class_1 2" in lines_of([0] * 6 + [1] * 2, balanced, tmp_path)
    assert "  note      --class_weights=balanced changes nothing: all classes have as many examples" in lines_of(
        [0, 0, 1, 1], balanced, tmp_path
    )
    assert not [line for line in lines_of([0] * 6 + [1] * 2, {}, tmp_path) if "weights" in line]


@pytest.mark.parametrize(
    ("steps", "every", "line"),
    [(10, 4, "updates     3 an epoch, each from 4 batches, the last from 2"), (8, 4, "updates     2 an epoch, each from"
      " 4 batches"), (3, 8, "updates     1 an epoch, each from 3 batches"), (3, 1, None)],
)  # fmt: skip
def test_updates_are_counted_where_they_are_fewer_than_steps(steps, every, line, tmp_path):
    lines = lines_of([0, 1] * 2 * steps, {"accumulate_steps": every}, tmp_path)
    assert [one for one in lines if one.startswith("updates")] == ([line] if line else [])


def test_knobs_that_are_turned_are_said_and_what_comes_of_them():
    turned = AugmentOptions().changed({"rotate_degrees": 5.0, "horizontal_flip": True})
    assert augmentation_lines(turned, 3, "host (x)") == [
        "augment     rotate_degrees 5, horizontal_flip 1; on the host (x)"
    ]
    assert augmentation_lines(AugmentOptions(), 3, "host (x)") == ["augment     none; on the host (x)"]
    mixed = turned.changed({"mixup_alpha": 0.2, "hue_degrees": 9.0, "mix_probability": 0.5})
    said, note = augmentation_lines(mixed, 3, "device (y)")
    assert "mixup_alpha 0.2, mix_probability 0.5; on the device (y)" in said
    assert "accuracy in training is that of mixed pictures" in note
    assert "--hue_degrees change nothing: the pictures are gray" in augmentation_lines(mixed, 1, "device (y)")[1]


def test_some_of_many_lines_and_how_many_more():
    assert some_of(["a", "b", "c"], "files", 1) == ["a", "  and 2 other files"]
    assert some_of(["a", "b"], "files", 1) == ["a", "b"]
