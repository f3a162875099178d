"""Watches: what they tell, in which order, and how they end."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest

from talos_resources.model.errors import QueryError, WatchOverrunError
from talos_resources.state.contract import State, Watch
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Errored, Noop, Updated
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, Conformance, brief, path, take, told


class WatchConformance(Conformance):
    """Watches of one resource and of a kind."""

    def test_watch_begins_with_what_is_there(self, state: State) -> None:
        stored = state.create(path("a"))
        with state.watch(PATHS, "a") as events:
            first = events.next(PATIENCE)
        assert isinstance(first, Created)
        assert first.resource == stored

    def test_watch_begins_with_a_tombstone(self, state: State) -> None:
        with state.watch(PATHS, "a") as events:
            first = events.next(PATIENCE)
        assert isinstance(first, Destroyed)
        assert (first.reference.id, first.reference.version, first.resource) == ("a", 0, None)

    def test_watch_tells_of_its_id_only(self, state: State) -> None:
        with state.watch(PATHS, "a") as events:
            state.create(path("b"))
            first = state.create(path("a"))
            state.create(path("aa"))
            state.update(first.with_labels(l="1"))
            state.destroy(PATHS, "b")
            state.destroy(PATHS, "a")
            assert told(events, 4) == ["-a", "+a1", "~a2", "-a2"]

    def test_events_carry_what_there_was(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False) as events:
            first = state.create(path("a"))
            second = state.update(first.with_labels(l="1"))
            state.destroy(PATHS, "a")
            created, updated, destroyed = take(events, 3)
        assert isinstance(created, Created)
        assert isinstance(updated, Updated)
        assert isinstance(destroyed, Destroyed)
        assert created.resource == first
        assert (updated.resource, updated.old) == (second, first)
        assert (destroyed.resource, destroyed.reference.version) == (second, 2)
        assert all(event.bookmark is not None for event in (created, updated, destroyed))

    def test_without_bootstrap_only_news(self, state: State) -> None:
        state.create(path("a"))
        with state.watch_kind(PATHS, bootstrap=False) as events:
            state.create(path("b"))
            assert told(events, 1) == ["+b1"]

    def test_bootstrap_tells_the_contents_sorted(self, state: State) -> None:
        for name in "cab":
            state.create(path(name))
        with state.watch_kind(PATHS) as events:
            state.create(path("0"))
            everything = take(events, 5)
        assert [brief(event) for event in everything] == ["+a1", "+b1", "+c1", "Bootstrapped", "+01"]
        assert [event.bookmark is None for event in everything] == [True, True, True, False, False]

    def test_bootstrap_of_nothing(self, state: State) -> None:
        with state.watch_kind(PATHS) as events:
            event = events.next(PATIENCE)
        assert isinstance(event, Bootstrapped)
        assert event.bookmark is not None

    def test_bootstrap_bookmark_comes_first(self, state: State) -> None:
        state.create(path("a"))
        with state.watch_kind(PATHS, bootstrap=False, bootstrap_bookmark=True) as events:
            state.create(path("b"))
            first, second = take(events, 2)
        assert isinstance(first, Noop)
        assert first.bookmark is not None
        assert brief(second) == "+b1"
        with state.watch_kind(PATHS, bootstrap=True, bootstrap_bookmark=True) as events:
            assert told(events, 4) == ["Noop", "+a1", "+b1", "Bootstrapped"]

    def test_queries_select_the_contents(self, state: State) -> None:
        state.create(path("a", labels={"zone": "a"}))
        state.create(path("b", labels={"zone": "b"}))
        with state.watch_kind(PATHS, labels="zone=b") as events:
            assert told(events, 2) == ["+b1", "Bootstrapped"]
        with state.watch_kind(PATHS, ids="^a") as events:
            assert told(events, 2) == ["+a1", "Bootstrapped"]

    def test_entering_and_leaving_a_query(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False, labels="zone=a") as events:
            now = state.create(path("x"))
            now = state.update(now.with_labels(zone="a"))
            now = state.update(now.with_labels(more="1"))
            now = state.update(now.with_labels(zone="b"))
            now = state.update(now.with_labels(more="2"))
            now = state.update(now.with_labels(zone="a"))
            state.destroy(PATHS, "x")
            state.create(path("y", labels={"zone": "b"}))
            state.destroy(PATHS, "y")
            state.create(path("z", labels={"zone": "a"}))
            assert told(events, 6) == ["+x2", "~x3", "-x4", "+x6", "-x6", "+z1"]

    def test_what_was_before_is_known_after_a_time_without_watches(self, state: State) -> None:
        stored = state.create(path("a"))
        with state.watch_kind(PATHS, bootstrap=False) as watch:
            stored = state.update(stored.with_labels(zone="a"))
            take(watch, 1)
        before = state.update(stored.with_labels(zone="b"))
        with state.watch_kind(PATHS, bootstrap=False) as watch, state.watch_kind(PATHS, bootstrap=False, labels="zone=a") as zone:
            after = state.update(before.with_labels(zone="c"))
            [event] = take(watch, 1)
            assert isinstance(event, Updated)
            assert (event.old, event.resource) == (before, after)
            state.update(after.with_labels(zone="a"))
            assert told(zone, 1) == ["+a5"]

    def test_id_queries_of_watches(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False, ids="^a", labels="l") as events:
            for name in ("b", "a", "ab"):
                state.create(path(name, labels={"l": ""}))
            state.create(path("ac"))
            state.create(path("ad", labels={"l": ""}))
            assert told(events, 3) == ["+a1", "+ab1", "+ad1"]

    def test_a_bad_query_is_told_at_once(self, state: State) -> None:
        with pytest.raises(QueryError):
            state.watch_kind(PATHS, ids="(").close()
        with pytest.raises(QueryError):
            state.watch_kind(PATHS, labels="=").close()

    def test_other_namespaces_are_not_told(self, state: State) -> None:
        with state.watch_kind(PATHS, namespace="else", bootstrap=False) as events:
            state.create(path("a"))
            state.create(path("b", namespace="else"))
            assert told(events, 1) == ["+b1"]

    def test_next_waits_no_longer_than_told(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False) as events:
            for timeout in (0, 0.01, dt.timedelta(milliseconds=10)):
                with pytest.raises(TimeoutError):
                    events.next(timeout)
                with pytest.raises(TimeoutError):
                    events.next_batch(timeout)
            state.create(path("a"))
            assert told(events, 1) == ["+a1"], "a timeout loses nothing"

    def test_next_batch_takes_what_is_there(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False) as events:
            for name in "abc":
                state.create(path(name))
            batch: list[Any] = []
            while len(batch) < 3:
                batch += events.next_batch(PATIENCE)
            assert [brief(event) for event in batch] == ["+a1", "+b1", "+c1"]

    def test_next_and_next_batch_share_one_position(self, state: State) -> None:
        with state.watch_kind(PATHS, bootstrap=False) as events:
            for name in "abc":
                state.create(path(name))
            assert told(events, 1) == ["+a1"]
            rest: list[Any] = []
            while len(rest) < 2:
                rest += events.next_batch(PATIENCE)
            assert [brief(event) for event in rest] == ["+b1", "+c1"]

    def test_a_closed_watch_has_ended(self, state: State) -> None:
        state.create(path("a"))
        with state.watch_kind(PATHS) as events:
            pass
        events.close()
        assert list(events) == []
        with pytest.raises(StopIteration):
            events.next(0)
        with pytest.raises(StopIteration):
            events.next_batch()

    def test_close_from_another_thread_ends_the_waiting(self, state: State) -> None:
        events = state.watch_kind(PATHS, bootstrap=False)
        ended = threading.Event()

        def follow() -> None:
            for _ in events:
                pass
            ended.set()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        events.close()
        thread.join(PATIENCE)
        assert ended.is_set()

    def test_closing_the_state_ends_its_watches(self, state: State) -> None:
        if not self.can.close_ends_watches:
            return
        events = state.watch_kind(PATHS, bootstrap=False)
        state.close()
        assert list(events) == []
        state.close()

    def test_an_event_comes_after_its_write_is_visible(self, state: State) -> None:
        count = self.can.writes
        seen: list[tuple[int, int]] = []
        # The writer does not run away from the watcher further than the history reaches.
        ahead = threading.Semaphore(self.can.history or count)
        events = state.watch_kind(PATHS, bootstrap=False)

        def follow() -> None:
            for event in events:
                assert isinstance(event, Created | Updated)
                seen.append((event.resource.version, state.get(PATHS, "a").version))
                ahead.release()
                if len(seen) == count:
                    return

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        assert ahead.acquire(timeout=PATIENCE)
        now = state.create(path("a"))
        for version in range(1, count):
            assert ahead.acquire(timeout=PATIENCE)
            now = state.update(now.with_labels(l=str(version)))
        thread.join(PATIENCE)
        assert [version for version, _ in seen] == list(range(1, count + 1))
        assert all(visible >= version for version, visible in seen)

    def test_a_watcher_that_is_too_slow_is_told(self, state: State) -> None:
        if self.can.history is None:
            return
        with state.watch_kind(PATHS) as events:
            position = events.next(PATIENCE)
            assert isinstance(position, Bootstrapped)
            self._write(state, self.can.history + 1)
            with pytest.raises(WatchOverrunError, match="buffer overrun") as caught:
                events.next(PATIENCE)
            assert caught.value.bookmark == position.bookmark
            with pytest.raises(StopIteration):
                events.next(0)

    def test_a_watcher_as_slow_as_the_history_is_long_misses_nothing(self, state: State) -> None:
        if self.can.history is None:
            return
        with state.watch_kind(PATHS, bootstrap=False) as events:
            self._write(state, self.can.history)
            assert told(events, 1) == ["+a1"]
            assert told(events, self.can.history - 1) == [f"~a{n}" for n in range(2, self.can.history + 1)]

    def test_a_batch_ends_with_the_error(self, state: State) -> None:
        if self.can.history is None:
            return
        events: Watch[Any] = state.watch_kind(PATHS, bootstrap=False)
        self._write(state, self.can.history + 1)
        batch = events.next_batch(PATIENCE)
        assert isinstance(batch[-1], Errored)
        assert isinstance(batch[-1].error, WatchOverrunError)
        assert batch[-1].error.bookmark is None, "nothing was delivered"
        with pytest.raises(StopIteration):
            events.next_batch(0)

    def _write(self, state: State, count: int) -> None:
        now = state.create(path("a"))
        for version in range(1, count):
            now = state.update(now.with_labels(l=str(version)))
