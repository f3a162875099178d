"""MemoryState against a dict and a list: any sequence of calls, with watchers that must miss nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    TalosResourcesError,
    VersionConflictError,
    WatchOverrunError,
)
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.state.contract import Watch
from talos_resources.testing.conformance.parts import PATHS, brief, path
from tests.backends.model import Write

CAPACITY, GAP = 12, 3

IDS = st.sampled_from(["a", "b", "c", "é", "\U00010000"])
OWNERS = st.sampled_from(["", "me", "you"])
ZONES = st.sampled_from([None, "a", "b"])


@attrs.define
class Follower:
    """A watch and what it has to tell next: words from its beginning, then those of the log from `position` on."""

    watch: Watch[Any]
    position: int
    zone: str | None = None
    only: str | None = None
    begin: list[str] = attrs.field(factory=list)


class Machine(RuleBasedStateMachine):
    """The state, its model and its watchers."""

    followers = Bundle("followers")

    def __init__(self) -> None:
        super().__init__()
        self.state = MemoryState(capacity=CAPACITY, gap=GAP)
        self.model: dict[str, Resource[Any]] = {}
        self.log: list[Write] = []
        self.bookmarks: list[bytes] = []
        self.recorder: Watch[Any] | None = None

    @initialize(recorded=st.booleans())
    def begin(self, recorded: bool) -> None:
        """Half of the time nobody follows at first, when the state only takes notes of its writes."""
        if recorded:
            self.recorder = self.state.watch_kind(PATHS, bootstrap=False)

    def _wrote(self, old: Resource[Any] | None, new: Resource[Any] | None) -> None:
        self.log.append(Write(old, new))
        if self.recorder is None:
            return
        event = self.recorder.next(0)
        assert brief(event) == self.log[-1].word(None, None)
        assert not hasattr(event, "old") or event.old == old
        assert event.bookmark is not None
        self.bookmarks.append(event.bookmark)

    @rule(id=IDS, named=OWNERS, owner=st.none() | OWNERS, zone=ZONES, finalizers=st.sampled_from([(), ("f",)]))
    def create(self, id: str, named: str, owner: str | None, zone: str | None, finalizers: tuple[str, ...]) -> None:
        given = path(id, owner=named, labels={"zone": zone} if zone else None, finalizers=finalizers)
        expected: type[TalosResourcesError] | None = None
        if owner is not None and named and named != owner:
            expected = OwnerConflictError
        elif id in self.model:
            expected = AlreadyExistsError
        stored = self._try(expected, lambda: self.state.create(given, owner=owner))
        if stored is not None:
            assert (stored.version, stored.owner) == (1, named if owner is None else owner)
            self.model[id] = stored
            self._wrote(None, stored)

    @rule(
        id=IDS,
        owner=st.none() | OWNERS,
        stale=st.booleans(),
        zone=ZONES,
        phase=st.sampled_from(list(Phase)),
        expected_phase=st.sampled_from([None, *Phase]),
        finalizers=st.sampled_from([(), ("f",), ("f", "g")]),
    )
    def update(
        self,
        *,
        id: str,
        owner: str | None,
        stale: bool,
        zone: str | None,
        phase: Phase,
        expected_phase: Phase | None,
        finalizers: tuple[str, ...],
    ) -> None:
        held = self.model.get(id)
        given = (held or path(id)).with_metadata(phase=phase, finalizers=finalizers)
        given = given.with_labels(zone=zone) if zone else given.without_labels("zone")
        if stale:
            given = given.with_metadata(version=given.version + 1)
        expected: type[TalosResourcesError] | None = None
        if held is None:
            expected = NotFoundError
        elif owner not in {None, held.owner}:
            expected = OwnerConflictError
        elif stale:
            expected = VersionConflictError
        elif expected_phase not in {None, held.phase}:
            expected = PhaseConflictError
        stored = self._try(expected, lambda: self.state.update(given, owner=owner, expected_phase=expected_phase))
        if stored is not None:
            assert held is not None
            assert (stored.version, stored.phase, stored.metadata.finalizers) == (held.version + 1, phase, finalizers)
            assert stored.metadata.created == held.metadata.created
            self.model[id] = stored
            self._wrote(held, stored)

    @rule(id=IDS, owner=OWNERS)
    def destroy(self, id: str, owner: str) -> None:
        held = self.model.get(id)
        expected: type[TalosResourcesError] | None = None
        if held is None:
            expected = NotFoundError
        elif held.owner != owner:
            expected = OwnerConflictError
        elif held.metadata.finalizers:
            expected = PendingFinalizersError
        self._try(expected, lambda: self.state.destroy(PATHS, id, owner=owner))
        if expected is None:
            self._wrote(self.model.pop(id), None)

    @rule(count=st.integers(1, CAPACITY + 2), zones=st.sampled_from(["a", "b", "ab", "aab"]))
    def churn(self, count: int, zones: str) -> None:
        """Many writes at once, so that the ring goes round."""
        for n in range(count):
            held = self.model.get("churn")
            stored = (
                self.state.create(path("churn", labels={"zone": zones[0]}))
                if held is None
                else self.state.update(held.with_labels(zone=zones[n % len(zones)]))
            )
            self.model["churn"] = stored
            self._wrote(held, stored)

    def _try(self, expected: type[TalosResourcesError] | None, call: Any) -> Any:
        if expected is None:
            return call()
        with pytest.raises(expected) as caught:
            call()
        assert caught.type is expected
        return None

    @rule(target=followers, zone=ZONES, bootstrap=st.booleans())
    def follow(self, zone: str | None, bootstrap: bool) -> Follower:
        watch = self.state.watch_kind(PATHS, bootstrap=bootstrap, labels=f"zone={zone}" if zone else ())
        begin = [f"+{r.id}{r.version}" for r in self._sorted() if zone in {None, r.labels.get("zone")}]
        return Follower(watch, len(self.log), zone, begin=[*begin, "Bootstrapped"] if bootstrap else [])

    @rule(target=followers, id=IDS)
    def follow_one(self, id: str) -> Follower:
        held = self.model.get(id)
        begin = f"-{id}" if held is None else f"+{id}{held.version}"
        return Follower(self.state.watch(PATHS, id), len(self.log), only=id, begin=[begin])

    @rule(target=followers, count=st.integers(1, CAPACITY + 2))
    def follow_tail(self, count: int) -> Follower:
        return Follower(self.state.watch_kind(PATHS, tail_events=count), max(0, len(self.log) - min(count, CAPACITY - GAP)))

    @rule(target=followers, back=st.integers(0, CAPACITY - GAP - 1))
    def follow_from(self, back: int) -> Follower:
        if back >= len(self.bookmarks):
            return self._follow_news()
        seen = len(self.bookmarks) - 1 - back
        return Follower(self.state.watch_kind(PATHS, start_from_bookmark=self.bookmarks[seen]), seen + 1)

    def _follow_news(self) -> Follower:
        return Follower(self.state.watch_kind(PATHS, bootstrap=False), len(self.log))

    @rule(follower=followers, most=st.integers(1, 20), batch=st.booleans())
    def read(self, follower: Follower, most: int, batch: bool) -> None:
        """A watcher takes some events: exactly those that come next, or the overrun that it earned."""
        for _ in range(most):
            try:
                events = follower.watch.next_batch(0) if batch else [follower.watch.next(0)]
            except TimeoutError:
                assert self._expected(follower) is None
                return
            except StopIteration:
                return
            except WatchOverrunError:
                assert len(self.log) - follower.position > CAPACITY
                return
            for event in events:
                if brief(event) == "Errored":
                    assert len(self.log) - follower.position > CAPACITY
                    return
                assert brief(event) == self._expected(follower)

    def _expected(self, follower: Follower) -> str | None:
        if follower.begin:
            return follower.begin.pop(0)
        while follower.position < len(self.log):
            word = self.log[follower.position].word(follower.zone, follower.only)
            follower.position += 1
            if word is not None:
                return word
        return None

    @rule(follower=consumes(followers))
    def close(self, follower: Follower) -> None:
        follower.watch.close()
        assert list(follower.watch) == []

    def _sorted(self) -> list[Resource[Any]]:
        return [self.model[name] for name in sorted(self.model, key=str.encode)]

    @invariant()
    def shows_what_the_model_holds(self) -> None:
        assert list(self.state.list(PATHS)) == self._sorted()
        for zone in "ab":
            assert list(self.state.list(PATHS, labels=f"zone={zone}")) == [r for r in self._sorted() if r.labels.get("zone") == zone]
        for name in "ab":
            try:
                assert self.state.get(PATHS, name) is self.model[name]
            except NotFoundError:
                assert name not in self.model


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
