"""The Keras layers that every model here is made of: named, seeded by their name, regularised alike."""

import keras

from models.options import ModelOptions


class Dropout(keras.layers.Layer):
    """Keras' Dropout, with the path of its seed state made from the layer's name.

    Keras' own takes that path from a counter of the process ("seed_generator_3"), so that a checkpoint
    would depend on what else the process has built. `model.variables` holds the state, `model.weights` not.
    """

    def __init__(self, rate: float, seed: int, noise_shape: tuple | None = None, **settings):
        super().__init__(**settings)
        self.rate = rate
        self.seed = seed
        self.noise_shape = noise_shape
        self.seed_generator = keras.random.SeedGenerator(seed, name=f"{self.name}_mask")

    def call(self, inputs, training=False):
        """`inputs` with a fraction `rate` of them 0 and the others scaled up, while training; else unchanged."""
        if not training:
            return inputs
        return keras.random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)

    def get_config(self) -> dict:
        """The arguments that build the layer again."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class LayerScale(keras.layers.Layer):
    """ConvNeXt's learned factor a channel, as in keras.applications but with a named variable."""

    def __init__(self, init_values: float, projection_dim: int, **settings):
        super().__init__(**settings)
        self.init_values = init_values
        self.projection_dim = projection_dim

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


def convolution(
    options: ModelOptions,
    name: str,
    filters: int,
    initializer: type[keras.initializers.Initializer] = keras.initializers.GlorotUniform,
    **settings,
) -> keras.layers.Conv2D:
    """A linear convolution, 3x3 unless `settings` (Conv2D's own) holds another kernel_size."""
    return keras.layers.Conv2D(
        filters,
        settings.pop("kernel_size", 3),
        kernel_initializer=initializer(seed=options.seed_for(f"{name}/kernel")),
        kernel_regularizer=regularizer(options),
        name=name,
        **settings,
    )


def dense(options: ModelOptions, name: str, units: int, **settings) -> keras.layers.Dense:
    """A Dense layer; `settings` are Dense's own."""
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=options.seed_for(f"{name}/kernel")),
        kernel_regularizer=regularizer(options),
        name=name,
        **settings,
    )


def regularizer(options: ModelOptions) -> keras.regularizers.Regularizer | None:
    """The L2 penalty of a kernel, or None; Keras collects it in `model.losses`."""
    return keras.regularizers.L2(options.l2) if options.l2 else None
