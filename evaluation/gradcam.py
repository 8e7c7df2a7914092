"""Grad-CAM: which places of a picture spoke for a class, by a network's last grid of features.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization" (2017), add up that
grid's channels, each weighted by the mean gradient of the class's logit over all places, and cut off what speaks
against the class. Here a gradient is left at its own place, as Draelos & Carin do ("Use HiResCAM instead of Grad-CAM
for faithful explanations of convolutional neural networks", 2020): the same where a network averages its features
over the places, and all but those gradients are alike; where it flattens them, the mean of what speaks for the class
in one place and against it in all others is below 0, and no map is left.

A network is looked at while it computes, by what its layers give: models within models and a user's own classes need
no taking apart, and only what comes after the grid is differentiated.
"""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

_MOVING = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)  # of which a place is another of the picture
_BATCH_PIXELS = 500_000  # of pictures at once: the first layers of a large network hold hundreds of bytes for each


@dataclasses.dataclass(frozen=True)
class Grid:
    """What a layer gives: channels at `rows` x `columns` places of the picture."""

    layer: keras.Layer
    rows: int
    columns: int

    def __str__(self):
        return f"the {self.rows} x {self.columns} places of layer {self.layer.name!r}"


def last_grid(model: keras.Model) -> Grid | None:
    """The last grid of more than one place, [batch, rows, columns, channels], that weights have part in; None where
    there is none, or what follows weighs a sequence, [batch, tokens, channels].

    `model` takes pictures, float32 [batch, height, width, channels]; it is asked about a black one.
    """
    heard: list[tuple[keras.Layer, object]] = []
    with _listening(_layers_of(model), lambda layer, given: heard.append((layer, given))):
        model(tf.zeros([1, *model.input_shape[1:]]), training=False)
    found, last, has_weighed = None, None, False
    for layer, given in heard:
        has_weighed = has_weighed or bool(layer.weights)
        # A model within the model gives what its last layer gave.
        if isinstance(layer, _MOVING):
            continue
        if _has_places(given, rank=4) and has_weighed and given is not last:
            found, last = Grid(layer, *given.shape[1:3]), given
        elif _has_places(given, rank=3) and layer.weights:
            found = None
    return found


def class_maps(model: keras.Model, grid: Grid, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each place spoke for a class: float32 [n, height, width] in [0, 1].

    Of each picture the place of the grid that spoke for it most is 1, and none is where nothing did; the grid is
    enlarged to the picture bilinearly. A picture's map depends on no other picture.

    Args:
      model: [n, height, width, channels] -> logits, [n, classes], or [n, 1], that of class 1, for two classes.
      grid: that of `last_grid`.
      images: float32 [n, height, width, channels] in [0, 1], n at least 1.
      classes: int [n], in [0, classes).
    """
    rows = max(1, _BATCH_PIXELS // math.prod(images.shape[1:3]))
    starts = range(0, len(images), rows)
    return np.concatenate(
        [_maps(model, grid.layer, images[one : one + rows], classes[one : one + rows]) for one in starts]
    )


def _maps(model: keras.Model, layer: keras.Layer, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    grids: list[tf.Tensor] = []
    # Of what comes before the grid nothing is recorded: eagerly, as to trace a network takes longer than this.
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def hear(_, grid):
            tape.watch(grid)
            grids.append(grid)

        with _listening([layer], hear):
            logits = model(tf.convert_to_tensor(images, tf.float32), training=False)
        score = tf.reduce_sum(_logits_of(logits, classes))
    grid = tf.cast(grids[-1], tf.float32)  # of a layer that is called more than once, the last
    gradients = tape.gradient(score, grids[-1], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    maps = tf.nn.relu(tf.reduce_sum(tf.cast(gradients, tf.float32) * grid, axis=-1, keepdims=True))
    maps = tf.math.divide_no_nan(maps, tf.reduce_max(maps, axis=(1, 2, 3), keepdims=True))
    return tf.image.resize(maps, images.shape[1:3], "bilinear")[..., 0].numpy()


def _logits_of(logits: tf.Tensor, classes: np.ndarray) -> tf.Tensor:
    """[n]: of each picture that of its class; class 0 of a single logit speaks by its negative."""
    logits, classes = tf.cast(logits, tf.float32), tf.convert_to_tensor(classes, tf.int32)
    if logits.shape[-1] == 1:
        return tf.where(classes == 1, logits[:, 0], -logits[:, 0])
    return tf.gather(logits, classes, batch_dims=1)


def _has_places(given: object, rank: int) -> bool:
    """Whether it is a tensor of numbers with more than one place between its first axis and its last."""
    is_tensor = isinstance(given, tf.Tensor) and given.dtype.is_floating and len(given.shape) == rank
    return is_tensor and math.prod(given.shape[1:-1]) > 1


def _layers_of(model: keras.Model) -> list[keras.Layer]:
    """All layers within, those of models and of layers too, each once."""
    return list({id(layer): layer for layer in model._flatten_layers(include_self=False)}.values())


@contextlib.contextmanager
def _listening(layers: Iterable[keras.Layer], hear: Callable[[keras.Layer, object], None]) -> Iterator[None]:
    """A block in which `hear` is told what each call of one of `layers` gives, in the order in which they are done."""
    before = {layer: vars(layer).get("call") for layer in layers}
    for layer in before:
        layer.call = _told(layer, hear)
    try:
        yield
    finally:
        for layer, own in before.items():
            del layer.call
            if own is not None:
                layer.call = own


def _told(layer: keras.Layer, hear: Callable[[keras.Layer, object], None]) -> Callable:
    call = layer.call

    @functools.wraps(call)
    def told(*arguments, **named):
        given = call(*arguments, **named)
        hear(layer, given)
        return given

    return told
