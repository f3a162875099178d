"""Runs a scenario from start to end and sums it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.cluster import START, Sample, SimulatedCluster
from talos_resources.simulate.event import Event
from talos_resources.simulate.layouts import Scenario
from talos_resources.simulate.witness import Witness

SAMPLE_S: Final = 30.0


@attrs.frozen(kw_only=True)
class Summary:
    """How a run went.

    Attributes:
        scenario: its name.
        nodes: how many.
        seed: of all chance.
        events: what happened, in order.
        samples: the links, in order of time.
    """

    scenario: str
    nodes: int
    seed: int
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]

    @property
    def full_mesh_s(self) -> float | None:
        """When every link was up for the first time, in seconds after the start; None for never."""
        return next((sample.at_s for sample in self.samples if sample.is_full_mesh), None)

    @property
    def still(self) -> tuple[Event, ...]:
        """What is still so at the end and would have been undone later."""
        end = self.samples[-1].at_s
        return tuple(event for event in self.events if event.until_s is not None and event.until_s > end)


def prepared(
    scenario: Scenario,
    *,
    nodes: int,
    seed: int = 0,
    witness: Witness | None = None,
    start: Timestamp = START,
    traffic: int | None = None,
    versions: Callable[[str], str | None] = lambda _node: None,
) -> tuple[SimulatedCluster, Sequence[Event]]:
    """The cluster of a scenario, switched off, and all that will happen to it, in order of time.

    Args:
        scenario: what happens.
        nodes: how many nodes.
        seed: of all chance; the same one gives the same run.
        witness: makes the States of the nodes; None for plain ones.
        start: when it begins.
        traffic: bytes a second that each node sends to each other, instead of the scenario's own.
        versions: which Talos a node runs, by its name; None for the usual one.

    Raises:
        ConfigError: too few nodes.
    """
    if nodes < scenario.least:
        msg = f"scenario {scenario.name} takes at least {scenario.least} nodes, not {nodes}"
        raise ConfigError(msg)
    flow = scenario.traffic if traffic is None else traffic
    cluster = SimulatedCluster(seed=seed, loss=scenario.loss, traffic=flow, witness=witness, start=start)
    events = sorted(scenario.build(cluster, nodes), key=lambda event: event.at_s)
    for name, node in cluster.nodes.items():
        version = versions(name)
        if version is not None:
            node.settings = attrs.evolve(node.settings, operating_system=f"Talos ({version})")
    return cluster, events


def run(
    scenario: Scenario,
    *,
    nodes: int,
    seed: int = 0,
    duration_s: float | None = None,
    every_s: float = SAMPLE_S,
    progress: Callable[[Sample], None] | None = None,
    witness: Witness | None = None,
    traffic: int | None = None,
) -> tuple[SimulatedCluster, Summary]:
    """Runs a scenario.

    Args:
        scenario: what happens.
        nodes: how many nodes.
        seed: of all chance; the same one gives the same run.
        duration_s: instead of the scenario's own, in seconds.
        every_s: how often to look at the links, in seconds.
        progress: is told of every look.
        witness: makes the States of the nodes; None for plain ones.
        traffic: bytes a second that each node sends to each other, instead of the scenario's own.

    Returns:
        The cluster as it is at the end, and how it came to that.

    Raises:
        ConfigError: too few nodes, or no time.
    """
    until = scenario.duration_s if duration_s is None else duration_s
    if until <= 0 or every_s <= 0:
        msg = "a simulation takes a duration and a rhythm of more than 0 s"
        raise ConfigError(msg)
    cluster, planned = prepared(scenario, nodes=nodes, seed=seed, witness=witness, traffic=traffic)
    events = [event for event in planned if event.at_s <= until]
    cluster.start()
    samples = []
    for at_s, event in _moments(events, until, every_s):
        cluster.run_until(at_s)
        if event is not None:
            event.act()
            continue
        cluster.witness.settle()
        samples.append(cluster.sample())
        if progress is not None:
            progress(samples[-1])
    return cluster, Summary(scenario=scenario.name, nodes=nodes, seed=seed, events=tuple(events), samples=tuple(samples))


def _moments(events: Sequence[Event], until: float, every_s: float) -> list[tuple[float, Event | None]]:
    """When something happens or is looked at, in order of time; looks (None) come before what happens then."""
    looks = [(number * every_s, None) for number in range(1, int(until / every_s) + 1)]
    if not looks or looks[-1][0] < until:
        looks.append((until, None))
    return sorted([*looks, *((event.at_s, event) for event in events)], key=lambda moment: (moment[0], moment[1] is not None))
