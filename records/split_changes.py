"""How the pictures of one run's split.csv differ from those of another's, in words."""

from collections.abc import Sequence

from records.tables import SplitRow


def changed_pictures(old: Sequence[SplitRow], new: Sequence[SplitRow]) -> list[str]:
    """A line each for those that are new, gone, and changed in their bytes or class; the first of them by name."""
    before, now = ({row.path: (row.sha256, row.label) for row in table} for table in (old, new))
    groups = {
        "new": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "changed": {path for path in now.keys() & before.keys() if now[path] != before[path]},
    }
    return [f"{what} pictures: {len(paths)}, as {min(paths)!r}" for what, paths in groups.items() if paths]


def moved_pictures(old: Sequence[SplitRow], new: Sequence[SplitRow]) -> list[str]:
    """A line where pictures are in another split than before."""
    before, now = ({row.path: row.split for row in table} for table in (old, new))
    moved = sorted(path for path in now.keys() & before.keys() if now[path] != before[path])
    if not moved:
        return []
    return [f"pictures in another split: {len(moved)}, as {moved[0]!r}: {before[moved[0]]} -> {now[moved[0]]}"]
