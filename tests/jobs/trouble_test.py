"""Numbers gone bad, in the user's words: step, rate, scale, the examples and their files."""

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from jobs.options import resolve
from jobs.trouble import explain, naming_trouble
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import StreamedPixels
from pipeline.sources.splits import Splits
from tests.helpers.run_fixtures import read_rows
from tests.helpers.runs import run_of
from training.health import NumbersError, Trouble

GIVEN = {"epochs": 4, "global_batch_size": 8, "learning_rate": 0.5, "schedule": "cosine", "warmup_epochs": 0.0}


@pytest.fixture
def run(picture_tree, index_of, tmp_path):
    """20 pictures in batches of 8, so that the third step of an epoch has 4 of them and padding."""
    manifest = index_of(picture_tree({"cats": 10, "dogs": 10}))
    nothing = np.zeros(0, np.int64)
    splits = Splits({"train": np.arange(20), "validation": nothing, "test": nothing})
    data = Data(manifest, splits, StreamedPixels(manifest, PixelFormat.square(16), 2), (), {})
    return run_of(data, tmp_path / "run", resolve("folder:here", GIVEN))


def trouble(step, bad_rows=(), loss_scale=None) -> Trouble:
    return Trouble("the loss broke", "do this", step, step - 1, loss_scale, np.array(bad_rows, np.int64))


def test_the_examples_whose_own_loss_is_bad_come_first(run):
    ids = run.order.rows(4).example_ids
    line = explain(trouble(5, [2, 7], 1024.0), run)
    named = ", ".join(f"{ids[row]} {run.data.manifest.shown_path(ids[row])!r}" for row in (2, 7))
    # The rate of step 5, the fifth of twelve, on half a cosine.
    assert line == (
        "the loss broke in step 5 (epoch 2, learning rate 0.375, loss scale 1024): 2 of the batch's 8 examples have "
        f"such a loss: {named} (bad_batch.csv has them all); do this, in another --run_dir; the last good checkpoint "
        "is kept"
    )
    rows = read_rows(run.folder.path / "bad_batch.csv")
    assert list(rows[0]) == ["step", "example_id", "path", "label", "finite"]
    assert [int(row["example_id"]) for row in rows] == ids.tolist()
    assert [row["finite"] for row in rows] == ["yes", "yes", "no", "yes", "yes", "yes", "yes", "no"]
    assert {row["step"] for row in rows} == {"5"}
    for row in rows:
        assert row["path"] == run.data.manifest.shown_path(int(row["example_id"]))
        assert row["path"].startswith(row["label"] + "/")


@pytest.mark.parametrize("bad_rows", [(), range(8)])
def test_where_none_or_all_are_bad_the_batchs_first_ones_are_named(bad_rows, run):
    line = explain(trouble(1, bad_rows), run)
    ids = run.order.rows(0).example_ids[:4]
    named = ", ".join(f"{example_id} {run.data.manifest.shown_path(example_id)!r}" for example_id in ids)
    assert f"(epoch 1, learning rate 0.5): the batch has 8 examples: {named} and 4 more (bad_batch.csv" in line


def test_padding_is_no_example(run):
    line = explain(trouble(3, range(8)), run)
    assert "the batch has 4 examples: " in line
    assert " more" not in line
    rows = read_rows(run.folder.path / "bad_batch.csv")
    assert [int(row["example_id"]) for row in rows] == run.order.rows(2).example_ids[:4].tolist()


def test_the_news_survives_a_folder_that_cannot_be_written(run):
    run.folder.path.write_text("a file where the folder should be")
    line = explain(trouble(1), run)
    assert "the loss broke in step 1 " in line
    assert "(bad_batch.csv could not be written: " in line


def test_numbers_and_memory_that_end_a_run_are_one_line_for_the_user(run):
    with pytest.raises(UserError, match=r"^the loss broke in step 1 .* is kept$"), naming_trouble(run):
        raise NumbersError(trouble(1))
    words = (
        r"^not enough memory for --model=residual_small with --global_batch_size=8 at --image_size=96 \(OOM\): lower"
    )
    with pytest.raises(UserError, match=words), naming_trouble(run):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM\nand more")
