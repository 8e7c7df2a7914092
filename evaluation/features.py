"""Frozen features: what the first part of a model makes of every picture, computed once and kept like pixels.

They are a function of the pictures, the weights and what computes them, and their name in the cache is a hash of all
that: they cannot go stale. A head that is trained on them reads them as a run reads packed pixels.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base import durable, kill_points, row_file
from base.watch import SILENT, Watch
from evaluation.probabilities import split_batches
from models.heads import infer
from models.parts import feature_part, float32_twin
from pipeline.data import Data
from pipeline.decoding.pack import pack_key
from training.checkpoint import to_arrays, weights_sha256
from training.device import Hardware

# Raised by the author whenever the same weights come to mean another function: it is part of every key.
FEATURES_VERSION = 1
BATCH_PICTURES = 64  # a row's last bits may depend on its place in a batch and on the batch's size
_ROWS, _TABLE = "features.bin", "checksums.npz"


@dataclasses.dataclass(frozen=True)
class FeatureFormat:
    """What `PixelFormat` is to pixels, for features float32 [examples, channels]: `PackedPixels(features,
    FeatureFormat(channels))` gives batches whose "image" is features float32 [batch, channels]."""

    channels: int
    full_scale: int = 1  # features are used as they are
    height: int = 1  # of no picture: features are not augmented
    width: int = 1

    @property
    def dtype(self) -> np.dtype:
        """float32."""
        return np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int]:
        """(channels,)."""
        return (self.channels,)

    @property
    def nbytes(self) -> int:
        """Bytes of the features of one picture."""
        return self.channels * self.dtype.itemsize


def features_identity(model_name: str, hardware: Hardware) -> dict:
    """What features depend on besides the pictures and the weights, for `open_or_build_features`: the network, and
    what computes it, as another processor rounds otherwise."""
    return {
        "model": model_name,
        "processor": hardware.processor,
        "environment": dict(hardware.environment),
        "threads": hardware.threads,
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def open_or_build_features(
    model: keras.Model, data: Data, cache_dir: Path, identity: Mapping, watch: Watch = SILENT, flips: bool = False
) -> np.ndarray:
    """float32 [all examples, channels], by example id: `infer` with `feature_part(model)` of every picture that is in a
    split, as evaluation sees it, computed in float32 whatever the policy; 0 for the others.

    Memory-mapped out of the cache folder, where they are computed now if they are not there or are damaged; where
    another process is at it, this one waits. Where they cannot be kept they are in memory, which is said. `identity`
    is that of `features_identity`.

    Raises:
      UserError: the model has no such part, or a picture has changed.
      Stopped: somebody asked for it; nothing is left then.
    """
    part, ids = feature_part(model), np.sort(np.concatenate([*data.splits.ids.values()]))
    shape = (len(data.manifest), part.output_shape[-1])
    folder = cache_dir / "features" / features_key(part, data, ids, dict(identity) | {"flips": flips})
    began, shown = time.monotonic(), f"features    {len(ids):,} pictures x {shape[1]:,} numbers"

    def build(temporary: Path) -> None:
        rows = row_file.NewRows(temporary / _ROWS, np.dtype(np.float32), shape)
        _compute(part, data, ids, rows.write, watch, flips)
        rows.close(temporary / _TABLE)
        watch.say(f"{shown}, computed in {time.monotonic() - began:.1f} s, kept in {folder}")

    try:
        if (found := _open(folder, shape)) is not None:
            watch.say(f"{shown}, computed before, in {folder}")
            return found
        waiting = f"features    another process is computing the same features into {folder}: waiting for it"
        damaged = f"features    {folder} is damaged: computing them again"
        return row_file.open_or_make(folder, lambda: _open(folder, shape), build, waiting, damaged, watch)
    except durable.WriteError as error:
        watch.say(f"features    warning: they cannot be kept ({error.filename}: {error.strerror}), and are in memory")
        features = np.zeros(shape, np.float32)
        _compute(part, data, ids, features.__setitem__, watch, flips)
        return features


def features_key(part: keras.Model, data: Data, example_ids: np.ndarray, identity: Mapping) -> str:
    """Names the features that `part` makes of these examples: pictures as they are decoded, weights by value,
    `identity`. Dropout's state is none of the weights."""
    pixel_format = data.pixels.pixel_format
    pictures = (pack_key(data.manifest, pixel_format), pixel_format.full_scale)
    weights = weights_sha256(to_arrays(part.weights))
    known = [FEATURES_VERSION, BATCH_PICTURES, pictures, weights, dict(identity)]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(example_ids, np.int64).tobytes())
    return digest.hexdigest()[:32]


def _compute(
    part: keras.Model,
    data: Data,
    example_ids: np.ndarray,
    write: Callable[[int, np.ndarray], None],
    watch: Watch,
    flips: bool,
) -> None:
    twin, done = float32_twin(part), 0
    compute = tf.function(lambda images: infer(twin, images, flips), jit_compile=False, autograph=False)
    with data.pixels.naming_changes():
        for batch in split_batches(data, example_ids, BATCH_PICTURES):
            watch.check()
            is_real = batch["mask"].numpy()
            rows = compute(batch["image"]).numpy()[is_real]
            for example_id, row in zip(batch["example_id"].numpy()[is_real].tolist(), rows, strict=True):
                write(example_id, row)
            kill_points.reach("features.batch")
            done += len(rows)
            watch.progress(done, len(example_ids), "computing features")
    watch.close()


def _open(folder: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The features in `folder`, or None where they are absent, cut short or have a flipped bit."""
    try:
        return row_file.open_rows(folder / _ROWS, folder / _TABLE, np.dtype(np.float32), shape)[0]
    except (OSError, ValueError, KeyError):
        return None
