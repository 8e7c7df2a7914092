"""Measures Penstock against its peers and its own limits, line by line, and writes results.json and the table of
docs/speed.md.

python -m benchmarks.bench                       every line, about an hour on two cores: what `make bench` runs
python -m benchmarks.bench --only=warm,training  these lines alone; the others keep their figures
python -m benchmarks.bench --only=accuracy       two and a half hours more: against whole programs, how soon how good
python -m benchmarks.bench --quick               that every line runs; measures nothing and writes nothing
"""

import importlib
import signal
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags

from benchmarks import results, table
from benchmarks.lines import LINES, LONG_LINES
from benchmarks.settings import Settings

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/catdog_data", "the catdog folders")
flags.DEFINE_integer("rounds", 5, "how often the rivals take turns; medians want 5 at least")
flags.DEFINE_list("only", [], "these lines alone")
flags.DEFINE_integer("largest", 1_000_000, "files of the growth line")
flags.DEFINE_bool("quick", False, "one round of the smallest sizes; writes nothing")


def main(_) -> None:
    """Runs the lines one after another; what each gave is kept as soon as it is there."""
    # A stop on request must not leave a million files behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    for name in chosen_lines():
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="penstock-benchmark-") as scratch:
            rows = importlib.import_module(f"benchmarks.lines.{name}").measure(make_settings(Path(scratch)))
        print(f"{name}, {time.monotonic() - began:.0f} s")
        print("\n".join(table.plain(rows)), flush=True)
        if not FLAGS.quick:
            results.keep(name, rows)
            table.write_page()


def chosen_lines() -> list[str]:
    """--only, or all but those of hours."""
    known = (*LINES, *LONG_LINES)
    unknown = [name for name in FLAGS.only if name not in known]
    if unknown:
        raise SystemExit(f"--only={unknown[0]}: the lines are {', '.join(known)}")
    return FLAGS.only or list(LINES)


def make_settings(scratch: Path) -> Settings:
    """From the flags; with --quick one round and few files."""
    data_dir = Path(FLAGS.data_dir).absolute()
    if not (data_dir / "train").is_dir():
        raise SystemExit(f"--data_dir={FLAGS.data_dir}: the catdog folders are not there")
    if FLAGS.quick:
        return Settings(data_dir, scratch, rounds=1, quick=True, largest=1000)
    return Settings(data_dir, scratch, FLAGS.rounds, largest=FLAGS.largest)


if __name__ == "__main__":
    app.run(main)
