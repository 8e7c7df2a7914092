"""The depth-face notebook's own way, as a rival: everything in one numpy array, Keras Sequential, fit, curves, save.

python -m benchmarks.programs.notebook_way FACES_DIR OUT_DIR EPOCHS reads the three class folders of FACES_DIR. The
notebook's train_test_split is a shuffled cut; it is written in numpy here, which spares this program the import of
scikit-learn. The batches are the 64 of Penstock's preset, not the 32 of Keras's default, which would be slower.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

BATCH = 64


def load(faces_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [pictures, 100, 100, 3] in [0, 1], int32 [pictures])."""
    images, labels = [], []
    for label, folder in enumerate(sorted(path for path in faces_dir.iterdir() if path.is_dir())):
        for path in sorted(folder.iterdir()):
            images.append(cv2.imread(str(path)))
            labels.append(label)
    return np.array(images, np.float32) / 255, np.array(labels, np.int32)


def split(images: np.ndarray, labels: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """60 of 100 to train on, 20 to validate, 20 to test, shuffled."""
    order = np.random.default_rng(1).permutation(len(images))
    first, second = int(0.6 * len(images)), int(0.8 * len(images))
    parts = zip(("train", "validation", "test"), np.split(order, [first, second]), strict=True)
    return {name: (images[rows], labels[rows]) for name, rows in parts}


def build_model() -> keras.Model:
    """Conv32-pool-Conv32-pool-Dense64-softmax."""
    blocks = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
              layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]  # fmt: skip
    head = [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((100, 100, 3)), *blocks, *head])


def plot(history: dict[str, list[float]], path: Path) -> None:
    """Loss and accuracy of both splits, side by side."""
    _, axes = plt.subplots(1, 2, figsize=(10, 4))
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(history[name], label="train")
        axis.plot(history[f"val_{name}"], label="validation")
        axis.set_title(name)
        axis.legend()
    plt.savefig(path)


def main(faces_dir: str, out_dir: str, epochs: int) -> None:
    """Loads, trains, scores, saves and draws."""
    splits = split(*load(Path(faces_dir)))
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        *splits["train"], validation_data=splits["validation"], epochs=epochs, batch_size=BATCH, verbose=2
    )
    loss, accuracy = model.evaluate(*splits["test"], verbose=0)
    print(f"test loss {loss:.4f} accuracy {accuracy:.4f}")
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    model.save(out / "model.keras")
    plot(history.history, out / "curves.png")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
