"""A network that a user's own function builds, made fit for a run: seeded, fed, padded and restored as ours are.

The function's layers stay the objects that they are, with the values that it gave them. Replaced are Keras's Dropout,
which repeats its mask on every replica, and BatchNormalization, whose statistics count the rows that only fill up a
batch, where they are layers of a Functional or Sequential model; inside layers of the user's own they stay.
"""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state

from base.errors import UserError
from models import network_checks as checks
from models.hub import function_of
from models.hub_preset import HubPreset
from models.layers import BatchNormalization, Dropout, Layers
from models.network_file import NetworkFile

# What Keras keeps of the process: how often each name was given, and the generator of who has none of his own.
_COUNTERS = ("object_name_uids", "global_seed_generator", "global_random_seed")


def build_network(
    file: NetworkFile | HubPreset, layers: Layers, num_classes: int, pixel_shape: tuple[int, int, int]
) -> keras.Model:
    """[batch, height, width, channels] float32 in [0, 1] -> float32 logits, [batch, num_classes], or [batch, 1] for two
    classes. Its weights, and the paths of its variables, are a function of the file and of the seed.

    Raises UserError where the function cannot be called, or gives something else.
    """
    function = file.load() if isinstance(file, NetworkFile) else function_of(file, layers)
    image = keras.Input(pixel_shape, dtype="float32", name="image")
    with fresh_draws(layers.seed_for("network")), file.naming_trouble():
        model = function(num_classes, pixel_shape)
        checks.check_model(file, model)
        if _is_a_graph(model):
            if not model.built:
                model.build((None, *pixel_shape))  # a Sequential without an Input
            checks.check_input(file, model, pixel_shape)
            logits = _rebuilt(model, image, layers)
        else:
            logits = model(image)
        checks.check_logits(file, logits, num_classes)
        if logits.dtype != "float32":
            logits = keras.layers.Identity(dtype="float32", name="float32_logits")(logits)
    network = keras.Model(image, logits, name=file.function)
    _regularize(network, layers)
    return network


def check_network(
    file: NetworkFile | HubPreset, layers: Layers, num_classes: int, pixel_shape: tuple[int, int, int]
) -> None:
    """Builds the network twice; raises UserError where it is not fit for training, or not twice the same.

    Not in a strategy's scope, where what a replica computes cannot be looked at.
    """
    network, again = (build_network(file, layers, num_classes, pixel_shape) for _ in range(2))
    for one, other in zip(network.variables, again.variables, strict=True):
        if one.path != other.path or not np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True):
            raise UserError(
                f"{file}: {one.path} is another one each time that the function is called: give your own generators a "
                "fixed seed (Keras's initializers, keras.random, random, numpy.random and tf.random have the run's)"
            )
    checks.check_computation(file, network)


@contextlib.contextmanager
def fresh_draws(seed: int) -> Iterator[None]:
    """A block in which all global generators begin at `seed`, and Keras's counters of names at nothing, as in a new
    process; afterwards they go on where they were, but for TensorFlow's, which nothing here draws from."""
    before = {name: global_state.get_global_attribute(name) for name in _COUNTERS}
    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    global_state.set_global_attribute("object_name_uids", None)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        tf.random.set_seed(None)
        for name, value in before.items():
            global_state.set_global_attribute(name, value)


def left_as_they_are(network: keras.Model) -> list[str]:
    """What of Keras's own layers is still in the network, and what that means, a line each."""
    inside = list(network._flatten_layers(include_self=False))
    norms = [layer.name for layer in inside if type(layer) is keras.layers.BatchNormalization]
    drops = [layer.name for layer in inside if type(layer) is keras.layers.Dropout]
    lines = []
    if norms:
        lines.append(f"{', '.join(norms)}: BatchNormalization inside another layer: the rows that only fill up the "
                     "last batch of an epoch count in its statistics")  # fmt: skip
    if drops:
        lines.append(f"{', '.join(drops)}: Dropout inside another layer: every replica drops the same units")
    return lines


def _is_a_graph(model: keras.Model) -> bool:
    """Whether the model is all that its layers and their connections say."""
    has_graph = isinstance(model, keras.Sequential) or hasattr(model, "outputs")
    return has_graph and type(model).call.__module__.startswith("keras.")


def _rebuilt(model: keras.Model, image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """What the model's layers make of `image`, with ours in the place of some, and the last one in float32."""
    last, news = _last_operation(model), []

    def replaced(layer: keras.Operation) -> keras.Operation:
        ours = _ours(layer, layers)
        if ours is not None:
            news.append((layer, ours))
            return ours
        layer._inbound_nodes.clear()  # its `output` is the one of the new graph
        if layer is last and isinstance(layer, keras.Layer):
            # bfloat16 logits have 8 bits, too coarse a step for a loss or a probability.
            layer.dtype_policy = "float32"
        return layer

    whole = keras.Model(model.inputs[0], model.outputs[0])
    logits = keras.models.clone_model(whole, image, clone_function=replaced, recursive=True).output
    for old, new in news:
        if isinstance(new, BatchNormalization):
            new.set_weights(old.get_weights())
    return logits


def _last_operation(model: keras.Model) -> keras.Operation:
    operation = model.outputs[0]._keras_history.operation
    return _last_operation(operation) if isinstance(operation, keras.Model) and _is_a_graph(operation) else operation


def _ours(layer: keras.Operation, layers: Layers) -> keras.Layer | None:
    """The layer of ours that takes the place of one of Keras's own; None where it stays."""
    if type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, 3) and not layer.synchronized:
        return BatchNormalization.from_config(layer.get_config())
    if type(layer) is keras.layers.SpatialDropout2D and layer.data_format == "channels_last":
        return _dropout(layer, (None, 1, 1, None), layers)
    if type(layer) is keras.layers.Dropout and not (layer.noise_shape and layer.noise_shape[0]):
        return _dropout(layer, layer.noise_shape, layers)
    return None


def _dropout(layer: keras.layers.Dropout, noise_shape: tuple | None, layers: Layers) -> Dropout:
    seed = layers.seed_for(f"{layer.name}/mask") if layer.seed is None else layer.seed
    return Dropout(layer.rate, seed, noise_shape, name=layer.name, dtype=layer.dtype_policy)


def _regularize(network: keras.Model, layers: Layers) -> None:
    for variable in network.trainable_variables:
        if variable.name.endswith("kernel") and variable.regularizer is None:
            variable.regularizer = layers.regularizer()
