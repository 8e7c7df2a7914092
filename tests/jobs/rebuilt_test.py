"""A finished run's model is built again from its folder: the best epoch's weights, its own text, no stranger's."""

import json

import keras
import numpy as np
import pytest

from base.errors import UserError
from jobs.options import resolve
from jobs.rebuilt import rebuilt_model, saved_options
from models.zoo import build_model
from records.history import COLUMNS
from records.run_folder import RunFolder
from training.checkpoint import Checkpoint, save_checkpoint, to_arrays

SHAPE = (16, 16, 3)
NETWORK = """
import keras

def build(num_classes, pixel_shape):
    return keras.Sequential([
        keras.Input(pixel_shape), keras.layers.Conv2D(4, 3, strides=2), keras.layers.BatchNormalization(),
        keras.layers.Flatten(), keras.layers.Dropout(0.3), keras.layers.Dense(num_classes)])
"""


def drawn(step: int, variables) -> list[np.ndarray]:
    """Values for the variables, other ones at each step."""
    generator = np.random.default_rng(step)
    return [generator.uniform(0.5, 1.5, value.shape).astype(value.dtype) if value.dtype.kind == "f" else value
            for value in to_arrays(variables)]  # fmt: skip


def finished(path, given, averages=False, network="") -> tuple[RunFolder, keras.Model]:
    """(a run folder with checkpoints of steps 10, 20 and 30, of which the second is the best; a model as its own)."""
    folder = RunFolder(path / "run")
    options = resolve("folder:here", {"threads": 2, "seed": 4} | given)
    model = build_model(options.model.to_restore(), options.seed, 3, SHAPE)
    history = [dict.fromkeys(COLUMNS, 0.5) | {"epoch": step // 10, "step": step, "phase": "all",
                                              "validation_accuracy": 0.9 if step == 20 else 0.5}
               for step in (10, 20, 30)]  # fmt: skip
    for step in (10, 20, 30):
        parts = {"model": model.variables} | ({"average": model.variables} if averages else {})
        arrays = {part: drawn(step + (100 if part == "average" else 0), model.variables) for part in parts}
        save_checkpoint(folder.checkpoints, Checkpoint(step, [], {}, arrays), parts)
    folder.options.write(options.to_json())
    folder.history.write(history)
    folder.results.write({"network_sha256": options.model.network.sha256 if options.model.network else None})
    if network:
        folder.network.write(network.encode())
    return folder, model


@pytest.mark.parametrize("averages", [False, True])
@pytest.mark.parametrize("given", [
    {"model": "residual_small", "filters": (4, 8)}, {"model": "catdog_1", "filters": (4, 6), "units": 5},
], ids=lambda given: given["model"])  # fmt: skip
def test_it_has_the_weights_of_the_best_epoch(given, averages, tmp_path):
    folder, model = finished(tmp_path, given, averages)
    rebuilt = rebuilt_model(folder.path, 3, SHAPE)
    expected = drawn(120 if averages else 20, model.variables)
    for variable, value in zip(rebuilt.variables, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)
    assert [one.path for one in rebuilt.variables] == [one.path for one in model.variables]


def test_a_network_of_the_users_own_is_built_from_the_text_that_was_kept(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    folder, model = finished(tmp_path, {"model": f"{tmp_path}/net.py:build"}, network=NETWORK)
    (tmp_path / "net.py").unlink()
    rebuilt = rebuilt_model(folder.path, 3, SHAPE)
    assert [one.path for one in rebuilt.variables] == [one.path for one in model.variables]
    np.testing.assert_array_equal(np.asarray(rebuilt.variables[0]), drawn(20, model.variables)[0])


def test_another_text_in_its_place_is_not_run(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    trap = f"open({str(tmp_path / 'run.txt')!r}, 'w')\n{NETWORK}"
    folder, _ = finished(tmp_path, {"model": f"{tmp_path}/net.py:build"}, network=trap)
    with pytest.raises(UserError, match=r"network\.py' is not what the run was built from: put it back"):
        rebuilt_model(folder.path, 3, SHAPE)
    assert not (tmp_path / "run.txt").exists()


def test_options_come_back_as_they_were_and_new_ones_have_their_defaults(tmp_path):
    given = {
        "model": "catdog_1",
        "filters": (4, 6),
        "augment": "strong",
        "crop_scale": (0.5, 1.0),
        "learning_rate": 0.5,
    }
    folder, _ = finished(tmp_path, given)
    written = resolve("folder:here", {"threads": 2, "seed": 4} | given)
    assert saved_options(folder) == written
    values = json.loads(folder.options.path.read_text())
    del values["training"]["momentum"], values["decision"]
    folder.options.write(values)
    assert saved_options(folder) == written


@pytest.mark.parametrize(("spoil", "word"), [
    (lambda folder: folder.options.path.unlink(), "is not a run folder"),
    (lambda folder: folder.options.path.write_text("[1]"), "is not a run folder"),
    (lambda folder: folder.options.path.write_text('{"model": 3}'), "is not a run folder"),
    (lambda folder: folder.history.path.unlink(), "the checkpoint of its best epoch cannot be used"),
    (lambda folder: folder.history.write([]), "the checkpoint of its best epoch cannot be used"),
    (lambda folder: (folder.checkpoints / "step-00000020" / "variables.npz").unlink(), "cannot be used"),
    (lambda folder: folder.path.joinpath("saved_model.pb").write_text(""), "is a SavedModel"),
])  # fmt: skip
def test_what_is_damaged_or_gone_is_one_line(spoil, word, tmp_path):
    folder, _ = finished(tmp_path, {"model": "residual_small", "filters": (4, 8)})
    spoil(folder)
    with pytest.raises(UserError, match=word) as told:
        rebuilt_model(folder.path, 3, SHAPE)
    assert "\n" not in str(told.value)


def test_a_run_of_other_classes_is_refused(tmp_path):
    folder, _ = finished(tmp_path, {"model": "residual_small", "filters": (4, 8)})
    with pytest.raises(UserError, match="cannot be used"):
        rebuilt_model(folder.path, 4, SHAPE)
