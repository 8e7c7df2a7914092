"""Augmented batches: Penstock's warm pack against Keras's ImageDataGenerator, interleaved, medians of ROUNDS.

python benchmarks/batch_speed.py --data_dir=../shared/data/catdog_data

Same folder, same output (112x112x3 float32 in [0, 1], batch 64), same augmentation (the catdog report's).
"""

import statistics
import tempfile
import time
from pathlib import Path

import path_to_penstock  # noqa: F401 - makes the checkout importable
from absl import app, flags

import commandline

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/catdog_data", "the catdog folders")
flags.DEFINE_integer("rounds", 5, "interleaved rounds")
SIZE, BATCH = 112, 64
OURS_BATCHES, RIVAL_BATCHES = 400, 8


def main(_) -> None:
    """Prints images/s of both and their ratio."""
    commandline.import_tensorflow()
    ours, rival = penstock_batches(), generator_batches()
    figures = {"penstock": [], "ImageDataGenerator": []}
    for _ in range(FLAGS.rounds):
        figures["penstock"].append(images_per_second(ours, OURS_BATCHES))
        figures["ImageDataGenerator"].append(images_per_second(rival, RIVAL_BATCHES))
    for name, values in figures.items():
        print(f"{name:<20}{statistics.median(values):9.0f} images/s  ({min(values):.0f} to {max(values):.0f})")
    ratios = [a / b for a, b in zip(*figures.values(), strict=True)]
    print(f"{'ratio':<20}{statistics.median(ratios):9.1f}  ({min(ratios):.1f} to {max(ratios):.1f})")


def images_per_second(batches, count: int) -> float:
    """Of `count` batches from an endless iterator that is already warm."""
    began = time.perf_counter()
    for _ in range(count):
        next(batches)
    return count * BATCH / (time.perf_counter() - began)


def penstock_batches():
    """An endless iterator of augmented batches from the pack, past its first epoch."""
    from jobs.prepare import prepare_data
    from pipeline.graph import make_train_dataset
    from pipeline.order import Order
    from reports.progress import Reporter
    from sources.catalog import open_catalog
    from training.options import resolve

    cache = Path(tempfile.mkdtemp(prefix="penstock-benchmark-"))
    options = resolve("catdog", {"data_dir": FLAGS.data_dir, "cache": "pack"})
    catalog = open_catalog("catdog", FLAGS.data_dir, cache)
    data = prepare_data(options, catalog, cache, Reporter())
    order = Order(data.splits.ids["train"], BATCH, 1, shuffle=True)
    dataset = make_train_dataset(
        order, data.pixels, data.manifest.labels, options.augment,
        seed=1, full_scale=data.full_scale, first_step=0, last_step=10**9,
    )  # fmt: skip
    batches = iter(dataset)
    for _ in range(order.steps_per_epoch):
        next(batches)
    return batches


def generator_batches():
    """The report's own generator; its second batch on."""
    import tensorflow as tf

    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rescale=1 / 255, rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.1,
        zoom_range=0.2, horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    flow = generator.flow_from_directory(
        f"{FLAGS.data_dir}/train", target_size=(SIZE, SIZE), batch_size=BATCH, class_mode="binary", seed=1
    )
    next(flow)
    return (batch for batch in flow if len(batch[0]) == BATCH)


if __name__ == "__main__":
    app.run(main)
