"""Faults as data: a healthy snapshot with something changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from talos_resources import Affiliate, KubeSpanPeerSpec, KubeSpanPeerStatus, Resource, Timestamp
from talos_resources.insight.snapshot import NodeView, Snapshot

S_NS = 1_000_000_000


def in_view(snapshot: Snapshot, node: str, **changes: Any) -> Snapshot:
    """One node's view with other fields; a function gets the old value."""
    views = []
    for view in snapshot.views:
        if view.node == node:
            new = {name: change(getattr(view, name)) if callable(change) else change for name, change in changes.items()}
            views.append(attrs.evolve(view, **new))
        else:
            views.append(view)
    return attrs.evolve(snapshot, views=tuple(views))


def everywhere(snapshot: Snapshot, **changes: Any) -> Snapshot:
    for view in snapshot.views:
        snapshot = in_view(snapshot, view.node, **changes)
    return snapshot


def statuses(peer: str, **changes: Any) -> Callable[[Any], tuple[Resource[KubeSpanPeerStatus], ...]]:
    """Changes the status of a peer."""
    return lambda every: tuple(item.with_spec(**changes) if item.spec.label == peer else item for item in every)


def specs(peer: str, **changes: Any) -> Callable[[Any], tuple[Resource[KubeSpanPeerSpec], ...]]:
    return lambda every: tuple(item.with_spec(**changes) if item.spec.label == peer else item for item in every)


def affiliates(node: str, *, kubespan: dict[str, Any] | None = None, **changes: Any) -> Callable[[Any], tuple[Resource[Affiliate], ...]]:
    """Changes the affiliate of a node."""

    def changed(item: Resource[Affiliate]) -> Resource[Affiliate]:
        if item.spec.nodename != node:
            return item
        part = item.spec.kubespan
        assert part is not None
        return item.with_spec(kubespan=attrs.evolve(part, **(kubespan or {})), **changes)

    return lambda every: tuple(map(changed, every))


def config(**changes: Any) -> Callable[[Any], Any]:
    return lambda old: attrs.evolve(old, **changes)


def without(*labels: str) -> Callable[[Any], Any]:
    """Specs or statuses without those of some peers."""
    return lambda every: tuple(item for item in every if item.spec.label not in labels)


def view_of(snapshot: Snapshot, node: str) -> NodeView:
    return next(view for view in snapshot.views if view.node == node)


def shifted(seconds: float, *, handshakes: bool) -> Callable[[Any], Any]:
    """Statuses written earlier or later; by a wrong clock the handshakes move too."""
    delta = round(seconds * S_NS)

    def move(item: Resource[KubeSpanPeerStatus]) -> Resource[KubeSpanPeerStatus]:
        moved = item.with_metadata(updated=Timestamp(item.metadata.updated + delta), created=Timestamp(item.metadata.created + delta))
        spec = item.spec
        return moved.with_spec(last_handshake_time=Timestamp(spec.last_handshake_time + delta)) if handshakes else moved

    return lambda every: tuple(map(move, every))
