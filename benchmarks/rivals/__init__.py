"""A module a rival: `batches(data_dir)` is an endless iterator of [64, 112, 112, 3] float32 pictures in [0, 1].

Two differ. `jpeg_floor` gives lists of uint8 pictures of their own sizes; `penstock_packing` and `penstock_epoch` have
a `turn`, as `benchmarks.worker` says. All read the training pictures of one folder and draw the catdog report's
augmentation: rotation 20 degrees, shift 0.2, shear 0.1 degrees, zoom 0.2, mirrored half of the time, edges repeated.
"""

SIZE, BATCH = 112, 64
