"""Selecting what a List asks for: a client does little at a time, and the others' turn comes in between."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

from talos_resources.model.kind import Kind
from talos_resources.model.labels import LabelOp
from talos_resources.model.query import Matcher, matcher
from talos_resources.model.resource import Resource
from talos_resources.rpc.server.requests import Queries
from talos_resources.state.aio import AioState

SLICE_S: Final = 0.003
"""For so long resources are compared before somebody else's turn."""

AT_WORK: Final = 2
"""Questions of one client that are worked at; its others wait."""


class Selecting:
    """Answers Lists, for one event loop."""

    def __init__(self) -> None:
        """Begins with nobody's."""
        self._slice = asyncio.Lock()
        self._at_work: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def list(self, state: AioState, client: Hashable, kind: Kind[Any], namespace: str, queries: Queries) -> Sequence[Resource[Any]]:
        """The resources of a kind that match, sorted by id.

        Raises:
            QueryError: a query that cannot be understood.
            TalosResourcesError: what the state raises.
        """
        if not state.blocking and _is_quick(queries):
            return await state.list(kind, namespace=namespace, labels=queries.labels, ids=queries.ids)
        async with self._turn(client):
            if getattr(state.state, "selects_elsewhere", False):
                return await state.list(kind, namespace=namespace, labels=queries.labels, ids=queries.ids)
            matches = matcher(queries.labels, queries.ids)
            everything = await state.list(kind, namespace=namespace)
            if matches is None:
                return everything
            return await self._matching(everything, matches)

    async def _matching(self, everything: Sequence[Resource[Any]], matches: Matcher) -> Sequence[Resource[Any]]:
        found = []
        position = 0
        while position < len(everything):
            async with self._slice:  # in the order of coming: one slice, then the others of the loop
                until = monotonic() + SLICE_S
                while position < len(everything) and monotonic() < until:
                    resource = everything[position]
                    position += 1
                    if matches(resource.metadata):
                        found.append(resource)
                await asyncio.sleep(0)
        return found

    @asynccontextmanager
    async def _turn(self, client: Hashable) -> AsyncIterator[None]:
        """Waits until the client has few questions at work."""
        while self._at_work[client] >= AT_WORK:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(client, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake(client)
                raise
        self._at_work[client] += 1
        try:
            yield
        finally:
            self._at_work[client] -= 1
            if not self._at_work[client]:
                del self._at_work[client]
            self._wake(client)

    def _wake(self, client: Hashable) -> None:
        waiting = self._waiting.get(client)
        while waiting:
            turn = waiting.popleft()
            if not turn.done():  # else it was given up
                turn.set_result(None)
                break
        if not waiting:
            self._waiting.pop(client, None)


def _is_quick(queries: Queries) -> bool:
    """Whether a state in memory need not look at each resource: everything is there, and so is what has one label."""
    if queries.ids is not None:
        return False
    terms = [term for query in queries.labels for term in query.terms]
    return not terms or (len(terms) == len(queries.labels) == 1 and terms[0].op is LabelOp.EQUAL and not terms[0].invert)
