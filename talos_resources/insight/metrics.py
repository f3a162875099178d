"""What a mesh measures, for monitoring: stable names, and no more series than a limit allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.insight.snapshot import NodeView

MOST_LINKS: Final = 20_000
"""Of so many links each has series of its own; a larger mesh has those of links that are not up, and totals."""

Labels = tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: with its unit.
        kind: as Prometheus has it.
        help: what it tells, in one line.
        samples: labels and value of each series.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: Sequence[tuple[Labels, float]]


@attrs.frozen(kw_only=True)
class Reading:
    """How reading a node went.

    Attributes:
        is_up: whether the last attempt succeeded, and lately.
        errors: attempts that failed since the start.
        age_s: seconds since the last success; None if there was none.
        duration_s: how long the last success took; None if there was none.
    """

    is_up: bool
    errors: int = 0
    age_s: float | None = None
    duration_s: float | None = None


def mesh_metrics(mesh: Mesh, *, most_links: int = MOST_LINKS) -> Iterator[Metric]:
    """Links and their totals.

    Args:
        mesh: any.
        most_links: see `MOST_LINKS`.
    """
    counts = [((("state", state.value),), float(count)) for state, count in mesh.counts.items()]
    yield Metric(name="talos_kubespan_nodes", kind="gauge", help="Nodes of the mesh.", samples=[((), len(mesh.nodes))])
    yield Metric(name="talos_kubespan_links", kind="gauge", help="Directions of links, by state.", samples=counts)
    yield Metric(
        name="talos_kubespan_links_one_way",
        kind="gauge",
        help="Links that are up in one direction only.",
        samples=[((), len(mesh.asymmetries))],
    )
    yield Metric(name="talos_kubespan_peers", kind="gauge", help="Peers of a node, by state.", samples=list(_peers(mesh)))
    yield from _links(mesh, every=mesh.total <= most_links)


def _peers(mesh: Mesh) -> Iterator[tuple[Labels, float]]:
    for node in mesh.observed:
        row = mesh.row(node)
        for state in mesh.counts:
            yield (("node", node.name), ("state", state.value)), float(row.count(state))


def _links(mesh: Mesh, *, every: bool) -> Iterator[Metric]:
    up: list[tuple[Labels, float]] = []
    age: list[tuple[Labels, float]] = []
    received: list[tuple[Labels, float]] = []
    sent: list[tuple[Labels, float]] = []
    for link in mesh.links(only_faults=not every):
        labels = (("node", link.observer.name), ("peer", link.peer.name))
        up.append((labels, float(link.state is LinkState.UP)))
        if link.handshake_age_s is not None:
            age.append((labels, link.handshake_age_s))
        if link.status is not None:
            received.append((labels, float(link.status.receive_bytes)))
            sent.append((labels, float(link.status.transmit_bytes)))
    prefix = "talos_kubespan_peer"
    yield Metric(name=f"{prefix}_up", kind="gauge", help="1 if the node sees the peer up, else 0.", samples=up)
    yield Metric(
        name=f"{prefix}_handshake_age_seconds",
        kind="gauge",
        help="Seconds from the last handshake to the node's last look; absent if there was none.",
        samples=age,
    )
    yield Metric(name=f"{prefix}_receive_bytes_total", kind="counter", help="Bytes received from the peer.", samples=received)
    yield Metric(name=f"{prefix}_transmit_bytes_total", kind="counter", help="Bytes sent to the peer.", samples=sent)


def discovery_metrics(mesh: Mesh, views: Sequence[NodeView]) -> Iterator[Metric]:
    """What each node knows through discovery, and what it lacks of what others know."""
    names = {node.node: node.name for node in mesh.observed}
    known = {view.node: {affiliate.id for affiliate in view.affiliates} for view in views}
    every = set().union(*known.values()) if known else set()
    yield Metric(
        name="talos_discovery_affiliates",
        kind="gauge",
        help="Affiliates that the node knows, itself included.",
        samples=[((("node", names.get(node, node)),), len(ids)) for node, ids in known.items()],
    )
    yield Metric(
        name="talos_discovery_affiliates_missing",
        kind="gauge",
        help="Affiliates that other nodes know and the node does not.",
        samples=[((("node", names.get(node, node)),), len(every - ids)) for node, ids in known.items()],
    )


def reading_metrics(readings: Mapping[str, Reading]) -> Iterator[Metric]:
    """How reading the nodes goes."""
    items = [((("target", node),), reading) for node, reading in readings.items()]
    yield Metric(
        name="talos_scrape_success",
        kind="gauge",
        help="1 if the node answered lately, else 0.",
        samples=[(labels, float(reading.is_up)) for labels, reading in items],
    )
    yield Metric(
        name="talos_scrape_errors_total",
        kind="counter",
        help="Attempts to read the node that failed.",
        samples=[(labels, reading.errors) for labels, reading in items],
    )
    yield Metric(
        name="talos_scrape_age_seconds",
        kind="gauge",
        help="Seconds since the node answered; absent if it never did.",
        samples=[(labels, reading.age_s) for labels, reading in items if reading.age_s is not None],
    )
    yield Metric(
        name="talos_scrape_duration_seconds",
        kind="gauge",
        help="How long the last answer took; absent if there was none.",
        samples=[(labels, reading.duration_s) for labels, reading in items if reading.duration_s is not None],
    )
