"""NVIDIA DALI on the CPU, two threads: read, decode, resize, one affine warp, scale."""

import numpy as np
from nvidia.dali import fn, pipeline_def, types

from benchmarks.rivals import BATCH, SIZE, pictures


def batches(data_dir: str):
    """Its own reader shuffles; matrices are drawn outside."""
    generator = np.random.default_rng(1)

    @pipeline_def(batch_size=BATCH, num_threads=2, device_id=None, prefetch_queue_depth=2)
    def pipeline():
        encoded, _ = fn.readers.file(file_root=f"{data_dir}/train", random_shuffle=True, name="files")
        images = fn.resize(fn.decoders.image(encoded, device="cpu"), size=(SIZE, SIZE), antialias=True)
        matrices = fn.external_source(
            source=lambda: [pictures.drawn_matrix(generator).astype(np.float32) for _ in range(BATCH)]
        )
        warped = fn.warp_affine(images, matrix=matrices, inverse_map=True, interp_type=types.INTERP_LINEAR)
        return fn.cast(warped, dtype=types.FLOAT) * np.float32(1 / 255)

    built = pipeline()
    built.build()
    while True:
        (images,) = built.run()
        yield images.as_array()
