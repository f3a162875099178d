"""What is compared for a client is compared in slices, in lists and in watches."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import attrs
import pytest

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.selecting import asked, quick_queries, selected
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.server.work_turns import SLICE_S
from talos_resources.state.events import AnyEvent, Bootstrapped, Created
from talos_resources.testing.conformance.parts import take, told

LABELS = {"zone": "a"}


@attrs.define
class Turns:
    """A call that counts its turns."""

    turns: int = 0

    async def turn(self) -> None:
        self.turns += 1


def test_events_are_compared_in_slices() -> None:
    counted = Turns()
    call: Any = counted

    def matches(metadata: Metadata) -> bool:
        until = monotonic() + SLICE_S / 2
        while monotonic() < until:
            pass
        return metadata.id.endswith("0")

    events: list[AnyEvent] = [Created(Resource.new(KubeSpanPeerStatus(), id=f"{n:02}")) for n in range(40)]
    found = asyncio.run(selected(call, [*events, Bootstrapped()], matches))
    assert [event.resource.id for event in found if isinstance(event, Created)] == ["00", "10", "20", "30"]
    assert isinstance(found[-1], Bootstrapped)
    assert counted.turns >= 40 // 2


def test_a_question_is_read_when_it_is_its_turn() -> None:
    options = pb.WatchOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EXISTS)])])

    class Never(Turns):
        async def turn(self) -> None:
            raise NotImplementedError

    call: Any = Never()
    with pytest.raises(NotImplementedError):
        asyncio.run(asked(call, options))
    queries, matches = asyncio.run(asked(call, pb.WatchOptions()))
    assert (queries.labels, queries.ids, matches) == ((), None, None)


@pytest.mark.parametrize(
    ("options", "quick"),
    [
        (pb.ListOptions(), True),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EQUAL, value=["b"])])]), True),
        (
            pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EQUAL, value=["b"], invert=True)])]),
            False,
        ),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EXISTS)])]), False),
        (pb.ListOptions(id_query=pb.IDQuery(regexp="a")), False),
    ],
)
def test_what_a_state_finds_without_comparing_is_not_waited_for(options: pb.ListOptions, quick: bool) -> None:
    assert (quick_queries(options) is not None) == quick


def test_a_watch_compares_in_the_server_not_in_the_state() -> None:
    """The state would compare everything that is there in one go."""

    class Told(MemoryState):
        def watch_kind(self, *args: Any, labels: Any = (), ids: Any = None, **options: Any) -> Any:
            assert (labels, ids) == ((), None)
            return super().watch_kind(*args, **options)

    with Told() as state, BackgroundServer(state, "127.0.0.1:0") as server, connect_plain(server.address) as node:
        for n in range(700):
            state.create(Resource.new(KubeSpanPeerStatus(), id=f"{n:03}", labels=LABELS if n % 100 == 0 else None))
        with node.watch_kind(KubeSpanPeerStatus, labels="zone=a", ids="[0-5]..") as watch:
            assert told(watch, 7) == ["+0001", "+1001", "+2001", "+3001", "+4001", "+5001", "Bootstrapped"]
            last = state.get(KubeSpanPeerStatus, "001")
            last = state.update(last.with_labels(zone="a"))
            last = state.update(last.with_labels(zone="b"))
            state.update(state.get(KubeSpanPeerStatus, "600").with_labels(zone="b"))
            state.destroy(KubeSpanPeerStatus, "500")
            assert [event.resource.version for event in take(watch, 1)] == [2]
            assert told(watch, 2) == ["-0013", "-5001"]
