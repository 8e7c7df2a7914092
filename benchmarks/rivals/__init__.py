"""A module a rival: `batches(data_dir)` is an endless iterator of [64, 112, 112, 3] float32 pictures in [0, 1]."""

SIZE, BATCH = 112, 64
