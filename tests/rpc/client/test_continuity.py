"""Watches over random histories with random interruptions: the consumer always ends up with the truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import InvalidBookmarkError, WatchError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.continuity import Continuity
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated
from talos_resources.state.watch_spec import WatchSpec

KIND = KubeSpanPeerStatus.KIND  # type: ignore[attr-defined]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "destroy", "recreate"]), st.sampled_from("abc")),
        st.tuples(st.sampled_from(["read", "cut", "restart"]), st.just("")),
    ),
    max_size=40,
)


class Consumer:
    """Follows a watch by the rules: it may only be told what fits what it knows."""

    def __init__(self) -> None:
        self.known: dict[str, Resource[Any]] = {}
        self.bootstrapped = 0

    def take(self, events: list[AnyEvent]) -> None:
        for event in events:
            match event:
                case Created(resource):
                    assert resource.id not in self.known
                    self.known[resource.id] = resource
                case Updated(resource, old):
                    assert old == self.known[resource.id]
                    assert old is not None
                    assert old.metadata.created == resource.metadata.created
                    self.known[resource.id] = resource
                case Destroyed(reference, resource):
                    if resource is not None:
                        assert self.known.pop(reference.id).metadata.created == resource.metadata.created
                case Bootstrapped():
                    self.bootstrapped += 1
                case _:
                    raise AssertionError(event)


class Follower:
    """Drives a Continuity over a state as a remote watch does, one step at a time."""

    def __init__(self, state: MemoryState, spec: WatchSpec) -> None:
        self.state = state
        self.spec = spec
        self.continuity = Continuity(spec)
        self.consumer = Consumer()
        self.stream: Watch[Any] | None = None

    def open(self) -> None:
        good = True
        while self.stream is None:
            start = self.continuity.start(bookmark_is_good=good)
            assert start is not None
            try:
                if self.spec.id is None:
                    self.stream = self.state.watch_kind(KIND, **start)
                else:
                    self.stream = self.state.watch(KIND, self.spec.id, start_from_bookmark=start["start_from_bookmark"])
            except InvalidBookmarkError:
                good = False
        self.continuity.established()

    def read(self) -> None:
        self.open()
        assert self.stream is not None
        try:
            batch = self.stream.next_batch(0)
        except TimeoutError:
            return
        told, error = self.continuity.tell(batch)
        self.consumer.take(told)
        if error is not None:
            self.cut()

    def cut(self) -> None:
        if self.stream is not None:
            self.stream.close()
            self.stream = None


def apply(state: MemoryState, step: str, id: str) -> None:
    found = {resource.id: resource for resource in state.list(KIND)}.get(id)
    if step in ("destroy", "recreate") and found is not None:
        state.destroy(KIND, id)
        found = None
        if step == "destroy":
            return
    if step == "destroy":
        return
    if found is None:
        state.create(Resource.new(KubeSpanPeerStatus(), id=id))
    else:
        state.update(found.with_spec(receive_bytes=found.spec.receive_bytes + 1))


@given(STEPS, st.sampled_from([None, "a"]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_gap_no_repetition_no_lie(steps: list[tuple[str, str]], id: str | None, small: bool) -> None:
    state = MemoryState(capacity=4 if small else 1000, gap=0)
    follower = Follower(state, WatchSpec(namespace=KIND.namespace, type=KIND.type, id=id, bootstrap=id is None))
    follower.open()
    for step, target in steps:
        if step == "read":
            follower.read()
        elif step == "cut":
            follower.cut()
        elif step == "restart":
            follower.cut()
            fresh = MemoryState(capacity=4 if small else 1000, gap=0)
            fresh.restore(state.list(KIND))
            state = follower.state = fresh
        else:
            apply(state, step, target)
    for _ in range(3):  # an overrun costs a round
        follower.read()
        follower.read()
    wanted = {resource.id: resource for resource in state.list(KIND) if id is None or resource.id == id}
    assert follower.consumer.known == wanted
    assert follower.consumer.bootstrapped == (id is None)


def test_a_watch_without_contents_says_when_it_cannot_go_on() -> None:
    continuity = Continuity(WatchSpec(namespace="n", type="T"))
    start = continuity.start()
    assert start is not None
    assert start["bootstrap_bookmark"]
    continuity.established()
    assert continuity.start() is None
    assert isinstance(continuity.lost(WatchError("gone")), WatchError)
    overrun = continuity.lost(WatchOverrunError("buffer overrun: slow", bookmark=None))
    assert isinstance(overrun, WatchOverrunError)


@pytest.mark.parametrize("options", [{"tail_events": 3}, {"start_from_bookmark": b"x"}])
def test_where_to_begin_is_asked_for_until_it_is_confirmed(options: dict[str, Any]) -> None:
    continuity = Continuity(WatchSpec(namespace="n", type="T", bootstrap=True, **options))
    first = continuity.start()
    assert first == continuity.start()
    assert first is not None
    assert not first["bootstrap"]
    assert not first["bootstrap_bookmark"]
