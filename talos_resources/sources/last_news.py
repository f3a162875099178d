"""Until when nothing is missing of what nodes told, when they are interrupted."""

from __future__ import annotations

from typing import Any

from talos_resources.model.errors import ConnectError, InvalidBookmarkError, WatchOverrunError
from talos_resources.model.kind import Kind
from talos_resources.model.timestamp import Timestamp
from talos_resources.rpc.transport.dial import SILENCE_S


class LastNews:
    """When news of nodes and their kinds came last; for any thread."""

    def __init__(self) -> None:
        """Begins without any."""
        self._of_kind: dict[tuple[str, str], Timestamp] = {}
        self._of_node: dict[str, Timestamp] = {}
        self._before: dict[str, Timestamp] = {}

    def came(self, node: str, kind: Kind[Any], at: Timestamp) -> None:
        """There are news of a kind of a node."""
        self._of_kind[node, kind.type] = self._of_node[node] = at

    def away(self, node: str) -> None:
        """A node is away; what comes while some of its watches go on again says nothing of the time before."""
        if node in self._of_node:
            self._before[node] = self._of_node[node]

    def sure(self, node: str, kind: Kind[Any], reason: Exception, *, now: Timestamp) -> Timestamp | None:
        """Until when nothing is missing, as the reason of an interruption says; None where it loses nothing.

        Who does not keep up loses events of that kind, after the last that came. When a node cannot go on from where it
        was, all is lost that it had not told yet, of every kind; the last that came of any shows that it was there. What
        happened while a connection was silent comes later, if at all: until it does, nothing is known of that time.
        """
        match reason:
            case WatchOverrunError():
                return self._of_kind.get((node, kind.type))
            case InvalidBookmarkError():
                return self._before.get(node)
            case ConnectError(silent=True):
                probed = Timestamp(now - SILENCE_S * 10**9)
                return max(self._of_node.get(node, probed), probed)
            case _:
                return None
