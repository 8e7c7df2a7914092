"""Training catdog_2 with augmentation: train.py against the report's own way, interleaved, medians.

python benchmarks/training_speed.py --data_dir=../shared/data/catdog_data

Each round runs both as whole programs; the median of all epochs but the first counts. Memory is the largest resident
set of the process, input wait what train.py measured.
"""

import csv
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/catdog_data", "the catdog folders")
flags.DEFINE_integer("rounds", 5, "interleaved rounds")
HERE = Path(__file__).resolve().parent
EPOCHS, REPORT_EPOCHS = 5, 3  # an epoch of the report's way takes three times as long


def main(_) -> None:
    """Prints images/s of both, their ratio, and Penstock's memory and input wait."""
    ours, rival = [], []
    with tempfile.TemporaryDirectory(prefix="penstock-benchmark-") as scratch:
        for number in range(FLAGS.rounds):
            ours.append(run_penstock(Path(scratch), number))
            rival.append(run_report_way())
    rates, memory, wait = zip(*ours, strict=True)
    ratios = [a / b for a, b in zip(rates, rival, strict=True)]
    for name, values in (("penstock", rates), ("legacy generator + fit", rival)):
        print(f"{name:<26}{statistics.median(values):8.1f} images/s  ({min(values):.1f} to {max(values):.1f})")
    print(f"{'ratio':<26}{statistics.median(ratios):8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"{'resident memory':<26}{max(memory) / 1e9:8.2f} GB at most")
    print(f"{'input wait':<26}{100 * statistics.median(wait):8.2f} % of the steps' time")


def run_penstock(scratch: Path, number: int) -> tuple[float, float, float]:
    """(images/s, resident bytes at most, input wait fraction)."""
    run_dir = scratch / f"run-{number}"
    command = [sys.executable, str(HERE.parent / "train.py"), "--dataset=catdog", f"--data_dir={FLAGS.data_dir}",
               f"--epochs={EPOCHS}", f"--run_dir={run_dir}", f"--cache_dir={scratch / 'cache'}"]  # fmt: skip
    peak_bytes = run_watched(command)
    with open(run_dir / "history.csv", newline="") as file:
        warm = list(csv.DictReader(file))[1:]
    rate, wait = (statistics.median(float(row[name]) for row in warm)
                  for name in ("images_per_second", "input_wait_fraction"))  # fmt: skip
    return rate, peak_bytes, wait


def run_watched(command: list[str]) -> float:
    """Runs to the end; returns the largest resident set, in bytes."""
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.1):
                peak = max(peak, resident_bytes(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        done.set()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return peak


def resident_bytes(process_id: int) -> float:
    """VmRSS of a process: everything resident, mapped files included; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def run_report_way() -> float:
    """Images/s."""
    command = [sys.executable, str(HERE / "report_way.py"), FLAGS.data_dir, str(REPORT_EPOCHS)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rates = [float(line.split()[1]) for line in output.splitlines() if line.startswith("images_per_second")]
    return statistics.median(rates[1:])


if __name__ == "__main__":
    app.run(main)
