"""The section of a page on what was fitted when training was over: a temperature, and from which probability on."""

from collections.abc import Iterator, Mapping

from reports.templates import Section


def decision_section(decision: Mapping | None) -> Iterator[Section]:
    """Of what results.json says of it; nothing where nothing was fitted."""
    if decision and (decision.get("temperature") or decision.get("threshold") is not None):
        points = [(name, decision[name]) for name in ("validation", "test") if decision.get(name)]
        yield Section("decision", "Decision", "decision.html", {"decision": decision, "points": points})


def positive_class_of(results: Mapping) -> str:
    """The --positive_class of a run, as its results.json has it; empty where none was given."""
    return ((results.get("decision") or {}).get("asked") or {}).get("positive_class", "")
