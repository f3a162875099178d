"""Many threads at once: no lost update, no event out of order."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from talos_resources.model.errors import AlreadyExistsError
from talos_resources.model.resource import Resource
from talos_resources.state.contract import State
from talos_resources.state.derived import update_with_conflicts
from talos_resources.state.events import Created, Destroyed, Updated
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, Conformance, path


class ThreadConformance(Conformance):
    """Threads that hammer the state."""

    def _together(self, *works: Callable[[], object]) -> None:
        """Runs all at once and passes on the first failure."""
        failures: list[BaseException] = []
        start = threading.Barrier(len(works))

        def run(work: Callable[[], object]) -> None:
            try:
                start.wait(PATIENCE)
                work()
            except BaseException as failure:  # noqa: BLE001 - it is raised again below
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        if failures:
            raise failures[0]
        assert not any(thread.is_alive() for thread in threads)

    def test_no_update_is_lost(self, state: State) -> None:
        state.create(path("a", labels={"n": "0"}))

        def one_more(resource: Resource[Any]) -> Resource[Any]:
            return resource.with_labels(n=str(int(resource.labels["n"]) + 1))

        def work() -> None:
            for _ in range(self.can.writes):
                update_with_conflicts(state, PATHS, "a", one_more)

        self._together(*[work] * self.can.threads)
        stored = state.get(PATHS, "a")
        assert int(stored.labels["n"]) == self.can.threads * self.can.writes
        assert stored.version == self.can.threads * self.can.writes + 1

    def test_one_creator_wins(self, state: State) -> None:
        won: list[str] = []

        def work(name: str) -> None:
            for n in range(self.can.writes):
                try:
                    state.create(path(str(n), labels={"by": name}))
                    won.append(str(n))
                except AlreadyExistsError:
                    pass

        self._together(*(lambda name=str(n): work(name) for n in range(self.can.threads)))
        assert sorted(won) == sorted(str(n) for n in range(self.can.writes))
        assert len(state.list(PATHS)) == self.can.writes

    def test_watchers_see_every_write_in_order(self, state: State) -> None:
        """Writers churn ids of their own while watchers replay the events, bootstrap included."""
        if self.can.history is not None:
            return  # a watcher may be overrun, which is another test
        writers = self.can.threads
        done = threading.Barrier(writers + 1)

        def write(name: str) -> None:
            for n in range(self.can.writes):
                now = state.create(path(name, labels={"n": str(n)}))
                state.update(now.with_labels(more="1"))
                if n < self.can.writes - 1:
                    state.destroy(PATHS, name)
            done.wait(PATIENCE)

        def finish() -> None:
            done.wait(PATIENCE)
            state.create(path("~end"))

        def replay() -> None:
            seen: dict[str, Resource[Any]] = {}
            with state.watch_kind(PATHS) as events:
                while "~end" not in seen:
                    _apply(events.next(PATIENCE), seen)
            assert sorted(seen) == [*(str(n) for n in range(writers)), "~end"]
            assert all(seen[resource.id] == resource for resource in state.list(PATHS))

        self._together(*(lambda name=str(n): write(name) for n in range(writers)), *[replay] * 3, finish)


def _apply(event: Any, seen: dict[str, Resource[Any]]) -> None:
    """One step of a replay; an event that does not follow from what was seen fails."""
    match event:
        case Created(resource):
            assert resource.id not in seen
            seen[resource.id] = resource
        case Updated(resource, old):
            assert old is not None
            assert seen[resource.id] == old
            assert resource.version == old.version + 1
            seen[resource.id] = resource
        case Destroyed(reference, resource):
            assert seen.pop(reference.id) == resource
        case _:
            pass
