"""`cosi.resource.State` over any State.

Source: COSI runtime v1.16.2, state server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import Kind
from talos_resources.model.query import Matcher
from talos_resources.rpc.framing import frame
from talos_resources.rpc.headers import SERVICE
from talos_resources.rpc.server.call import PIECE_BYTES, Call, Method
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.requests import check_queries, kind_from, parse, phase_from, resource_from
from talos_resources.rpc.server.roles import Role, check_known, check_read, check_write, sensitivity
from talos_resources.rpc.server.selecting import asked, listed, quick_queries, selected, selects_elsewhere
from talos_resources.rpc.status import Code, RpcError
from talos_resources.state.aio import AioState
from talos_resources.state.aio_watch import AioWatch
from talos_resources.state.contract import State
from talos_resources.state.derived import teardown
from talos_resources.state.events import AnyEvent, Bootstrapped, Errored

FEW: Final = 16
"""Events of a watch that are encoded in one turn."""


class StateService:
    """The methods, each an answer to one request."""

    def __init__(self, state: State, common: Common) -> None:
        """Serves a state; what it has in common with other services of the server says what clients may take."""
        self._common = common
        self._state = AioState(state)
        self._encoder = common.encoder

    def methods(self) -> Mapping[str, Method]:
        """Path → method."""
        names = {
            "Get": self._get,
            "List": self._list,
            "Create": self._create,
            "Update": self._update,
            "Destroy": self._destroy,
            "Teardown": self._teardown,
            "TeardownAndDestroy": self._teardown_and_destroy,
            "Watch": self._watch,
        }
        return {SERVICE + name: method for name, method in names.items()}

    async def _get(self, call: Call, data: bytes) -> None:
        request = parse(pb.GetRequest, data)
        await self._check_read(call, request.type)
        kind = kind_from(request.type, request.namespace)
        resource = await self._state.get(kind, request.id, namespace=request.namespace)
        await call.send(self._encoder.resource(resource))

    async def _list(self, call: Call, data: bytes) -> None:
        request = parse(pb.ListRequest, data)
        await self._check_read(call, request.type)
        check_queries(request.options)
        kind, namespace, quick = kind_from(request.type, request.namespace), request.namespace, quick_queries(request.options)
        del request  # thousands may wait
        await call.wanted()
        resources = await listed(self._state, call, kind, namespace, lambda: parse(pb.ListRequest, data).options, quick=quick)
        await call.send_pieces(_pieces(map(self._encoder.resource, resources)))

    async def _create(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        request = parse(pb.CreateRequest, data)
        stored = await self._state.create(resource_from(request.resource), owner=request.options.owner)
        await call.send(self._encoder.resource(stored))

    async def _update(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        request = parse(pb.UpdateRequest, data)
        phase = phase_from(request.options)
        stored = await self._state.update(resource_from(request.new_resource), owner=request.options.owner, expected_phase=phase)
        await call.send(self._encoder.resource(stored))

    async def _destroy(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        request = parse(pb.DestroyRequest, data)
        kind = kind_from(request.type, request.namespace)
        await self._state.destroy(kind, request.id, namespace=request.namespace, owner=request.options.owner)
        await call.send(b"")

    async def _teardown(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        request = parse(pb.TeardownRequest, data)
        kind = kind_from(request.type, request.namespace)
        ready = await self._state.call(teardown, kind, request.id, namespace=request.namespace, owner=request.options.owner)
        await call.send(pb.TeardownResponse(destroy_ready=ready).SerializeToString())

    async def _teardown_and_destroy(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        request = parse(pb.TeardownAndDestroyRequest, data)
        kind = kind_from(request.type, request.namespace)
        await self._state.teardown_and_destroy(kind, request.id, namespace=request.namespace, owner=request.options.owner)
        await call.send(b"")

    async def _watch(self, call: Call, data: bytes) -> None:
        request = parse(pb.WatchRequest, data)
        await self._check_read(call, request.type)
        common = self._common
        if common.watches >= common.limits.watches:
            raise RpcError(Code.RESOURCE_EXHAUSTED, f"the server has its {common.limits.watches} watches; try again later")
        common.watches += 1
        try:
            matches, subscription = await self._subscription(call, request)
            async with subscription as events:
                await call.send(b"")  # the watch is subscribed
                while True:
                    try:
                        batch = await events.next_batch()
                    except StopAsyncIteration:
                        raise RpcError(Code.UNAVAILABLE, "the node went away: it was switched off, or what serves it stops") from None
                    await self._send_events(call, request, await selected(call, batch, matches))
                    if isinstance(batch[-1], Errored):
                        raise _end_of(batch[-1])
        finally:
            common.watches -= 1

    async def _subscription(self, call: Call, request: pb.WatchRequest) -> tuple[Matcher | None, AioWatch[Any]]:
        """The watch of a request, and what its events are to match that the watch itself does not look at.

        The state would compare all that is there in one go.
        """
        options = request.options
        kind: Kind[Any] = kind_from(request.type, request.namespace)
        start = options.start_from_bookmark if options.HasField("start_from_bookmark") else None
        tail = max(options.tail_events, 0)
        if tail and start is not None:
            raise RpcError(Code.INVALID_ARGUMENT, "tail events and a bookmark to start from exclude each other")
        if request.HasField("id"):
            if options.bootstrap_contents or options.label_query:
                asked_for = "bootstrap contents" if options.bootstrap_contents else "label query"
                raise RpcError(Code.UNIMPLEMENTED, f"{asked_for} is not implemented for resource watch")
            return None, self._state.watch(kind, request.id, namespace=request.namespace, tail_events=tail, start_from_bookmark=start)
        check_queries(options)
        if options.bootstrap_contents and (tail or start is not None):
            raise RpcError(Code.INVALID_ARGUMENT, "bootstrap contents, tail events and a bookmark to start from exclude each other")
        queries, matches = await asked(call, options)
        compares = selects_elsewhere(self._state)
        return None if compares else matches, self._state.watch_kind(
            kind,
            namespace=request.namespace,
            bootstrap=options.bootstrap_contents,
            bootstrap_bookmark=options.bootstrap_bookmark,
            tail_events=tail,
            start_from_bookmark=start,
            labels=queries.labels if compares else (),
            ids=queries.ids if compares else None,
        )

    async def _send_events(self, call: Call, request: pb.WatchRequest, batch: Sequence[AnyEvent]) -> None:
        told: Iterable[AnyEvent] = batch
        if request.api_version < 1:
            told = (event for event in batch if not isinstance(event, Bootstrapped | Errored))
        encoded = (self._encoder.event(event, request.namespace, request.type) for event in told)
        # One message of many events costs the client less, if it said that it understands it.
        pieces: Iterator[bytes] = map(frame, _joined(encoded)) if request.options.aggregated else _pieces(encoded)
        if len(batch) > FEW:
            await call.send_pieces(pieces)
        elif batch:
            await call.send_made(PIECE_BYTES, lambda: pieces)

    async def _check_read(self, call: Call, type: str) -> None:
        if Role.ADMIN not in call.roles:
            check_known(call.roles)
            check_read(call.roles, await self._state.call(sensitivity, type), type)


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts joined to pieces of about `PIECE_BYTES`."""
    piece: list[bytes] = []
    size = 0
    for part in parts:
        piece.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


def _pieces(messages: Iterable[bytes]) -> Iterator[bytes]:
    """The messages with their heads, joined to pieces of about `PIECE_BYTES`."""
    return _joined(map(frame, messages))


def _end_of(event: Errored) -> TalosResourcesError | RpcError:
    """The status of a watch that ended with an error."""
    return RpcError(Code.ABORTED, event.error.message)
