"""A run of a scenario as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from talos_resources.simulate.cluster import Sample
from talos_resources.simulate.event import Event
from talos_resources.simulate.run import Summary
from talos_resources.simulate.scenarios import SCENARIOS

_HEADINGS = ("TIME", "UP", "DOWN", "UNKNOWN", "MISSING")


def summary_rows(summary: Summary) -> Iterator[tuple[str, ...]]:
    """The links over time, headings first: every moment at which they were not as before, and the last one."""
    yield _HEADINGS
    before: tuple[int, ...] | None = None
    for sample in summary.samples:
        counts = (sample.up, sample.down, sample.unknown, sample.missing)
        if counts != before or sample is summary.samples[-1]:
            yield (clock(sample.at_s), *map(str, counts))
        before = counts


def scenario_rows() -> Iterator[tuple[str, ...]]:
    """Every scenario, headings first: how long it is watched, and when its fault is there."""
    yield ("NAME", "WATCHED", "FAULT", "WHAT HAPPENS")
    for scenario in SCENARIOS.values():
        faults = [event for event in scenario.planned() if not event.heals]
        yield (scenario.name, clock(scenario.duration_s), "-" if scenario.is_calm else _span(faults), scenario.about)


def _span(faults: Sequence[Event]) -> str:
    """When the first of them comes, and when it is undone if it ever is."""
    if not faults:
        return "from the start"
    first = faults[0]
    if first.until_s is not None:
        return f"{clock(first.at_s)} to {clock(first.until_s)}"
    return "from the start" if not first.at_s else f"from {clock(first.at_s)}"


def headline(summary: Summary) -> str:
    """What was simulated, in one line."""
    links = summary.nodes * (summary.nodes - 1)
    return f"{summary.scenario}: {SCENARIOS[summary.scenario].about} ({summary.nodes} nodes, {links} links, seed {summary.seed})"


def event_lines(summary: Summary) -> Iterator[str]:
    """What happened, a line for each event."""
    for event in summary.events:
        yield f"{clock(event.at_s)}  {event.what}"


def conclusion(summary: Summary) -> str:
    """How it went, in one line; one more for each fault that is still there and would heal."""
    last = summary.samples[-1]
    first = summary.full_mesh_s
    mesh = "never a full mesh" if first is None else f"full mesh after {clock(first)}"
    worst = max(sample.down for sample in summary.samples)
    text = f"{mesh}; at most {worst} links down; at the end {last.up} of {last.links} up"
    for event in summary.still:
        assert event.until_s is not None
        text += f"\nstill so at the end: {event.what}; it heals at {clock(event.until_s)}"
    return text


def as_plain(summary: Summary) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "scenario": summary.scenario,
        "nodes": summary.nodes,
        "seed": summary.seed,
        "full_mesh_s": summary.full_mesh_s,
        "events": [{"at_s": event.at_s, "what": event.what, "until_s": event.until_s} for event in summary.events],
        "samples": [_sample(sample) for sample in summary.samples],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at_s": sample.at_s,
        "up": sample.up,
        "down": sample.down,
        "unknown": sample.unknown,
        "missing": sample.missing,
    }


def clock(seconds: float) -> str:
    """Seconds as `H:MM:SS`."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
