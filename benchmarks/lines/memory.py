"""The same job with 20 times the pictures: how much more memory it holds, page cache left out.

The pictures are links to the same files under other names, so one folder costs no disk to speak of. Each job is
train.py for one epoch of catdog_2 and all that comes after it: scores, export, report. Once each; memory is no matter
of chance.
"""

from pathlib import Path

from benchmarks import figures, processes
from benchmarks.settings import Settings

COPIES, LIMIT = 20, 1.15


def measure(settings: Settings) -> list[dict]:
    """GB held at most, 20 times the pictures over once, with a pack and without."""
    source, copies = settings.data_dir / "train", 3 if settings.quick else COPIES
    folders = {
        "once": link_copies(source, settings.scratch / "once", 1),
        "many": link_copies(source, settings.scratch / "many", copies),
    }
    rows = []
    for cache, words in (("pack", "packed"), ("none", "streaming")):
        held = {name: [_gigabytes(folder, cache, settings)] for name, folder in folders.items()}
        pictures = sum(1 for _ in source.glob("*/*"))
        what = f"memory with {copies} times the pictures, {words}"
        rows.append(
            figures.at_most_times(what, f"{pictures:,} pictures", held["many"], held["once"], unit="GB", limit=LIMIT)
        )
    return rows  # fmt: skip


def link_copies(source: Path, folder: Path, copies: int) -> Path:
    """`folder`, with the class folders of `source` and `copies` links to each of their files."""
    for path in source.glob("*/*"):
        place = folder / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        for number in range(copies):
            (place / f"{number:02d}-{path.name}").symlink_to(path.resolve())
    return folder


def _gigabytes(folder: Path, cache: str, settings: Settings) -> float:
    run_dir = settings.scratch / f"memory-{folder.name}-{cache}"
    command = processes.script(
        "train.py", f"--dataset=folder:{folder}", "--model=catdog_2", "--image_size=112", "--augment=report",
        "--epochs=1", f"--cache={cache}", f"--cache_dir={settings.scratch / f'cache-{cache}'}", f"--run_dir={run_dir}",
    )  # fmt: skip
    return processes.run(command).peak_bytes / 1e9
