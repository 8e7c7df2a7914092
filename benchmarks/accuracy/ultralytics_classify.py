"""Ultralytics' way: `yolo classify train model=yolo11n-cls.yaml` with its own defaults, 224 pixels, its `time` for the
minutes, by which it plans its own epochs. Its best.pt is scored.
"""

import os
import shutil
from pathlib import Path

from benchmarks.accuracy.budget import arguments

SIDE = 224


def main() -> None:
    """Trains, and scores the test folder in the end."""
    data_dir, scratch, budget = arguments()
    os.environ["YOLO_CONFIG_DIR"] = str(scratch)  # its settings and fonts stay here
    os.environ["YOLO_OFFLINE"] = "true"
    from ultralytics import YOLO

    folder = scratch / "ultralytics"

    def copied() -> Path:
        return shutil.copy(folder / "weights" / "last.pt", scratch / f"{len(list(scratch.glob('*.pt')))}.pt")

    def keep(trainer) -> None:
        budget.keep(trainer.metrics["metrics/accuracy_top1"], copied)

    model = YOLO("yolo11n-cls.yaml")
    model.add_callback("on_model_save", keep)
    model.train(data=str(data_dir), imgsz=SIDE, time=budget.seconds_left / 3600, workers=2, project=str(scratch),
                name=folder.name, exist_ok=True, plots=False, verbose=False, seed=1)  # fmt: skip

    def score(path: Path) -> float:
        figures = YOLO(path).val(data=str(data_dir), split="test", imgsz=SIDE, project=str(scratch), plots=False,
                                 verbose=False)  # fmt: skip
        return float(figures.top1)

    budget.tell(score)


if __name__ == "__main__":
    main()
