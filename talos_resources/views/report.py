"""A report in parts that a page and a Markdown text show alike: paragraphs, tables, code.

What stands in it is named here, field by field, so that no secret gets in with what surrounds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from talos_resources.insight.mesh import Link
from talos_resources.insight.report import Report
from talos_resources.insight.snapshot import NodeView
from talos_resources.insight.words import size
from talos_resources.model.net import format_address
from talos_resources.model.printable import printable
from talos_resources.model.version import __version__
from talos_resources.views.age import age
from talos_resources.views.changes import clock
from talos_resources.views.mesh_text import lines, plain

MOST_NODES: Final = 200
_UNKNOWN: Final = "?"


@attrs.frozen
class Table:
    """Columns and rows; cells that hold a state have its colour in a page.

    Attributes:
        headings: of the columns.
        rows: their cells, as text of any kind.
        note: what is left out.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@attrs.frozen
class Section:
    """A part of the report.

    Attributes:
        title: its heading.
        text: a paragraph; empty for none.
        table: None for none.
        code: lines for a fixed font; empty for none.
    """

    title: str
    text: str = ""
    table: Table | None = None
    code: str = ""


def head(report: Report) -> str:
    """Where the data is from, and who made this of it when."""
    return f"{report.source} · made {clock(report.made)} by talos-resources {__version__} · without secrets"


def sections(report: Report) -> Iterator[Section]:
    """What follows the findings."""
    mesh = report.diagnosis.mesh
    if report.pairs:
        left = f"{report.left_out} more links are not up" if report.left_out else ""
        yield Section("Links that are not up", "Both directions of each, as its observer sees it.", Table(_LINK, _links(report), left))
    yield from _past(report)
    yield Section("Nodes and versions", table=_nodes(report))
    if any(view.config is not None for view in report.views):
        yield Section("Settings of KubeSpan and discovery", table=_settings(report))
    yield Section("The mesh", code="".join(plain(line) for line in lines(mesh, width=100)))


_LINK: Final = ("Node", "Peer", "State", "Endpoint", "Last handshake", "Received", "Sent")


def _links(report: Report) -> tuple[tuple[str, ...], ...]:
    return tuple(_link(link) for pair in report.pairs for link in pair)


def _link(link: Link) -> tuple[str, ...]:
    status = link.status
    if status is None:
        return printable(link.observer.name), printable(link.peer.name), link.state.value, "", "", "", ""
    return (
        printable(link.observer.name),
        printable(link.peer.name),
        link.state.value,
        "none" if link.endpoint is None else str(link.endpoint),
        "never" if link.handshake is None else f"{clock(link.handshake)}, {age(link.handshake_age_s)} before",
        size(status.receive_bytes),
        size(status.transmit_bytes),
    )


def _past(report: Report) -> Iterator[Section]:
    past = report.past
    if past is None:
        return
    began = past.since if report.since is None else max(past.since, report.since)
    span = f"From {clock(began)} to {clock(past.until)}."
    gaps = "".join(f" Nothing was recorded from {clock(start)} to {clock(end)}." for start, end in past.gaps if end >= began)
    if report.since is not None and report.since < past.since:
        gaps += f" Of {clock(report.since)} to {clock(past.since)} there is no recording."
    if not report.moments:
        yield Section("What changed", f"{span} Nothing but counters changed.{gaps}")
        return
    rows = tuple((clock(moment.at), printable(moment.who), printable(moment.what)) for moment in report.moments)
    before = f"{report.earlier} earlier changes are left out" if report.earlier else ""
    yield Section("What changed", f"{span}{gaps}", Table(("Time", "Who", "What"), rows, before))


def _nodes(report: Report) -> Table:
    mesh = report.diagnosis.mesh
    views = {view.node: view for view in report.views}
    rows = []
    for node in mesh.worst_first()[:MOST_NODES]:
        view = views.get(node.node or "")
        own, others = mesh.faults[node.index]
        rows.append(
            (
                printable(node.name),
                node.machine_type.value,
                ", ".join(format_address(address) for address in node.addresses),
                (view.version or _UNKNOWN) if view is not None else "did not answer" if node.error else "not asked",
                str(own + others),
                _clock(view),
            )
        )
    more = len(mesh.nodes) - len(rows)
    return Table(("Node", "Type", "Addresses", "Talos", "Not up", "Clock"), tuple(rows), f"{more} more nodes" if more else "")


def _clock(view: NodeView | None) -> str:
    return _UNKNOWN if view is None or view.is_synced is None else "synchronised" if view.is_synced else "not synchronised"


def _settings(report: Report) -> Table:
    """A row for each way of being set up, the rarest first: what differs from the others is what one looks for."""
    names = {node.node: printable(node.name) for node in report.diagnosis.mesh.nodes}
    alike: dict[tuple[str, ...], list[str]] = {}
    for view in report.views:
        if view.config is not None:
            alike.setdefault(_setting(view), []).append(names.get(view.node, printable(view.node)))
    rows = [(_some(nodes), *setting) for setting, nodes in sorted(alike.items(), key=lambda entry: len(entry[1]))]
    headings = ("Nodes", "KubeSpan", "MTU", "Pod networks", "Harvest", "Filters", "Extra endpoints", "Discovery", "CNI")
    return Table(headings, tuple(rows[:MOST_NODES]), f"{len(rows) - MOST_NODES} more" if len(rows) > MOST_NODES else "")


def _setting(view: NodeView) -> tuple[str, ...]:
    config = view.config
    assert config is not None
    filters = "all" if config.endpoint_filters is None else ", ".join(config.endpoint_filters) or "none"
    return (
        "on" if config.enabled else "off",
        str(config.mtu or view.tunnel_mtu or _UNKNOWN),
        "announced" if config.advertise_kubernetes_networks else "not announced",
        "on" if config.harvest_extra_endpoints else "off",
        printable(filters),
        ", ".join(str(endpoint) for endpoint in config.extra_endpoints if endpoint is not None) or "none",
        _UNKNOWN if view.services is None else printable(", ".join(view.services)) or "no service",
        printable(view.cni or _UNKNOWN),
    )


def _some(names: Sequence[str], most: int = 6) -> str:
    return f"{', '.join(names[:most])}{f' and {len(names) - most} more' if len(names) > most else ''}"
