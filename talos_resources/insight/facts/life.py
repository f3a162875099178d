"""Who is there: proof of life, who takes part, who is silent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from talos_resources.insight.facts.clocks import Clocks
from talos_resources.insight.facts.evidence import S_NS, Ground
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.snapshot import NodeView
from talos_resources.insight.words import duration
from talos_resources.kubespan.constants import PEER_DOWN_S, TICK_S
from talos_resources.model.timestamp import Timestamp

SETTLING_S: Final = 2 * TICK_S
"""A link that was made so lately may still come up."""
MOMENT_S: Final = 240.0
"""Sessions are two minutes long: last handshakes so far apart may be of one moment."""
ENTRY_S: Final = 1800.0
"""An entry of discovery lives so long after its last refresh."""
REFRESH_S: Final = ENTRY_S / 2
"""A node refreshes its entry so often."""


_AFFILIATES: Final = "Affiliates.cluster.talos.dev"
_STATUSES: Final = "KubeSpanPeerStatuses.kubespan.talos.dev"


class Life:
    """See the module."""

    def __init__(self, ground: Ground, clocks: Clocks) -> None:
        self._ground = ground
        self._clocks = clocks

    @cached_property
    def fresh(self) -> Mapping[int, NodeView]:
        """Nodes that answered, without those whose report is old."""
        return {index: view for index, view in self._ground.views.items() if index not in self._clocks.old_reports}

    @cached_property
    def witnesses(self) -> Mapping[int, NodeView]:
        """Those of them that say anything of peers: settings alone are no testimony."""
        return {
            index: view
            for index, view in self.fresh.items()
            if (view.statuses or view.specs or self.takes_part(index)) and not self._is_unread(index, view)
        }

    def _is_unread(self, index: int, view: NodeView) -> bool:
        """Whether a node's statuses are missing in the data rather than in the node: others have it up."""
        if view.statuses:
            return False
        others = (other for other in self.fresh if other != index)
        return _STATUSES in view.unreadable or any(self._ground.state(other, index) is LinkState.UP for other in others)

    def takes_part(self, index: int) -> bool:
        """Whether a node that answered has KubeSpan on, as far as is known; an unread setting is no sign against it."""
        view = self._ground.views.get(index)
        if view is None:
            return bool(self._ground.nodes[index].public_key)
        if view.config is not None:
            return view.config.enabled
        has_device = view.devices is not None and "kubespan" in view.devices
        return bool(view.statuses or view.specs or view.public_key or has_device or self._ground.nodes[index].public_key)

    @cached_property
    def on(self) -> frozenset[int]:
        """Nodes of the mesh: with a key, or with KubeSpan on."""
        return frozenset(node.index for node in self._ground.nodes if self.takes_part(node.index))

    @cached_property
    def devices_missing(self) -> frozenset[int]:
        """Nodes with KubeSpan on whose links were read and have no tunnel among them."""
        return frozenset(
            index
            for index, view in self.fresh.items()
            if view.devices is not None and "kubespan" not in view.devices and view.config is not None and view.config.enabled
        )

    @cached_property
    def hearing(self) -> tuple[int, ...]:
        """Nodes whose list of affiliates was read whole and names others: what is not in it, they have not heard of."""
        return tuple(
            index
            for index, view in self.fresh.items()
            if view.affiliates and self.takes_part(index) and index not in self.unheard and _AFFILIATES not in view.unreadable
        )

    def listed_by(self, index: int) -> list[int]:
        """Who of those with a fresh report knows a node through discovery."""
        return [other for other in self.fresh if other != index and self._ground.lists(other, index)]

    @cached_property
    def unheard(self) -> frozenset[int]:
        """Nodes with KubeSpan on that know nobody through discovery although there are others."""
        return frozenset(
            index
            for index, view in self.fresh.items()
            if view.is_whole and self.takes_part(index) and self._knows_nobody(index, view) and self.on - {index}
        )

    def _knows_nobody(self, index: int, view: NodeView) -> bool:
        own = view.node_id or self._ground.nodes[index].node_id  # by its key, where its identity was not read
        # Peers in WireGuard were once heard of: where they are and the lists are not, the lists were not read.
        if view.specs or view.statuses or view.affiliate_of.keys() - {own}:
            return False
        if any(name.startswith(_AFFILIATES) for name in view.unreadable):
            return False
        # A node without any affiliate, not even its own, may just not have been read.
        return bool(view.affiliates) or not any(self._ground.is_up(index, node.index) for node in self._ground.nodes if node.index != index)

    def last_handshake(self, index: int) -> tuple[Timestamp, int] | None:
        """The last handshake that any other fresh node had with a node, by that one's clock, and who."""
        moments = [
            (status.last_handshake_time, observer)
            for observer in self.fresh
            if observer != index and (status := self._ground.status(observer, index)) is not None and not status.last_handshake_time.is_zero
        ]
        return max(moments, default=None)

    def proof_of_life_s(self, index: int) -> float | None:
        """How long after its last handshake discovery still lists a node, if that is longer than an entry lives without it.

        Then it was alive and talked to discovery within the last 30 minutes.
        """
        listed = self.listed_by(index)
        if not listed:
            return None
        last = self.last_handshake(index)
        since = last[0] if last is not None else min((self._ground.made(each, index) for each in listed), default=Timestamp.ZERO)
        age = (self._clocks.reference - since) / S_NS if since > 0 else 0.0
        return age if age > ENTRY_S + SETTLING_S else None

    @cached_property
    def silent(self) -> Mapping[int, str]:
        """Nodes that nobody has a link to and that do not speak for themselves → why that is known."""
        found = {}
        for node in self._ground.nodes:
            observers = [index for index in self.witnesses if index != node.index]
            if not observers or node.index in self.fresh or (not node.public_key and not node.error):
                continue
            if any(self.is_alive(index, node.index) for index in observers):
                continue
            if node.error:
                found[node.index] = f"it did not answer: {node.error}"
            elif node.index in self._clocks.old_reports:
                found[node.index] = f"its last report is {duration(self._clocks.old_reports[node.index])} old"
            elif len(observers) > 1:
                found[node.index] = "nobody has a handshake with it"
        return found

    def together(self, indexes: Iterable[int]) -> list[list[int]]:
        """Nodes in groups whose last handshakes with anybody are of one moment: what went together has one cause."""
        moments = sorted((last[0] if (last := self.last_handshake(index)) is not None else Timestamp.ZERO, index) for index in indexes)
        groups: list[list[int]] = []
        before: Timestamp | None = None
        for moment, index in moments:
            if before is None or (moment - before) / S_NS > MOMENT_S:
                groups.append([])
            groups[-1].append(index)
            before = moment
        return [sorted(group) for group in groups]

    def is_alive(self, observer: int, peer: int) -> bool:
        """Whether a link is up, or so new that it may come up."""
        return self._ground.state(observer, peer) is LinkState.UP or self.is_settling(observer, peer)

    def is_settling(self, observer: int, peer: int) -> bool:
        """Whether a link that is not up is too new to be judged."""
        state, view = self._ground.state(observer, peer), self._ground.views.get(observer)
        if view is not None and state is LinkState.DOWN:
            return self._ground.is_leaving(observer, peer)
        if view is None or state not in {LinkState.UNKNOWN, LinkState.ABSENT}:
            return False
        if state is LinkState.ABSENT:
            return self._is_joining(peer) or self._is_joining(observer)
        status = self._ground.status(observer, peer)
        if status is None:
            spec = self._ground.spec_resource(observer, peer)
            return spec is None or view.as_of.is_zero or (view.as_of - spec.metadata.created) / S_NS < SETTLING_S
        age = (view.as_of - self._ground.made(observer, peer)) / S_NS
        recent = not status.last_handshake_time.is_zero and (view.as_of - status.last_handshake_time) / S_NS < PEER_DOWN_S + SETTLING_S
        return age < SETTLING_S or recent

    def _is_joining(self, index: int) -> bool:
        """Whether nobody has known a node for longer than a link needs to come up."""
        if index not in self._joining:
            made = [
                (view.as_of - held.metadata.created) / S_NS
                for observer, view in self.fresh.items()
                if observer != index and not view.as_of.is_zero and (held := self._ground.spec_resource(observer, index)) is not None
            ]
            self._joining[index] = bool(made) and max(made) < SETTLING_S
        return self._joining[index]

    @cached_property
    def _joining(self) -> dict[int, bool]:
        return {}
