"""Augmented batches of Penstock and its rivals, warm (pictures decoded before) and cold (from JPEG files).

python benchmarks/batch_speed.py --data_dir=../shared/data/catdog_data --line=warm

Same folder, same output (112x112x3 float32 in [0, 1], batch 64), same augmentation (the catdog report's).
"""

import json
from pathlib import Path

from absl import app, flags
from turns import summary, take_turns

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/catdog_data", "the catdog folders")
flags.DEFINE_enum("line", "warm", ("warm", "cold"), "which line of the table")
flags.DEFINE_integer("rounds", 5, "interleaved rounds")
flags.DEFINE_list("only", [], "these rivals alone")
flags.DEFINE_string("out", None, "a JSON file for the figures")
LINES = {
    "warm": ("penstock_pack", "image_data_generator", "keras_layers", "projective", "torch_loader", "grain_loader",
             "cv2_threads"),
    "cold": ("penstock_stream", "image_data_generator", "keras_layers_files", "torch_loader_files", "dali_files",
             "jpeg_floor"),
}  # fmt: skip


def main(_) -> None:
    """Prints images/s of each and the ratio of Penstock's to it."""
    names = LINES[FLAGS.line]
    names = [names[0], *(name for name in names[1:] if not FLAGS.only or name in FLAGS.only)]
    rows = summary(take_turns(names, FLAGS.data_dir, FLAGS.rounds), names[0])
    for name, row in rows.items():
        rate, low, high = row["images_per_second"]
        ratio, least, most = row["ratio"]
        print(
            f"{name:<22}{rate:9.0f} images/s ({low:.0f} to {high:.0f})   ratio {ratio:6.2f} ({least:.2f} to {most:.2f})"
        )
    if FLAGS.out:
        Path(FLAGS.out).write_text(json.dumps({FLAGS.line: rows}, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
