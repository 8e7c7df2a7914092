"""Rows for people."""

from collections.abc import Mapping

_WIDTHS = {"model": 15, "precision": 15, "xla": 4, "augment": 8, "batch": 6, "images/s": 10, "input wait": 11,
           "starved": 8, "peak MiB": 9, "TFLOP/s": 8, "of matmul": 10}  # fmt: skip


def speed_header() -> str:
    """The names of `speed_line`'s columns."""
    return "  ".join(name.ljust(width) for name, width in _WIDTHS.items()).rstrip()


def speed_line(row: Mapping) -> str:
    """One configuration: the job's fields, then its figures or why there are none."""
    cells = [row["model"], row["precision"], "on" if row["xla"] else "off", row["place"], str(row["global_batch_size"])]
    if "error" in row:
        cells.append(row["error"])
    else:
        cells += [f"{row['images_per_second']:.0f}", _percent(row["input_wait_fraction"]),
                  _percent(row["starved_fraction"]), f"{row['peak_bytes'] / 2**20:.0f}" if row["peak_bytes"] else "-",
                  f"{row['flops_per_second'] / 1e12:.2f}", _percent(row["matmul_fraction"])]  # fmt: skip
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS.values(), strict=False)).rstrip()


def peak_line(precision: str, row: Mapping) -> str:
    """The measured peak of one precision."""
    figure = row.get("error") or f"{row['flops_per_second'] / 1e12:.2f} TFLOP/s in {row['dtype']}"
    return f"matmul peak  {precision:<15}{figure}"


def determinism_line(rows: list[Mapping], same: bool) -> str:
    """Two runs of one job: their speed, and whether they ended in the same weights."""
    on = "on" if rows[0]["deterministic"] else "off"
    start = f"{rows[0]['model']:<15}  op determinism {on:<3}  "
    error = next((row["error"] for row in rows if "error" in row), None)
    if error:
        return start + error
    speeds = " and ".join(f"{row['images_per_second']:.0f}" for row in rows)
    waits = " and ".join(_percent(row["input_wait_fraction"]) for row in rows)
    return f"{start}{speeds} images/s, input wait {waits}, weights of two runs {'equal' if same else 'DIFFER'}"


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f} %"
