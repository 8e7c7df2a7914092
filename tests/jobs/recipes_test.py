"""What a model brings with it where the user says nothing: recipes of random and of published weights."""

import pytest

from jobs.options import SCRATCH_RECIPE, RunOptions, resolve


def test_random_weights_have_a_recipe_unless_the_model_has_its_own():
    plain = RunOptions().training
    for given, rate in (({}, 0.002), ({"model": "residual_wide"}, 0.002), ({"model": "mobilenet_v2"}, 0.001)):
        training = resolve("folder:x", given).training
        assert training == plain.changed(SCRATCH_RECIPE | {"learning_rate": rate})
        assert resolve("catdog", {"model": "residual_small"} | given).training == training
    for given in ({"model": "catdog_1"}, {"model": "mobilenet_v2", "weights": "/a/run"},
                  {"model": "mobilenet_v2", "weights": "imagenet"}):  # fmt: skip
        assert resolve("folder:x", given).training.optimizer == "adam"
    assert resolve("folder:x", {"optimizer": "sgd"}).training.optimizer == "sgd"


def test_few_epochs_have_a_shorter_warm_up():
    for epochs, warmup_epochs in ((1, 0.1), (10, 1.0), (20, 2.0), (100, 2.0)):
        assert resolve("folder:x", {"epochs": epochs}).training.warmup_epochs == warmup_epochs
    assert resolve("folder:x", {"train_minutes": 5.0}).training.warmup_epochs == 2.0
    assert resolve("folder:x", {"epochs": 1, "warmup_epochs": 0.5}).training.warmup_epochs == 0.5


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"weights": "imagenet"}, ((224, 224), 8, 3e-4, "cosine")),
        ({"weights": "/some/file.h5", "train": "head"}, ((224, 224), 20, 1e-3, "constant")),
        ({"weights": "imagenet", "image_size": 160, "epochs": 3}, ((160, 160), 3, 3e-4, "cosine")),
        ({"weights": "imagenet", "model": "xception"}, ((299, 299), 8, 3e-4, "cosine")),
        ({"weights": "/some/run"}, ((96, 96), 30, 1e-3, "constant")),
        ({}, ((96, 96), 60, 1e-3, "cosine")),
    ],
)
def test_published_weights_bring_their_size_and_a_recipe(given, expected):
    options = resolve("folder:x", {"model": "mobilenet_v2"} | given)
    training = options.training
    assert (options.data.image_sides, training.epochs, training.learning_rate, training.schedule) == expected
