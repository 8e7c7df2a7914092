"""Where the shared pictures are; whoever needs them looks first whether they are there."""

import os
from pathlib import Path

DATA = Path(os.environ.get("PENSTOCK_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
ODD = DATA / "odd_images"
