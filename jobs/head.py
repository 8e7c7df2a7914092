"""A run as its head's epochs see it: frozen features, computed once, in the place of pictures."""

import dataclasses

import keras

from evaluation.features import FeatureFormat, features_identity, open_or_build_features
from jobs.run import Run
from pipeline.augment.options import AugmentOptions
from pipeline.pixels import PackedPixels


def on_features(run: Run, model: keras.Model) -> Run:
    """`run`, whose pictures are what the backbone of `model` makes of them; nothing is augmented, as the features are
    those of the pictures as they are.

    They come out of the cache folder, or are computed now, which is said, once a run: the backbone stays as it is,
    whatever the head has learnt. Raises UserError and Stopped as `open_or_build_features`.
    """
    if "features" not in run.kept:
        run.kept["features"] = _on_features(run, model)
    return run.kept["features"]


def _on_features(run: Run, model: keras.Model) -> Run:
    identity = features_identity(run.options.model.known_by, run.hardware)
    features = open_or_build_features(model, run.data, run.cache_dir, identity, run.watch,
                                      run.options.model.test_time_flip)  # fmt: skip
    pixels = PackedPixels(features, FeatureFormat(features.shape[-1]))
    uncropped = dataclasses.replace(run.options.data, pack_size=None)
    options = dataclasses.replace(run.options, augment=AugmentOptions(), data=uncropped)
    data = dataclasses.replace(run.data, pixels=pixels, larger_pixels=None)
    return dataclasses.replace(run, options=options, data=data)
