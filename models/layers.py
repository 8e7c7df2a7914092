"""The Keras layers that every model here is made of: named, seeded by their name, regularized alike."""

import contextlib
import contextvars
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from models.options import ModelOptions

DROPOUT = 0.2  # of the features, where a model has no rate of its own


class Dropout(keras.layers.Layer):
    """Dropout whose mask follows the layer's seed, the step and the example's row in the global batch.

    Keras' own repeats one mask on every replica, because the seed's state is mirrored. Here each replica draws the
    global batch's mask and keeps its own rows: no two rows share one, and any number of replicas drops the same units
    of the same example. What is drawn is small (a few features, or one number a row), so drawing it once a replica
    costs nothing. In float32 always: bfloat16 has 128 numbers below 1, float16 1024, so a rate would be rounded, and
    every precision drops the same units.

    The state's path comes from the layer's name. Keras takes it from a counter of the process ("seed_generator_3"), so
    that a checkpoint would depend on what else the process has built. `model.variables` holds it, `model.weights` not.
    """

    def __init__(self, rate: float, seed: int, noise_shape: tuple | None = None, **settings):
        """Args: `noise_shape` as in Keras, None for the rows: (None, 1, 1, 1) drops whole examples."""
        super().__init__(**settings)
        if noise_shape and noise_shape[0] is not None:
            raise ValueError(f"noise_shape is {noise_shape}: its first entry must be None, a mask a row")
        self.rate, self.seed, self.noise_shape = rate, seed, noise_shape
        self.seed_generator = keras.random.SeedGenerator(seed, name=f"{self.name}_mask")

    def call(self, inputs, training=False):
        """`inputs` with a fraction `rate` of them 0 and the others scaled up, while training; else unchanged."""
        if not training or not self.rate or not self.trainable:  # a frozen layer computes as in evaluation
            return inputs
        replica = tf.distribute.get_replica_context()
        sizes = tf.shape(inputs)
        rows, rest = sizes[0], self.noise_shape or [None] * len(inputs.shape)
        mask_shape = [sizes[axis] if size is None else size for axis, size in enumerate(rest)][1:]
        seed = self.seed_generator.next()
        everybodys = tf.random.stateless_uniform([rows * replica.num_replicas_in_sync, *mask_shape], seed, alg="philox")
        first = rows * replica.replica_id_in_sync_group
        kept = everybodys[first : first + rows] >= self.rate
        return tf.where(kept, inputs * (1.0 / (1.0 - self.rate)), tf.zeros([], inputs.dtype))

    def get_config(self) -> dict:
        """The arguments that build the layer again."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


_REAL_ROWS = contextvars.ContextVar("real rows", default=None)


@contextlib.contextmanager
def real_rows(mask: tf.Tensor | None) -> Iterator[None]:
    """Calls of models in the block keep rows out of BatchNorm's statistics where `mask`, bool [batch], is False; None
    keeps all in, at no cost.

    A context and no argument of the call: a mask would have to pass every layer of a backbone on its way.
    """
    token = _REAL_ROWS.set(mask)
    try:
        yield
    finally:
        _REAL_ROWS.reset(token)


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's own, whose statistics leave out the rows that only pad a batch; see `real_rows`.

    Under Keras's name, by which files of weights know their layers. The last axis is that of the channels.

    Attributes:
      keeps_statistics: whether it computes with its moving statistics in training too, and leaves them as they are.
    """

    keeps_statistics = False

    def call(self, inputs, training=None, mask=None):
        """Keras's own function; of pictures, while training without padding, by the kernel that computes it at once.

        Keras makes a dozen passes over the pixels, in float32, which are half of a backbone's step on a CPU.
        """
        training = training and not self.keeps_statistics
        is_plain = training and self.trainable and _REAL_ROWS.get() is None and mask is None
        if not (is_plain and len(inputs.shape) == 4 and self.scale and self.center):
            return super().call(inputs, training=training, mask=mask)
        none = tf.zeros([0])
        outputs, mean, unbiased, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=none, variance=none, epsilon=self.epsilon
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance = unbiased * ((count - 1.0) / count)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return outputs

    def _moments(self, inputs, mask):
        """Mean and variance, float32 [channels], of what is called while training."""
        rows = _REAL_ROWS.get()
        if rows is None:
            return super()._moments(inputs, mask)
        is_real, axes = tf.reshape(rows, [-1] + [1] * (len(inputs.shape) - 1)), self._reduction_axes
        count = tf.reduce_sum(tf.cast(tf.broadcast_to(is_real, tf.shape(inputs)), inputs.dtype), axes)
        mean = tf.math.divide_no_nan(tf.reduce_sum(tf.where(is_real, inputs, 0.0), axes), count)
        apart = tf.where(is_real, inputs - mean, 0.0)
        variance = tf.math.divide_no_nan(tf.reduce_sum(tf.square(apart), axes), count)
        # A replica may have padding alone: what moves by its own value stays.
        moments, moving = (mean, variance), (self.moving_mean, self.moving_variance)
        return tuple(tf.where(count > 0, now, old) for now, old in zip(moments, moving, strict=True))


