"""What clients are told of a cluster, encoded once for all of them, and little at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Final

from talos_resources.discovery.messages import ListResponse, SealedAffiliate
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import head
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.server.work_turns import SLICE_S

SNAPSHOT_BYTES: Final = 1 << 20
"""About how much is in one message of a snapshot: Go clients take 4 MiB, and a full cluster has more."""

CACHE_BYTES: Final = 16 << 20
"""All that is remembered together; more than two thousand nodes of one cluster have to say."""


class Told:
    """The affiliates of clusters as they are sent, in pieces of about `SNAPSHOT_BYTES`.

    When a service begins again, all nodes of a cluster ask it for the same. Affiliates are field 1 of the answer to List
    and of the messages of a Watch alike.
    """

    def __init__(self, registry: Registry) -> None:
        """Begins with nothing remembered."""
        self._registry = registry
        self._remembered: OrderedDict[str, tuple[int, Sequence[bytes]]] = OrderedDict()
        self._bytes = 0

    async def pieces(self, call: Call, cluster_id: str, affiliates: Sequence[SealedAffiliate], version: int) -> Sequence[bytes]:
        """The affiliates, encoded; none is b"", in one piece.

        Args:
            call: that they are for.
            cluster_id: whose they are.
            affiliates: all of the cluster at a moment.
            version: the registry's word for that moment.
        """
        found = self._known(cluster_id, version)
        if found is None:
            async with call.turns.at_work(call.client):
                found = self._known(cluster_id, version)  # a call before this one may have been for the same
                if found is None:
                    found = await _encoded(call, affiliates)
                    self._remember(cluster_id, version, found)
        return found

    def _known(self, cluster_id: str, version: int) -> Sequence[bytes] | None:
        remembered = self._remembered.get(cluster_id)
        return None if remembered is None or remembered[0] != version else remembered[1]

    def _remember(self, cluster_id: str, version: int, pieces: Sequence[bytes]) -> None:
        if version != self._registry.version(cluster_id):
            return  # it has changed meanwhile
        self._forget(cluster_id)
        if not _size(pieces):
            return  # strangers may name any cluster
        self._remembered[cluster_id] = version, pieces
        self._bytes += _size(pieces)
        while self._bytes > CACHE_BYTES:
            self._forget(next(iter(self._remembered)))

    def _forget(self, cluster_id: str) -> None:
        _, pieces = self._remembered.pop(cluster_id, (0, ()))
        self._bytes -= _size(pieces)


async def _encoded(call: Call, affiliates: Sequence[SealedAffiliate]) -> Sequence[bytes]:
    pieces: list[bytes] = []
    part: list[bytes] = []
    size = 0
    until = 0.0
    for affiliate in affiliates:
        if monotonic() >= until:
            await call.turn()
            until = monotonic() + SLICE_S
        part.append(encode(ListResponse(affiliates=(affiliate,))))
        size += len(part[-1])
        if size >= SNAPSHOT_BYTES:
            pieces.append(b"".join(part))
            part, size = [], 0
    if part or not pieces:
        pieces.append(b"".join(part))
    return tuple(pieces)


def _size(pieces: Sequence[bytes]) -> int:
    return sum(map(len, pieces))


def framed(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """One message of all pieces."""
    yield head(_size(pieces))
    yield from pieces
