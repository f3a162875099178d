"""Ctrl-C during a write, wherever it comes: it is done or not done, and what comes after it is as always."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from talos_resources import backends
from talos_resources.backends.memory import MemoryState
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Updated
from talos_resources.testing.conformance.parts import PATHS, path
from tests.interrupting import interrupted

PLACES = tuple(backends.__path__)


def create(state: MemoryState) -> None:
    state.create(path("b", labels={"x": "1"}))


def update(state: MemoryState) -> None:
    state.update(state.get(PATHS, "a").with_labels(x="2"))


def destroy(state: MemoryState) -> None:
    state.destroy(PATHS, "a")


@pytest.mark.parametrize("write", [create, update, destroy])
@pytest.mark.parametrize("is_watched", [True, False])
def test_ctrl_c_during_a_write(write: Callable[[MemoryState], None], *, is_watched: bool) -> None:
    for step in itertools.count():
        state = MemoryState()
        state.create(path("a", labels={"x": "1"}))
        state.create(path("z"))
        watch = state.watch_kind(PATHS) if is_watched else None
        state.list(PATHS)
        if not interrupted(step, lambda: write(state), PLACES):  # noqa: B023
            break
        everything = state.list(PATHS)
        for value in "12":
            assert state.list(PATHS, labels=f"x={value}") == tuple(one for one in everything if one.labels.get("x") == value), step
        if watch is not None:
            known = {}
            for event in watch.next_batch(0):
                match event:
                    case Created(resource) | Updated(resource):
                        known[resource.id] = resource
                    case Destroyed(reference):
                        del known[reference.id]
                    case _:
                        assert isinstance(event, Bootstrapped)
            assert tuple(known[name] for name in sorted(known)) == everything, step
        for one in everything:
            assert state.get(PATHS, one.id) == one
            state.update(one.with_labels(x="3"))
            state.destroy(PATHS, one.id)
        assert state.list(PATHS) == state.list(PATHS, labels="x=3") == ()
    assert step > 5
