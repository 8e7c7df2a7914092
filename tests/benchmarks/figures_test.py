"""The benchmarks' pure parts: ratios, verdicts, the table, and the page's copy of it."""

import json

import pytest

from benchmarks import figures, results, table
from benchmarks.lines import LINES

MACHINE = {"cpu": "A CPU", "cpu_flags": ["avx2", "avx512_bf16"], "cores": 2, "memory_gib": 24,
           "versions": {"python": "3.11.2", "tensorflow": "2.21.0"}}  # fmt: skip


def measured(rows: list[dict], line: str = "warm", machine: dict = MACHINE, date: str = "2026-01-31") -> dict:
    return {line: {"date": date, "machine": machine, "rows": rows}}


def test_rates_are_compared_round_by_round():
    row = figures.faster("batches", "rival", [10.0, 30.0, 20.0], [5.0, 10.0, 20.0], unit="images/s", target=2)
    assert row["penstock"] == [20.0, 10.0, 30.0]
    assert row["theirs"] == [10.0, 5.0, 20.0]
    assert row["judged"] == [2.0, 1.0, 3.0]  # of the rounds' ratios, not the ratio of the medians' extremes
    assert row["rounds"] == 3


def test_of_seconds_fewer_are_faster():
    row = figures.faster("an epoch", "rival", [2.0], [10.0], unit="s", target=4)
    assert row["judged"] == [5.0, 5.0, 5.0]
    assert row["reached"] is True


def test_rounds_that_are_missing_are_no_comparison():
    with pytest.raises(ValueError, match="shorter"):
        figures.faster("batches", "rival", [1.0, 2.0], [1.0], unit="images/s", target=1)


@pytest.mark.parametrize(
    ("value", "sense", "target", "reached"),
    [
        (4.99, "at least", 5, False),
        (5.0, "at least", 5, True),
        (1.0, "above", 1, False),
        (1.01, "above", 1, True),
        (1.6, "at most", 1.6, True),
        (1.61, "at most", 1.6, False),
    ],
)
def test_a_target_is_reached_or_not(value, sense, target, reached):
    assert figures.reaches(value, sense, target) is reached


def test_an_unknown_sense_is_refused():
    with pytest.raises(ValueError, match="at least, above, at most"):
        figures.reaches(1.0, "about", 1)


def test_the_median_is_judged_not_the_best_round():
    row = figures.faster("batches", "rival", [1.0, 1.0, 9.0], [1.0, 1.0, 1.0], unit="images/s", target=2)
    assert row["reached"] is False


def test_less_is_better_for_memory_and_start_up():
    assert figures.at_most_times("memory", "once", [1.2], [1.0], unit="GB", limit=1.15)["reached"] is False
    assert figures.at_most_times("memory", "once", [1.1], [1.0], unit="GB", limit=1.15)["reached"] is True
    assert figures.at_most("wait", [2.1, 1.0, 1.5], unit="%", limit=2)["reached"] is True


def test_what_has_no_target_has_no_verdict():
    assert figures.at_most("wait", [2.1], unit="%", limit=None)["reached"] is None


def test_the_table_shows_a_shortfall_as_one():
    rows = [
        figures.faster("batches", "slow", [16_512.0, 16_000.0], [377.0, 400.0], unit="images/s", target=40),
        figures.faster("batches", "fast", [16_512.0, 16_000.0], [20_000.0, 20_000.0], unit="images/s", target=1),
        figures.at_most("wait", [1.25], unit="%", limit=2),
        figures.at_most("index", [9.5], unit="s", limit=None),
    ]
    lines = table.render(measured(rows)).splitlines()
    assert (
        lines[2]
        == "| warm | batches | 16,300 images/s | slow: 388 images/s | 41.9 (40.0 to 43.8) | at least 40.0 | yes |"
    )
    assert lines[3].endswith("| 0.81 (0.80 to 0.83) | at least 1.00 | no |")
    assert lines[4] == "| warm | wait, once | 1.25 % |  |  | at most 2.00 % | yes |"
    assert lines[5] == "| warm | index, once | 9.50 s |  |  |  |  |"
    assert lines[-1].startswith("Measured 2026-01-31 (all lines): 2 cores of A CPU (avx2, avx512_bf16: bfloat16 in")


def test_lines_stand_in_their_order_whatever_ran_last():
    row = figures.at_most("wait", [1.0], unit="%", limit=2)
    lines = table.render(measured([row], "training") | measured([row], "cold")).splitlines()
    assert [line.split()[1] for line in lines[2:4]] == ["cold", "training"]


def test_two_machines_are_two_sentences():
    row = figures.at_most("wait", [1.0], unit="%", limit=2)
    other = measured([row], "cold", MACHINE | {"cores": 64, "cpu_flags": []}, "2026-02-01")
    text = table.render(measured([row]) | other)
    assert "Measured 2026-01-31 (warm): 2 cores" in text
    assert "Measured 2026-02-01 (cold): 64 cores of A CPU (no vector flags that matter: no bfloat16)" in text


def test_nothing_measured_is_said():
    assert table.render({}) == table.NOTHING_YET


def test_the_table_goes_between_the_marks_and_nowhere_else():
    text = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    assert table.replace(text, "new") == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    with pytest.raises(ValueError, match="the page needs"):
        table.replace("no marks", "new")


def test_a_line_replaces_itself_and_leaves_the_others(tmp_path):
    path = tmp_path / "results.json"
    results.keep("warm", [{"what": "old"}], path)
    results.keep("cold", [{"what": "cold"}], path)
    results.keep("warm", [{"what": "new"}], path)
    kept = json.loads(path.read_text())
    assert [kept[name]["rows"][0]["what"] for name in ("warm", "cold")] == ["new", "cold"]
    assert kept["warm"]["machine"]["cores"] >= 1
    assert kept["warm"]["machine"]["versions"]["tensorflow"]


def test_the_readme_shows_what_was_measured():
    # Figures come from results.json alone: run `python -m benchmarks.table` after it has changed.
    text = table.PAGE.read_text()
    assert table.replace(text, table.render(results.load())) == text
    assert set(results.load()) <= set(LINES)


def test_stored_verdicts_agree_with_their_figures():
    for line in results.load().values():
        for row in line["rows"]:
            wanted = None if row["target"] is None else figures.reaches(row["judged"][0], row["sense"], row["target"])
            assert row["reached"] is wanted, row["what"]
