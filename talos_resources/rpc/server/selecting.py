"""Selecting what a question asks for: a client does little at a time, and the others' turn comes in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.model.kind import Kind
from talos_resources.model.query import Matcher, matcher
from talos_resources.model.resource import Resource
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.server.requests import Queries, queries_from
from talos_resources.rpc.server.work_turns import SLICE_S
from talos_resources.state.aio import AioState
from talos_resources.state.events import AnyEvent
from talos_resources.state.select import select

T = TypeVar("T")
R = TypeVar("R")


async def listed(
    state: AioState, call: Call, kind: Kind[Any], namespace: str, options: Callable[[], pb.ListOptions], *, quick: Queries | None
) -> Sequence[Resource[Any]]:
    """The resources of a kind that a List asks for, sorted by id.

    Args:
        state: that is asked.
        call: that asks.
        kind: of the resources.
        namespace: of the resources.
        options: reads what is asked for, when it is the client's turn: read, it is ten times as large.
        quick: what is asked for, if `quick_queries` knows it.

    Raises:
        QueryError: a query that cannot be understood.
        RpcError: one that is not known.
        TalosResourcesError: what the state raises.
    """
    if not state.blocking and quick is not None:
        return await state.list(kind, namespace=namespace, labels=quick.labels)
    async with call.turns.at_work(call.client):
        queries, matches = await asked(call, options())
        if selects_elsewhere(state):
            return await state.list(kind, namespace=namespace, labels=queries.labels, ids=queries.ids)
        everything = await state.list(kind, namespace=namespace)
        return everything if matches is None else await _sliced(call, everything, lambda one: one if matches(one.metadata) else None)


async def asked(call: Call, options: pb.ListOptions | pb.WatchOptions) -> tuple[Queries, Matcher | None]:
    """What a request selects by, read when it is the client's turn: thousands of terms that wait would be gigabytes.

    Raises:
        QueryError: a query that cannot be understood.
        RpcError: one that is not known.
    """
    if options.label_query or options.HasField("id_query"):
        await call.turn()
    queries = queries_from(options)
    return queries, matcher(queries.labels, queries.ids)


async def selected(call: Call, events: Sequence[AnyEvent], matches: Matcher | None) -> Sequence[AnyEvent]:
    """What a watch with queries tells of some events."""
    return events if matches is None else await _sliced(call, events, lambda event: select(event, matches))


def selects_elsewhere(state: AioState) -> bool:
    """Whether somebody else compares: another server, for a state that asks one."""
    return bool(getattr(state.state, "selects_elsewhere", False))


async def _sliced(call: Call, items: Sequence[T], wanted: Callable[[T], R | None]) -> Sequence[R]:
    """What is wanted of the items, None of the others; looked at slice by slice."""
    found: list[R] = []
    position = 0
    while position < len(items):
        await call.turn()
        until = monotonic() + SLICE_S
        while position < len(items) and monotonic() < until:
            one = wanted(items[position])
            position += 1
            if one is not None:
                found.append(one)
    return found


def quick_queries(options: pb.ListOptions) -> Queries | None:
    """What is asked for, if a state in memory need not look at each resource: everything is there, and so is what has one label."""
    if options.HasField("id_query"):
        return None
    terms = [term for query in options.label_query for term in query.terms]
    is_one_label = len(terms) == len(options.label_query) == 1 and terms[0].op == pb.LabelTerm.EQUAL and not terms[0].invert
    return queries_from(options) if is_one_label or not terms else None
