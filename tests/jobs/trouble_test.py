"""Numbers gone bad, in the user's words: step, rate, scale, the examples and their files."""

import numpy as np
import pytest
from jobs.bad_batch import explain

from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.order import Order
from pipeline.pixels import StreamedPixels
from pipeline.sources.splits import make_splits
from records.run_folder import RunFolder
from tests.helpers.run_fixtures import read_rows
from training.health import Trouble
from training.options import RunOptions

OPTIONS = RunOptions("folder:here", epochs=4, global_batch_size=8, learning_rate=0.5, schedule="cosine")


@pytest.fixture
def case(picture_tree, index_of):
    """(data, order): 20 pictures in batches of 8, so that the third step of an epoch has 4 of them and padding."""
    manifest = index_of(picture_tree({"cats": 10, "dogs": 10}))
    splits = make_splits(manifest, np.zeros(0, np.int64), (0.6, 0.2, 0.2), 1)
    data = Data(manifest, splits, StreamedPixels(manifest, PixelFormat(16), 2), 255, (), ())
    return data, Order(np.arange(20), 8, seed=1, shuffle=True)


def trouble(step, bad_rows=(), loss_scale=None) -> Trouble:
    return Trouble("the loss broke", "do this", step, step - 1, loss_scale, np.array(bad_rows, np.int64))


def test_the_examples_whose_own_loss_is_bad_come_first(case, tmp_path):
    data, order = case
    ids = order.rows(4).example_ids
    line = explain(trouble(5, [2, 7], 1024.0), OPTIONS, order, data, RunFolder(tmp_path))
    named = ", ".join(f"{ids[row]} {data.manifest.shown_path(ids[row])!r}" for row in (2, 7))
    # The rate of step 5, the fifth of twelve, on half a cosine.
    assert line == (
        "the loss broke in step 5 (epoch 2, learning rate 0.375, loss scale 1024): 2 of the batch's 8 examples have "
        f"such a loss: {named} (bad_batch.csv has them all); do this, in another --run_dir; the last good checkpoint "
        "is kept"
    )
    rows = read_rows(tmp_path / "bad_batch.csv")
    assert list(rows[0]) == ["step", "example_id", "path", "label", "finite"]
    assert [int(row["example_id"]) for row in rows] == ids.tolist()
    assert [row["finite"] for row in rows] == ["yes", "yes", "no", "yes", "yes", "yes", "yes", "no"]
    assert {row["step"] for row in rows} == {"5"}
    for row in rows:
        assert row["path"] == data.manifest.shown_path(int(row["example_id"]))
        assert row["path"].startswith(row["label"] + "/")


@pytest.mark.parametrize("bad_rows", [(), range(8)])
def test_where_none_or_all_are_bad_the_batchs_first_ones_are_named(bad_rows, case, tmp_path):
    data, order = case
    line = explain(trouble(1, bad_rows), OPTIONS, order, data, RunFolder(tmp_path))
    ids = order.rows(0).example_ids[:4]
    named = ", ".join(f"{example_id} {data.manifest.shown_path(example_id)!r}" for example_id in ids)
    assert f"(epoch 1, learning rate 0.5): the batch has 8 examples: {named} and 4 more (bad_batch.csv" in line


def test_padding_is_no_example(case, tmp_path):
    data, order = case
    line = explain(trouble(3, range(8)), OPTIONS, order, data, RunFolder(tmp_path))
    assert "the batch has 4 examples: " in line
    assert " more" not in line
    rows = read_rows(tmp_path / "bad_batch.csv")
    assert [int(row["example_id"]) for row in rows] == order.rows(2).example_ids[:4].tolist()


def test_the_news_survives_a_folder_that_cannot_be_written(case, tmp_path):
    (tmp_path / "file").write_text("")
    line = explain(trouble(1), OPTIONS, case[1], case[0], RunFolder(tmp_path / "file"))
    assert "the loss broke in step 1 " in line
    assert "(bad_batch.csv could not be written: " in line