class LayerScale(keras.layers.Layer):
    """ConvNeXt's learned factor a channel, as in keras.applications but with a named variable."""

    def __init__(self, init_values: float, projection_dim: int, **settings):
        super().__init__(**settings)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape):
        """Makes `gamma`, [channels], all `init_values`."""
        start = keras.initializers.Constant(self.init_values)
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=start, name="gamma")

    def call(self, inputs):
        """`inputs` times `gamma`."""
        return inputs * self.gamma

    def get_config(self) -> dict:
        """The arguments that build the layer again."""
        return super().get_config() | {"init_values": self.init_values, "projection_dim": self.projection_dim}


def in_color(image: keras.KerasTensor) -> keras.KerasTensor:
    """[batch, height, width, 3], float32: a gray channel is repeated."""
    if image.shape[-1] == 3:
        return image
    return keras.layers.Concatenate(dtype="float32", name="gray_to_color")([image] * 3)


def normalizes_batches(model: keras.Model) -> bool:
    """Whether an example's output depends, in training, on those beside it."""
    kept = {variable.path for layer in opened(model.layers) if _keeps(layer) for variable in layer.variables}
    return any(path.endswith("moving_variance") for path in {variable.path for variable in model.variables} - kept)


def opened(layers: Iterable[keras.layers.Layer]) -> Iterator[keras.layers.Layer]:
    """The layers, with those of a model in place of it."""
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from opened(layer.layers)
        else:
            yield layer


def _keeps(layer: keras.layers.Layer) -> bool:
    """Whether training leaves its statistics, where it has some, as they are."""
    return not layer.trainable or getattr(layer, "keeps_statistics", False)


@dataclasses.dataclass(frozen=True)
class Layers:
    """The maker of one model's layers; `seed`, 0 or more, is that of its initial weights and its dropout."""

    options: ModelOptions
    seed: int

    def convolution(self, name: str, filters: int, kernel_size: int = 3, **settings) -> keras.layers.Conv2D:
        """A linear convolution; `settings` as of `dense`."""
        return keras.layers.Conv2D(filters, kernel_size, **self._named(name, **settings))

    def dense(self, name: str, units: int, **settings) -> keras.layers.Dense:
        """A Dense layer; `settings` are Keras's own, and the kernel's `initializer`, a class."""
        return keras.layers.Dense(units, **self._named(name, **settings))

    def logits(self, features: keras.KerasTensor, units: int, dropout: float = DROPOUT) -> keras.KerasTensor:
        """float32 [batch, units] of [batch, channels]; in training the options' fraction of these is dropped, or
        `dropout` where they say none."""
        rate = dropout if self.options.dropout is None else self.options.dropout
        if rate:
            features = Dropout(rate, self.seed_for("dropout/mask"), name="dropout")(features)
        # float32 under every policy: bfloat16 logits have 8 bits, too coarse a step for a loss or a probability.
        return self.dense("logits", units, dtype="float32")(features)

    def _named(self, name: str, initializer=keras.initializers.GlorotUniform, **settings) -> dict:
        kernel = initializer(seed=self.seed_for(f"{name}/kernel"))
        return settings | {"name": name, "kernel_initializer": kernel, "kernel_regularizer": self.regularizer()}

    def regularizer(self) -> keras.regularizers.Regularizer | None:
        """The L2 penalty of a kernel, or None; Keras collects it in `model.losses`."""
        return keras.regularizers.L2(self.options.l2) if self.options.l2 else None

    def seed_for(self, path: str) -> int:
        """The seed in [0, 2**31) of one random draw, named by its layer and role, say "block1_conv/kernel".

        By SHA-256 of "seed/path", so neither neighbouring seeds nor neighbouring layers share a stream.
        """
        digest = hashlib.sha256(f"{self.seed}/{path}".encode()).digest()
        # Keras folds seeds into int32; 31 bits pass every backend unchanged.
        return int.from_bytes(digest[:4], "big") >> 1
