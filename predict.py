"""Files and folders of pictures -> class and probability, from a run folder or a bare SavedModel.

python predict.py --run=runs/catdog/2026-01-31-120000 holiday.jpg
python predict.py --run=runs/catdog/2026-01-31-120000 --csv=out.csv pictures/
python predict.py --run=exported/saved_model holiday.jpg pictures/
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("predict")
