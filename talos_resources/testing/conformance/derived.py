"""The derived operations over the backend."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import threading
from typing import Any

import pytest

from talos_resources.model.errors import NotFoundError, OwnerConflictError, PhaseConflictError
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.state.contract import State
from talos_resources.state.derived import (
    add_finalizer,
    modify,
    remove_finalizer,
    teardown,
    teardown_and_destroy,
    update_with_conflicts,
    watch_for,
)
from talos_resources.state.events import Created, Destroyed
from talos_resources.state.waiting import Condition, Lifetime
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, Conformance, path


def _labelled(resource: Resource[Any]) -> Resource[Any]:
    return resource.with_labels(l="1")


class DerivedConformance(Conformance):
    """What is made of the contract's calls."""

    def test_update_with_conflicts(self, state: State) -> None:
        state.create(path("a"), owner="me")
        changed = update_with_conflicts(state, PATHS, "a", _labelled)
        assert (changed.version, dict(changed.labels)) == (2, {"l": "1"})
        assert state.get(PATHS, "a") == changed

    def test_update_without_a_change_is_not_written(self, state: State) -> None:
        stored = state.create(path("a", labels={"l": "1"}))
        assert update_with_conflicts(state, PATHS, "a", _labelled) == stored

    def test_update_checks_the_phase_before_it_calls(self, state: State) -> None:
        state.create(path("a"))
        calls: list[int] = []

        def change(resource: Resource[Any]) -> Resource[Any]:
            calls.append(resource.version)
            return resource

        with pytest.raises(PhaseConflictError):
            update_with_conflicts(state, PATHS, "a", change, expected_phase=Phase.TEARING_DOWN)
        assert calls == []
        with pytest.raises(NotFoundError):
            update_with_conflicts(state, PATHS, "b", change)

    def test_update_retries_version_conflicts_only(self, state: State) -> None:
        state.create(path("a"))
        calls: list[int] = []

        def change(resource: Resource[Any]) -> Resource[Any]:
            calls.append(resource.version)
            if len(calls) == 1:  # somebody else is faster
                state.update(resource.with_labels(other="1"))
            return resource.with_labels(mine="1")

        assert update_with_conflicts(state, PATHS, "a", change).labels == {"other": "1", "mine": "1"}
        assert calls == [1, 2]
        with pytest.raises(OwnerConflictError):
            update_with_conflicts(state, PATHS, "a", lambda resource: resource.with_labels(x="1"), owner="you")

    def test_modify_creates_or_updates(self, state: State) -> None:
        first = modify(state, path("a"), _labelled, owner="me")
        assert (first.version, dict(first.labels), first.owner) == (1, {"l": "1"}, "me")
        second = modify(state, path("a"), lambda resource: resource.with_labels(l="2"), owner="me")
        assert (second.version, dict(second.labels)) == (2, {"l": "2"})
        with pytest.raises(OwnerConflictError):
            modify(state, path("a"), _labelled, owner="you")

    def test_modify_of_what_is_torn_down(self, state: State) -> None:
        state.create(path("a"))
        teardown(state, PATHS, "a")
        with pytest.raises(PhaseConflictError):
            modify(state, path("a"), _labelled)

    def test_teardown(self, state: State) -> None:
        state.create(path("a", finalizers=("f",)))
        assert not teardown(state, PATHS, "a")
        assert state.get(PATHS, "a").phase is Phase.TEARING_DOWN
        remove_finalizer(state, PATHS, "a", "f")
        version = state.get(PATHS, "a").version
        assert teardown(state, PATHS, "a")
        assert state.get(PATHS, "a").version == version, "it was torn down already"
        with pytest.raises(NotFoundError):
            teardown(state, PATHS, "b")

    def test_teardown_asks_for_the_owner(self, state: State) -> None:
        state.create(path("a"), owner="me")
        with pytest.raises(OwnerConflictError):
            teardown(state, PATHS, "a", owner="you")
        assert teardown(state, PATHS, "a", owner="me")

    def test_finalizers(self, state: State) -> None:
        state.create(path("a"), owner="me")
        assert add_finalizer(state, PATHS, "a", "f", "g").metadata.finalizers == ("f", "g")
        assert add_finalizer(state, PATHS, "a", "f").version == 2, "adding twice changes nothing"
        teardown(state, PATHS, "a", owner="me")
        assert add_finalizer(state, PATHS, "a", "h").metadata.finalizers == ("f", "g", "h")
        assert remove_finalizer(state, PATHS, "a", "f", "none").metadata.finalizers == ("g", "h")

    def test_teardown_and_destroy(self, state: State) -> None:
        state.create(path("a"), owner="me")
        teardown_and_destroy(state, PATHS, "a", owner="me", timeout=PATIENCE)
        with pytest.raises(NotFoundError):
            state.get(PATHS, "a")
        with pytest.raises(NotFoundError):
            teardown_and_destroy(state, PATHS, "a", timeout=PATIENCE)

    def test_teardown_and_destroy_waits_for_finalizers(self, state: State) -> None:
        state.create(path("a", finalizers=("f", "g")))

        def let_go() -> None:
            watch_for(state, PATHS, "a", Condition(phases=(Phase.TEARING_DOWN,)), timeout=PATIENCE)
            remove_finalizer(state, PATHS, "a", "f")
            remove_finalizer(state, PATHS, "a", "g")

        thread = threading.Thread(target=let_go, daemon=True)
        thread.start()
        teardown_and_destroy(state, PATHS, "a", timeout=PATIENCE)
        thread.join(PATIENCE)
        assert state.list(PATHS) == ()

    def test_teardown_and_destroy_gives_up(self, state: State) -> None:
        state.create(path("a", finalizers=("f",)))
        with pytest.raises(TimeoutError):
            teardown_and_destroy(state, PATHS, "a", timeout=0.01)
        assert state.get(PATHS, "a").phase is Phase.TEARING_DOWN

    def test_watch_for_what_is_the_case(self, state: State) -> None:
        stored = state.create(path("a", finalizers=("f",)))
        assert watch_for(state, PATHS, "a", timeout=PATIENCE) == stored
        assert watch_for(state, PATHS, "a", Condition(events=(Created,)), timeout=PATIENCE) == stored
        assert watch_for(state, PATHS, "a", Condition(phases=(Phase.RUNNING,)), timeout=PATIENCE) == stored
        assert watch_for(state, PATHS, "b", Condition(events=(Destroyed,)), timeout=PATIENCE) is None

    def test_watch_for_waits_for_all_of_a_condition(self, state: State) -> None:
        state.create(path("a", finalizers=("f",)))
        condition: Condition[Any] = Condition(finalizers_empty=True, predicate=lambda resource: resource.labels.get("l") == "1")

        def change() -> None:
            update_with_conflicts(state, PATHS, "a", _labelled)
            remove_finalizer(state, PATHS, "a", "f")

        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        found = watch_for(state, PATHS, "a", condition, timeout=PATIENCE)
        thread.join(PATIENCE)
        assert found == state.get(PATHS, "a")
        never: Condition[Any] = Condition(events=(Destroyed,), phases=(Phase.TEARING_DOWN,))
        with pytest.raises(TimeoutError):
            watch_for(state, PATHS, "a", never, timeout=0.01)

    def test_lifetime(self, state: State) -> None:
        first = state.create(path("a"))
        with Lifetime(state, PATHS, "a") as life:
            assert not life.ended
            state.update(first.with_labels(l="1"))
            assert not life.wait(0.001)
            teardown(state, PATHS, "a")
            assert life.wait(PATIENCE)
            assert life.ended
        with Lifetime(state, PATHS, "a") as life:
            assert life.wait(PATIENCE), "it is being torn down"
        state.create(path("b"))
        with Lifetime(state, PATHS, "b") as life:
            state.destroy(PATHS, "b")
            assert life.wait(PATIENCE)
        with Lifetime(state, PATHS, "b") as life:
            assert life.wait(PATIENCE), "there is none"
