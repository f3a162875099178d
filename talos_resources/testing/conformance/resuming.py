"""Bookmarks and tail events: where a watch begins."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

from typing import Any

import pytest

from talos_resources.model.errors import InvalidBookmarkError, UnsupportedError
from talos_resources.state.contract import State
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, Conformance, brief, path, take, told


class ResumeConformance(Conformance):
    """Watches that begin in the past."""

    def _history(self, state: State) -> tuple[list[str], list[bytes]]:
        """Six events in words, and their bookmarks."""
        with state.watch_kind(PATHS, bootstrap=False) as events:
            a = state.create(path("a", labels={"zone": "a"}))
            state.create(path("b"))
            a = state.update(a.with_labels(l="1"))
            state.update(a.with_labels(l="2"))
            state.destroy(PATHS, "b")
            state.create(path("c", labels={"zone": "a"}))
            every = take(events, 6)
        words = [brief(event) for event in every]
        assert words == ["+a1", "+b1", "~a2", "~a3", "-b1", "+c1"]
        return words, [event.bookmark for event in every]

    def _offered(self, words: list[str]) -> int:
        """How many of the last events new watches are offered."""
        return len(words) if self.can.history is None else min(len(words), self.can.history - self.can.gap)

    def _tells(self, events: Any, expected: list[str]) -> None:
        """These events come, and no more."""
        with events:
            assert told(events, len(expected)) == expected
            with pytest.raises(TimeoutError):
                events.next(0)

    def test_start_after_any_bookmark(self, state: State) -> None:
        words, bookmarks = self._history(state)
        for seen in range(len(words) - self._offered(words) + 1, len(words) + 1):
            self._tells(state.watch_kind(PATHS, start_from_bookmark=bookmarks[seen - 1]), words[seen:])

    def test_start_with_queries(self, state: State) -> None:
        _, bookmarks = self._history(state)
        with state.watch_kind(PATHS, start_from_bookmark=bookmarks[-2], labels="zone=a") as events:
            state.create(path("d"))
            state.create(path("e", labels={"zone": "a"}))
            assert told(events, 2) == ["+c1", "+e1"]

    def test_single_watch_from_a_bookmark(self, state: State) -> None:
        _, bookmarks = self._history(state)
        with state.watch(PATHS, "c", start_from_bookmark=bookmarks[-2]) as events:
            state.destroy(PATHS, "a")
            state.destroy(PATHS, "c")
            assert told(events, 2) == ["+c1", "-c1"]

    def test_start_from_the_bookmark_of_the_contents(self, state: State) -> None:
        state.create(path("a"))
        with state.watch_kind(PATHS) as events:
            bookmark = take(events, 2)[-1].bookmark
        with state.watch_kind(PATHS, bootstrap=False, bootstrap_bookmark=True) as events:
            assert events.next(PATIENCE).bookmark == bookmark
        state.create(path("b"))
        with state.watch_kind(PATHS, start_from_bookmark=bookmark) as events:
            assert told(events, 1) == ["+b1"]

    def test_start_from_the_very_beginning(self, state: State) -> None:
        with state.watch_kind(PATHS) as events:
            bookmark = events.next(PATIENCE).bookmark
        state.create(path("a"))
        with state.watch_kind(PATHS, start_from_bookmark=bookmark) as events:
            assert told(events, 1) == ["+a1"]

    @pytest.mark.parametrize("bookmark", [b"", b"x", b"\0" * 7, b"\xff" * 9, b"\xff" * 16, b"\xff" * 17])
    def test_what_is_no_bookmark(self, state: State, bookmark: bytes) -> None:
        state.create(path("a"))
        with pytest.raises(InvalidBookmarkError, match="invalid watch bookmark"):
            take(state.watch_kind(PATHS, start_from_bookmark=bookmark), 1)
        with pytest.raises(InvalidBookmarkError, match="invalid watch bookmark"):
            take(state.watch(PATHS, "a", start_from_bookmark=bookmark), 1)

    def test_a_bookmark_of_the_future(self, state: State) -> None:
        _, bookmarks = self._history(state)
        future = bookmarks[-1][:-8] + (int.from_bytes(bookmarks[-1][-8:], "big") + 1000).to_bytes(8, "big")
        with pytest.raises(InvalidBookmarkError):
            take(state.watch_kind(PATHS, start_from_bookmark=future), 1)

    def test_a_bookmark_that_is_too_old(self, state: State) -> None:
        if self.can.history is None:
            return
        with state.watch_kind(PATHS, bootstrap=False, bootstrap_bookmark=True) as events:
            beginning = events.next(PATIENCE).bookmark
            now = state.create(path("a"))
            bookmarks = [events.next(PATIENCE).bookmark]
            for n in range(self.can.history):
                now = state.update(now.with_labels(l=str(n)))
                bookmarks.append(events.next(PATIENCE).bookmark)
        # The last events are at positions 0 to `history`; what is older than history - gap is refused.
        oldest = 1 + self.can.gap
        for refused in (beginning, *bookmarks[:oldest]):
            with pytest.raises(InvalidBookmarkError):
                take(state.watch_kind(PATHS, start_from_bookmark=refused), 1)
        rest = [f"~a{n + 1}" for n in range(oldest + 1, self.can.history + 1)]
        self._tells(state.watch_kind(PATHS, start_from_bookmark=bookmarks[oldest]), rest)

    def test_tail_events(self, state: State) -> None:
        if not self.can.tail_events:
            with pytest.raises(UnsupportedError):
                take(state.watch_kind(PATHS, tail_events=1), 1)
            return
        words, _ = self._history(state)
        for count in (1, 3, len(words), 1000):
            self._tells(state.watch_kind(PATHS, tail_events=count), words[-min(count, self._offered(words)) :])

    def test_tail_events_of_one_resource(self, state: State) -> None:
        if not self.can.tail_events:
            with pytest.raises(UnsupportedError):
                take(state.watch(PATHS, "a", tail_events=1), 1)
            return
        words, _ = self._history(state)
        mine = [word for word in words[-self._offered(words) :] if "a" in word]
        for count in (1, 2, 1000):
            self._tells(state.watch(PATHS, "a", tail_events=count), mine[-count:])

    def test_options_that_exclude_each_other(self, state: State) -> None:
        _, bookmarks = self._history(state)
        with pytest.raises((ValueError, UnsupportedError)):
            state.watch_kind(PATHS, tail_events=1, start_from_bookmark=bookmarks[-1]).close()
        with pytest.raises((ValueError, UnsupportedError)):
            state.watch(PATHS, "a", tail_events=1, start_from_bookmark=bookmarks[-1]).close()
        with pytest.raises((ValueError, UnsupportedError)):
            state.watch_kind(PATHS, tail_events=-1).close()
