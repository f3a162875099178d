"""Two programs on one etcd against a dict: what one remembers must never stand for what the other did."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talos_resources.backends.etcd import EtcdState
from talos_resources.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    TalosResourcesError,
    VersionConflictError,
)
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.testing.conformance.parts import PATHS, path, told
from tests.backends.etcd.cluster import Etcd

pytestmark = pytest.mark.etcd

_prefixes = itertools.count()

SIDES = st.integers(0, 1)
IDS = st.sampled_from(["a", "b"])
OWNERS = st.sampled_from(["", "me"])
FINALIZERS = st.sampled_from([(), (), ("f",)])

CREATE = st.tuples(st.just("create"), SIDES, IDS, OWNERS, FINALIZERS)
UPDATE = st.tuples(
    st.just("update"), SIDES, IDS, OWNERS, FINALIZERS, st.booleans(), st.sampled_from([None, *Phase]), st.sampled_from(Phase)
)
DESTROY = st.tuples(st.just("destroy"), SIDES, IDS, OWNERS)
LIST = st.tuples(st.just("list"), SIDES)


class Model:
    """What a state has to hold, and what a watch of it has to tell."""

    def __init__(self) -> None:
        self.held: dict[str, Resource[Any]] = {}
        self.log: list[str] = []

    def create(self, state: EtcdState, id: str, owner: str, finalizers: tuple[str, ...]) -> None:
        refusal = AlreadyExistsError if id in self.held else None
        stored = attempt(refusal, lambda: state.create(path(id, finalizers=finalizers), owner=owner))
        if stored is not None:
            assert (stored.version, stored.owner) == (1, owner)
            self.held[id] = stored
            self.log.append(f"+{id}1")

    def update(
        self, state: EtcdState, id: str, owner: str, finalizers: tuple[str, ...], stale: bool, expected: Phase | None, phase: Phase
    ) -> None:
        held = self.held.get(id)
        given = (held or path(id)).with_metadata(finalizers=finalizers, phase=phase)
        if stale:
            given = given.with_metadata(version=given.version + 1)
        refusal: type[TalosResourcesError] | None = None
        if held is None:
            refusal = NotFoundError
        elif held.owner != owner:
            refusal = OwnerConflictError
        elif stale:
            refusal = VersionConflictError
        elif expected not in {None, held.phase}:
            refusal = PhaseConflictError
        stored = attempt(refusal, lambda: state.update(given, owner=owner, expected_phase=expected))
        if stored is not None:
            assert held is not None
            assert (stored.version, stored.phase, stored.metadata.created) == (held.version + 1, phase, held.metadata.created)
            self.held[id] = stored
            self.log.append(f"~{id}{stored.version}")

    def destroy(self, state: EtcdState, id: str, owner: str) -> None:
        held = self.held.get(id)
        refusal: type[TalosResourcesError] | None = None
        if held is None:
            refusal = NotFoundError
        elif held.owner != owner:
            refusal = OwnerConflictError
        elif held.metadata.finalizers:
            refusal = PendingFinalizersError
        attempt(refusal, lambda: state.destroy(PATHS, id, owner=owner))
        if refusal is None:
            assert held is not None
            del self.held[id]
            self.log.append(f"-{id}{held.version}")

    def list(self, state: EtcdState) -> None:
        assert list(state.list(PATHS)) == [self.held[name] for name in sorted(self.held)]
        for name, resource in self.held.items():
            assert state.get(PATHS, name) == resource


def attempt(refusal: type[TalosResourcesError] | None, call: Any) -> Any:
    if refusal is None:
        return call()
    with pytest.raises(refusal):
        call()
    return None


@given(steps=st.lists(CREATE | UPDATE | UPDATE | DESTROY | LIST, max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_programs(etcd: Etcd, steps: list[tuple[Any, ...]]) -> None:
    url = etcd.url(f"/model{next(_prefixes)}")
    model = Model()
    with EtcdState(url) as one, EtcdState(url) as two, one.watch_kind(PATHS) as first, two.watch_kind(PATHS, bootstrap=False) as second:
        for action, side, *arguments in steps:
            getattr(model, action)((one, two)[side], *arguments)
        model.list(one)
        model.list(two)
        assert told(first, 1 + len(model.log)) == ["Bootstrapped", *model.log]
        assert told(second, len(model.log)) == model.log
