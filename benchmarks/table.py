"""results.json -> docs/speed.md's table, between two marks. `python -m benchmarks.table` writes it anew."""

from pathlib import Path

from benchmarks import results
from benchmarks.lines import LINES, LONG_LINES
from benchmarks.settings import ROOT

PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
HEADER = ("| line | what | Penstock | rival | Penstock to rival (spread) | target | reached |",
          "|---|---|---|---|---|---|---|")  # fmt: skip
NOTHING_YET = "Not measured yet: `make bench` does it."


def render(measured: dict) -> str:
    """The page's part, from what results.json holds: a table, and a sentence a machine."""
    if not measured:
        return NOTHING_YET
    ordered = {name: measured[name] for name in sorted(measured, key=(*LINES, *LONG_LINES).index)}
    rows = [_row(name, row) for name, line in ordered.items() for row in line["rows"]]
    return "\n".join([*HEADER, *rows, "", *_machines(ordered)])


def plain(rows: list[dict]) -> list[str]:
    """The same figures for a terminal, a line a row."""
    return [f"  {'  '.join(cell for cell in _cells(row) if cell)}" for row in rows]


def replace(text: str, part: str) -> str:
    """`text` with `part` between the marks; ValueError where they are not there."""
    head, mark, rest = text.partition(BEGIN)
    _, end_mark, tail = rest.partition(END)
    if not mark or not end_mark:
        raise ValueError(f"the page needs {BEGIN} and, after it, {END}")
    return f"{head}{BEGIN}\n{part}\n{END}{tail}"


def write_page(path: Path = PAGE) -> None:
    """Regenerates the table from results.json alone."""
    path.write_text(replace(path.read_text(), render(results.load())))


def _row(line: str, row: dict) -> str:
    return f"| {line} | {' | '.join(_cells(row))} |"


def _cells(row: dict) -> list[str]:
    """What, Penstock, rival, judged (spread), target, reached."""
    theirs = f"{row['rival']}: {_amount(row['theirs'][0], row['unit'])}" if row["theirs"] else ""
    ours = _amount(row["penstock"][0], row["unit"])
    target = "" if row["target"] is None else f"{row['sense']} {_amount(row['target'], row['judged_unit'])}"
    reached = {None: "", True: "yes", False: "no"}[row["reached"]]
    what = row["what"] + ("" if row["rounds"] > 1 else ", once")
    if row["theirs"]:
        return [what, ours, theirs, _spread(row["judged"], row["judged_unit"]), target, reached]
    return [what, _spread(row["judged"], row["judged_unit"]), theirs, "", target, reached]


def _spread(values: list[float], unit: str) -> str:
    middle, low, high = values
    return f"{_amount(middle, unit)} ({_number(low)} to {_number(high)})" if low != high else _amount(middle, unit)


def _amount(value: float, unit: str) -> str:
    return _number(value) if unit == "times" else f"{_number(value)} {unit}"


def _number(value: float) -> str:
    """Three digits that count, and thousands apart."""
    size = abs(value)
    if size >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    decimals = 1 if size >= 10 else 2
    return f"{value:.{decimals}f}"


def _machines(measured: dict) -> list[str]:
    """Which lines were measured on what; one sentence where all agree."""
    by_machine: dict[str, list[tuple[str, str]]] = {}
    for name, line in measured.items():
        by_machine.setdefault(_describe(line["machine"]), []).append((name, line["date"]))
    sentences = []
    for machine, lines in by_machine.items():
        dates = sorted(date for _, date in lines)
        when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        names = "all lines" if len(by_machine) == 1 else ", ".join(name for name, _ in lines)
        sentences.append(f"Measured {when} ({names}): {machine}.")
    return sentences


def _describe(machine: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    flags = ", ".join(machine["cpu_flags"]) or "no vector flags that matter"
    bfloat16 = "bfloat16 in hardware" if {"avx512_bf16", "amx_bf16"} & set(machine["cpu_flags"]) else "no bfloat16"
    return (
        f"{machine['cores']} cores of {machine['cpu']} ({flags}: {bfloat16}), {machine['memory_gib']} GiB, {versions}"
    )


if __name__ == "__main__":
    write_page()
