"""Who is who: which public key belongs to which of the nodes that were asked.

A node's peers know it by its WireGuard key, which it tells in its KubeSpan identity; that one holds the
private key too, so a reader may not be let near it. Then the key follows from what everybody may read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from talos_resources.insight.snapshot import NodeView
from talos_resources.model.metadata import NO_LABELS
from talos_resources.model.net import IPAddress, format_address
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, MachineType, PeerState


@attrs.define(kw_only=True)
class Person:
    """Somebody in the mesh, as put together from all views.

    Attributes:
        key: the public key; empty for a node that was asked and whose key cannot be found out.
        label: the node name that others know, empty if none does.
        affiliate: what discovery says.
        labels: of the resources that describe it.
        view: what it says itself, if it was asked.
    """

    key: str
    label: str = ""
    affiliate: Affiliate | None = None
    labels: dict[str, str] = attrs.field(factory=dict)
    view: NodeView | None = None

    @property
    def name(self) -> str:
        """The best name there is."""
        nodename = self.view.nodename if self.view is not None else None
        return nodename or self.label or (self.view.node if self.view is not None else f"{self.key[:8]}…")

    @property
    def machine_type(self) -> MachineType:
        """What discovery says it is."""
        return MachineType.UNKNOWN if self.affiliate is None else self.affiliate.machine_type

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        """Its own addresses, as discovery says."""
        return () if self.affiliate is None else tuple(address for address in self.affiliate.addresses if address is not None)


def people(views: Iterable[NodeView]) -> dict[str, Person]:
    """Everybody that any of the nodes knows, and the nodes themselves, by public key.

    A node whose key cannot be found out stands under its own name.
    """
    views = list(views)
    found: dict[str, Person] = {}
    by_node_id: dict[str, Affiliate] = {}
    for view in views:
        _add_known(view, found, by_node_id)
    by_name = _unique((person.label, key) for key, person in found.items())
    by_address = _unique((format_address(address), key) for key, person in found.items() for address in person.addresses)
    by_endpoint: dict[str, str] = {}
    if any(not view.public_key and not view.affiliates for view in views):
        seen = {sight for view in views for sight in _endpoints(view)}
        one_place = _unique((key, host) for host, key in seen)  # a key that is seen at two hosts is of neither for sure
        by_endpoint = _unique((host, key) for key, host in one_place.items())
    left: list[NodeView] = []
    for view in views:
        key = _key_of(view, by_node_id, by_name, by_address, by_endpoint)
        if key is None or (key in found and found[key].view is not None):
            left.append(view)
            continue
        found.setdefault(key, Person(key=key)).view = view
    for view in left:
        _place(view, found)
    return found


def _add_known(view: NodeView, found: dict[str, Person], by_node_id: dict[str, Affiliate]) -> None:
    for affiliate in view.affiliates:  # a million of them in a large mesh, as of peers
        spec, labels = affiliate.spec, affiliate.metadata.labels
        if labels is NO_LABELS and by_node_id.get(spec.node_id) is spec:
            continue  # what others hold too
        by_node_id.setdefault(spec.node_id, spec)
        kubespan = spec.kubespan
        if kubespan is None or not kubespan.public_key:
            continue
        person = found.get(kubespan.public_key)
        if person is None:
            person = found[kubespan.public_key] = Person(key=kubespan.public_key)
        if person.affiliate is None:
            person.affiliate = spec
            person.label = person.label or spec.nodename or spec.hostname
        person.labels.update(labels)
    _add_peers(view.spec_of, found)
    _add_peers(view.status_of, found)
    labelled = {member.spec.node_id: held for member in view.members if (held := member.metadata.labels) is not NO_LABELS and held}
    for person in found.values() if labelled else ():
        if person.affiliate is not None:
            person.labels.update(labelled.get(person.affiliate.node_id, {}))


def _add_peers(peers: Mapping[str, Resource[Any]], found: dict[str, Person]) -> None:
    for key, resource in peers.items():
        person = found.get(key)
        if person is None:
            person = found[key] = Person(key=key)
        if not person.label:
            person.label = resource.spec.label
        labels = resource.metadata.labels
        if labels is not NO_LABELS:
            person.labels.update(labels)


def _endpoints(view: NodeView) -> Iterator[tuple[str, str]]:
    """Where a node has links that are up, and to which keys: all that pasted lists tell of addresses."""
    for status in view.statuses:
        if status.spec.endpoint is not None and status.spec.state is PeerState.UP:
            yield format_address(status.spec.endpoint.address), status.id


def _key_of(
    view: NodeView,
    by_node_id: Mapping[str, Affiliate],
    by_name: Mapping[str, str],
    by_address: Mapping[str, str],
    by_endpoint: Mapping[str, str],
) -> str | None:
    """The key of a node, from the surest sign on."""
    if view.public_key:
        return view.public_key
    own = by_node_id.get(view.node_id) if view.node_id else None
    if own is not None and own.kubespan is not None and own.kubespan.public_key:
        return own.kubespan.public_key
    known = view.status_of
    signs: list[Callable[[], str | None]] = [
        lambda: by_name.get(view.nodename or ""),
        lambda: by_name.get(view.node),
        lambda: by_address.get(view.node),
        lambda: by_endpoint.get(view.node),
    ]
    # Nobody is a peer of itself: a name that points at a peer of the node is somebody else's.
    return next((key for sign in signs if (key := sign()) is not None and key not in known), None)


def _place(view: NodeView, found: dict[str, Person]) -> None:
    """A node without any sign is the one that others know and it does not, if there is just one."""
    known = view.status_of
    free = [key for key, person in found.items() if person.view is None and key not in known]
    if known and len(free) == 1:
        found[free[0]].view = view
        return
    found[view.node] = Person(key="", label=view.nodename or _own_name(view) or view.node, view=view)


def _own_name(view: NodeView) -> str:
    """The name that a node announces for itself, whether or not it is in the mesh."""
    own = view.affiliate_of.get(view.node_id or "")
    return "" if own is None else own.spec.nodename or own.spec.hostname


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name → key for names that only one key has."""
    pairs = list(pairs)
    times = Counter(name for name, _ in pairs)
    return {name: key for name, key in pairs if name and times[name] == 1}


def distinct_names(persons: Iterable[Person]) -> Iterator[str]:
    """A name for each; where several have the same, the key tells them apart."""
    persons = list(persons)
    times = Counter(person.name for person in persons)
    for person in persons:
        several = times[person.name] > 1 and person.key
        yield f"{person.name} ({person.key[:6]}…)" if several else person.name
