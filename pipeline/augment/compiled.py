"""Operations -> one function that XLA compiles."""

import functools
from collections.abc import Callable

from pipeline.augment.operation import Operation
from pipeline.decoding.pixel_format import PixelFormat


@functools.cache
def compiled(operations: tuple[Operation, ...], pixel_format: PixelFormat) -> Callable[[dict], dict]:
    """Batch -> batch, by these operations one after the other, fused; kept, because it takes a second to compile."""
    import tensorflow as tf

    def apply(batch: dict) -> dict:
        batch = batch | {"unchanged": batch["image"]}
        for operation in operations:
            batch = operation.apply(batch, pixel_format)
        del batch["unchanged"]
        return batch

    return tf.function(apply, jit_compile=True, autograph=False)
