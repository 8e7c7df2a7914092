"""What the tests of frozen features share: loaded pictures, a small network, and what lies in the cache."""

import os

import keras
import numpy as np

from evaluation.features import features_identity
from models.options import ModelOptions
from models.zoo import build_model
from pipeline import data as pipeline_data
from pipeline.options import DataOptions
from pipeline.sources.folders import catalog_of_folder
from training.device import Hardware

HARDWARE = Hardware("CPU", None, 1, "float32", 2, False, (), "A CPU")
IDENTITY = features_identity("residual_small", HARDWARE)
OPTIONS = DataOptions(image_size=16)


def load(root, cache_dir, options=OPTIONS):
    overview = pipeline_data.look(catalog_of_folder(root), options, cache_dir, 2)
    return pipeline_data.load(overview, options, cache_dir, 2)


def model_of(policy="float32", seed=1, filters=(4, 8), side=16) -> keras.Model:
    keras.config.set_dtype_policy(policy)
    try:
        return build_model(ModelOptions(filters=filters), seed, 2, (side, side, 3))
    finally:
        keras.config.set_dtype_policy("float32")


def kept(cache_dir) -> list[str]:
    """What lies in the folder of the features, temporaries and locks included."""
    return sorted(os.listdir(cache_dir / "features")) if (cache_dir / "features").exists() else []


def explode(*_, **__):
    raise AssertionError("the features were computed again")


def used(data) -> np.ndarray:
    return np.sort(np.concatenate([*data.splits.ids.values()]))
