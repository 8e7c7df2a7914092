"""What a user's own network must be; each check names what is wrong and the fix, before anything is trained."""

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from models.hub_preset import HubPreset
from models.network_file import NetworkFile

_PASSED_ON = ("Identity", "Cast", "Reshape", "Squeeze")  # operations that leave a probability one
_PROBABILITIES = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
# Operations that draw from a state that no checkpoint holds.
_DRAWS = {"RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "RandomGamma", "Multinomial",
          "ParameterizedTruncatedNormal", "RandomPoissonV2", "RandomShuffle"}  # fmt: skip
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_LEAST_SCALE = 1 / 64  # below it a Rescaling is meant for pixels up to 255


def check_model(file: NetworkFile | HubPreset, model: object) -> None:
    """Raises UserError where `model` is none of Keras's."""
    if not isinstance(model, keras.Model):
        kind = "nothing" if model is None else f"a {type(model).__module__}.{type(model).__name__}"
        raise UserError(f"{file}: it returns {kind}; return the keras.Model, of Keras {keras.__version__}")


def check_input(file: NetworkFile | HubPreset, model: keras.Model, pixel_shape: tuple[int, int, int]) -> None:
    """Raises UserError where a Functional or Sequential model does not take [batch, *pixel_shape] float32 in [0, 1]."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UserError(
            f"{file}: the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; give it one of each"
        )
    (taken,) = model.inputs
    fits = len(taken.shape) == 4 and all(
        size in (None, wanted) for size, wanted in zip(taken.shape[1:], pixel_shape, strict=True)
    )
    if not fits or taken.dtype not in ("float32", "bfloat16", "float16"):
        raise UserError(
            f"{file}: the model takes {taken.dtype} {_shown(taken.shape)}; it is fed float32 "
            f"{_shown((None, *pixel_shape))} in 0 to 1: begin with keras.Input(pixel_shape)"
        )
    _check_range(file, model, taken)


def _check_range(file: NetworkFile | HubPreset, model: keras.Model, taken: keras.KerasTensor) -> None:
    for layer in model.layers:
        if not _is_fed(layer, taken):
            continue
        if isinstance(layer, keras.Model) and hasattr(layer, "inputs"):
            _check_range(file, layer, layer.inputs[0])
        if _expects_255(layer):
            raise UserError(
                f"{file}: its first layer, {layer.name!r}, is meant for pixels up to 255, and they are 0 to 1: leave "
                "it out, or put keras.layers.Rescaling(255.0) before it"
            )


def _is_fed(layer: keras.Layer, tensor: keras.KerasTensor) -> bool:
    return any(node.input_tensors and node.input_tensors[0] is tensor for node in layer._inbound_nodes)


def _expects_255(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.Rescaling):
        return np.max(layer.scale) < _LEAST_SCALE
    return isinstance(layer, keras.layers.Normalization) and np.max(layer.input_mean or 0) > 1


def check_logits(file: NetworkFile | HubPreset, logits: object, num_classes: int) -> None:
    """Raises UserError where the output is not [batch, num_classes], or [batch, 1] for two classes."""
    shape = tuple(logits.shape) if isinstance(logits, keras.KerasTensor) else None
    if shape and len(shape) == 2 and (shape[1] == num_classes or (shape[1], num_classes) == (1, 2)):
        return
    given = _shown(shape) if shape else f"a {type(logits).__name__}"
    also = ", or [batch, 1]" if num_classes == 2 else ""
    raise UserError(
        f"{file}: the model gives {given} for {num_classes} classes; it must give [batch, {num_classes}]{also}"
    )


def check_computation(file: NetworkFile | HubPreset, network: keras.Model) -> None:
    """Raises UserError where the network gives probabilities, learns nothing, draws from or keeps what no checkpoint
    holds, or calls Python, which an exported model cannot."""
    if not network.trainable_variables:
        raise UserError(f"{file}: the model has no variable that training changes")
    graph = _graph_of(network)
    operations = _operations(graph)
    if drawn := sorted(operations & _DRAWS):
        raise UserError(
            f"{file}: a layer draws by tf.random ({', '.join(drawn)}), whose state no checkpoint holds: draw by "
            "keras.random with seed=self.seed_generator, a keras.random.SeedGenerator made in the layer's __init__"
        )
    if operations & _PYTHON:
        raise UserError(f"{file}: a layer calls Python (tf.py_function or tf.numpy_function), which cannot be exported")
    _check_variables(file, network, graph)
    if activation := _ends_in(graph) or _sums_to_one(network):
        raise UserError(
            f"{file}: the model gives probabilities ({activation}); it must give logits: leave the last activation out"
        )


def _graph_of(network: keras.Model) -> tf.Graph:
    """What a step computes."""
    call = tf.function(lambda images: network(images, training=True), autograph=False)
    return call.get_concrete_function(tf.TensorSpec(network.input_shape, tf.float32)).graph


def _operations(graph: tf.Graph) -> set[str]:
    definition = graph.as_graph_def()
    inner = [node for function in definition.library.function for node in function.node_def]
    return {node.op for node in (*definition.node, *inner)}


def _check_variables(file: NetworkFile | HubPreset, network: keras.Model, graph: tf.Graph) -> None:
    known = {id(variable.value.handle) for variable in network.variables}
    foreign = [handle for handle in graph.external_captures if handle.dtype == tf.resource and id(handle) not in known]
    if foreign:
        raise UserError(
            f"{file}: {len(foreign)} variables that the model uses are none of its own, and no checkpoint would hold "
            "them: make variables by self.add_weight, and draw with a seed=keras.random.SeedGenerator(...) that the "
            "layer's __init__ makes"
        )


def _ends_in(graph: tf.Graph) -> str:
    """ "softmax" or "sigmoid" where the graph's output is that of one; else empty."""
    operation = graph.outputs[0].op
    while operation.type in _PASSED_ON:
        operation = operation.inputs[0].op
    return _PROBABILITIES.get(operation.type, "")


def _sums_to_one(network: keras.Model) -> str:
    images = np.random.default_rng(0).random((4, *network.input_shape[1:]), dtype=np.float32)
    rows = np.asarray(network(images, training=False))
    is_one = rows.shape[1] > 1 and rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    return "its numbers sum to 1" if is_one else ""


def _shown(shape: tuple) -> str:
    return f"[{', '.join(['batch', *map(str, shape[1:])])}]"
