"""An endpoint of a cluster: the metadata of a call says which nodes answer it.

`node` names one; `nodes` several, for services whose answers have a message for each node. Without either, the node
whose endpoint it is answers. Workers answer for themselves only.

Source: apid of Talos v1.14.0-rc.1; for v1.12, reference of that release in `talos_resources.releases`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Final

from talos_resources.codec.protowire import VARINT, WireError, read_payload, read_varint, skip, tag, varint
from talos_resources.model.errors import TalosResourcesError
from talos_resources.releases import release_of
from talos_resources.rpc.messages import field
from talos_resources.rpc.server.call import Call, CallPart, Method
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.nodes import LOOPBACK, Nodes
from talos_resources.rpc.status import Code, RpcError, status_of

MOST_NODES: Final = 10_000
"""Names in one call: each is an answer."""


class Endpoint:
    """Finds the methods of calls at the endpoint of one node."""

    def __init__(self, nodes: Nodes, local: str, *, forwards: bool = True, beside: Mapping[str, Method] | None = None) -> None:
        """Takes the nodes.

        Args:
            nodes: all of them.
            local: the name of the one whose endpoint it is.
            forwards: whether that passes calls on to others, as control planes do.
            beside: calls that no node answers, by path.
        """
        self._beside = beside or {}
        self._nodes = nodes
        self._local = local
        self._forwards = forwards

    @property
    def limits(self) -> Limits:
        """What clients may take."""
        return self._nodes.common.limits

    def method(self, path: str) -> Method:
        """What answers calls of this path; the call says on which node."""
        return self._beside.get(path) or partial(self._answer, path)

    async def _answer(self, path: str, call: Call, data: bytes) -> None:
        node, several = call.metadata.get("node"), call.metadata.get("nodes")
        if node is not None and "," in node:
            raise RpcError(Code.INVALID_ARGUMENT, "node metadata must be single-valued")
        names = None if several is None else tuple(name.strip() for name in several.split(","))
        if not self._forwards:
            node, names = self._without_forwarding(node, names)
        if names is None:
            method = await self._nodes.method(self._local if node is None else self._named(node), path)
            await method(call, data)
            return
        api = release_of(await self._nodes.version(self._local)).api
        if not api.takes_many_nodes(path):
            raise RpcError(Code.INVALID_ARGUMENT, api.many_nodes_refused.format(method=path))
        if len(names) > MOST_NODES:
            raise RpcError(Code.INVALID_ARGUMENT, f"{len(names)} nodes in one call are too many; {MOST_NODES} are let through")
        answers = await asyncio.gather(*(self._part(name, path, call.part(), data) for name in names))
        await call.send(b"".join(answers))

    def _without_forwarding(self, node: str | None, names: tuple[str, ...] | None) -> tuple[str | None, tuple[str, ...] | None]:
        """The metadata at a worker's endpoint; what it may answer itself it answers as if nobody had been named.

        Raises:
            RpcError: PERMISSION_DENIED, another node is named.
        """
        named = names or (() if node is None else (node,))
        if len(named) > 1 or any(self._nodes.own_name(self._named(name)) != self._local for name in named):
            raise RpcError(Code.PERMISSION_DENIED, "no request forwarding")
        return None, None

    def _named(self, name: str) -> str:
        return self._local if name in LOOPBACK and self._nodes.own_name(name) is None else name

    async def _part(self, name: str, path: str, part: CallPart, data: bytes) -> bytes:
        """The answer of one of several nodes, which names it; an error is an answer too."""
        host = field(1, name.encode())
        try:
            method = await self._nodes.method(self._named(name), path)
            await method(part, data)
            return b"".join(_naming(host, message) for answer in part.messages for message in _messages(answer))
        except RpcError as error:
            status = error
        except TalosResourcesError as error:
            status = status_of(error)
        text = f"rpc error: code = {status.code.go_name} desc = {status.text}"
        told = tag(1, VARINT) + varint(status.code.value) + field(2, status.text.encode())
        return field(1, field(1, host + field(2, text.encode()) + field(3, told)))


def _naming(host: bytes, message: bytes) -> bytes:
    """Field 1 of an answer: a message with the host name in its metadata, which protobuf merges with what it has."""
    return field(1, field(1, host) + message)


def _messages(answer: bytes) -> list[bytes]:
    """The messages (field 1) of an answer of ours.

    Raises:
        RpcError: INTERNAL, it is none.
    """
    found, position = [], 0
    try:
        while position < len(answer):
            key, position = read_varint(answer, position)
            if key == 0x0A:
                message, position = read_payload(answer, position)
                found.append(message)
            else:
                position = skip(answer, position, key)
    except WireError as error:
        raise RpcError(Code.INTERNAL, f"an answer that cannot be read: {error}") from None
    return found
