"""Floating-point operations of a training step, counted from the model's shapes.

Forward, a layer with a kernel multiplies and adds each of its weights once at every place of its output: a convolution
2 x kernel height x kernel width x (input channels / groups) x output channels x output height x output width, a Dense
layer 2 x inputs x outputs. Backward costs twice as much again, one product for the gradient of the inputs and one for
that of the weights, hence 3 x forward for a step (Kaplan et al., "Scaling Laws for Neural Language Models",
arXiv:2001.08361, section 2.1). The first layer needs no gradient of the pictures, so that this counts it half as much
again as it costs; pooling, normalization, activations, augmentation and the optimizer are left out.
"""

import math

import keras

STEP_OVER_FORWARD = 3


def forward_flops(model: keras.Model) -> int:
    """Multiplications and additions for one picture, in the model's own convolution and Dense layers.

    Raises ValueError for a model without such a layer, or with a model inside, whose layers would go uncounted.
    """
    nested = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    counted = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    if nested or not counted:
        raise ValueError(f"{model.name} cannot be counted: nested models {nested}, {len(counted)} layers with a kernel")
    return sum(_layer_flops(layer) for layer in counted)


def step_flops(model: keras.Model) -> int:
    """Multiplications and additions of a training step, for each picture of the batch."""
    return STEP_OVER_FORWARD * forward_flops(model)


def _layer_flops(layer: keras.layers.Layer) -> int:
    # A kernel is [height, width, input channels / groups, output channels] or [inputs, outputs], the output
    # [batch, height, width, channels] or [batch, outputs].
    places = math.prod(layer.output.shape[1:-1])
    return 2 * math.prod(layer.kernel.shape) * places
