"""Members that die, hang and lose each other; compaction: what was acknowledged stays, watches lose nothing or say so."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from talos_resources.backends.etcd import EtcdState, watch
from talos_resources.backends.etcd.layout import bookmark
from talos_resources.model.errors import ConnectError, InvalidBookmarkError, VersionConflictError, WatchError
from talos_resources.model.resource import Resource
from talos_resources.rpc.client import watch as rpc_watch
from talos_resources.state.contract import Watch
from talos_resources.state.events import Bootstrapped, Created, Updated
from talos_resources.testing.conformance.parts import PATHS, brief, path, told
from tests.backends.etcd.cluster import PATIENCE_S, Etcd
from tests.backends.etcd.conftest import Open
from tests.rpc.client.test_faults import Proxy

pytestmark = pytest.mark.etcd


class Writer:
    """A thread that updates one resource again and again and notes what was acknowledged."""

    def __init__(self, state: EtcdState) -> None:
        self.acknowledged: list[int] = []
        self.refused = 0
        self._state = state
        self._stop = threading.Event()
        self.now: Resource[Any] = state.create(path("counter"))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.now = self._state.update(self.now.with_labels(n=str(self.now.version)))
            except (ConnectError, VersionConflictError):
                # Nobody else writes: a conflict means that an unanswered write was done after all.
                self.refused += 1
                try:
                    self.now = self._state.get(PATHS, "counter")
                except ConnectError:
                    time.sleep(0.05)
            else:
                self.acknowledged.append(self.now.version)

    def wait_for(self, more: int) -> None:
        """Waits until so many more writes are acknowledged."""
        goal = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= goal)

    def stop(self) -> int:
        """The version at the end."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self._state.get(PATHS, "counter").version


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


@contextmanager
def following(state: EtcdState) -> Iterator[Watch[Any]]:
    """A watch past its bootstrap."""
    with state.watch_kind(PATHS) as events:
        while not isinstance(events.next(PATIENCE_S), Bootstrapped):
            pass
        yield events


def versions(events: Watch[Any], last: int) -> list[int]:
    """The versions that a watch tells, up to one."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        event = events.next(PATIENCE_S)
        assert isinstance(event, Created | Updated)
        seen.append(event.resource.version)
    return seen


def accounted(writer: Writer, events: Watch[Any]) -> None:
    """Every version was told once, in order, and every acknowledged write is among them."""
    last = writer.stop()
    assert writer.acknowledged == sorted(set(writer.acknowledged))
    assert writer.acknowledged[-1] <= last
    assert versions(events, last) == list(range(1, last + 1))


def test_restart_of_the_only_member(own_etcd: Etcd, opened: Open) -> None:
    reasons: list[Exception] = []
    state = opened(own_etcd.url(), on_interruption=reasons.append)
    with following(state) as events:
        state.create(path("a"))
        own_etcd.kill(0)
        until(lambda: bool(reasons))
        with pytest.raises(ConnectError, match=rf"127\.0\.0\.1:{own_etcd.ports[0]}: connection refused"):
            state.get(PATHS, "a")
        own_etcd.restart(0)
        state.update(state.get(PATHS, "a").with_labels(l="1"))
        assert told(events, 2) == ["+a1", "~a2"]


@pytest.mark.parametrize("who", ["leader", "preferred"])
def test_a_member_is_killed_while_somebody_writes(three: Etcd, opened: Open, who: str) -> None:
    state = opened(three.url())
    with following(opened(three.url())) as events:
        writer = Writer(state)
        writer.wait_for(50)
        victim = three.leader() if who == "leader" else state._client.preferred
        three.kill(victim)
        writer.wait_for(50)
        three.restart(victim)
        writer.wait_for(50)
        accounted(writer, events)


def test_every_member_is_killed_in_turn(three: Etcd, opened: Open) -> None:
    with following(opened(three.url())) as events:
        writer = Writer(opened(three.url()))
        for victim in range(3):
            three.kill(victim)
            writer.wait_for(10)
            three.restart(victim)
            writer.wait_for(10)
        accounted(writer, events)


def test_a_member_that_hangs(three: Etcd, opened: Open) -> None:
    """Its connections stay open: only asking shows that it is not there."""
    state = opened(three.url())
    with following(state) as events:
        state.create(path("a"))
        assert told(events, 1) == ["+a1"]
        victim = state._client.preferred
        three.pause(victim)
        try:
            other = opened(",".join(three.url().split(",")[:1]) if victim else f"etcd://127.0.0.1:{three.ports[1]}/cosi")
            now = other.update(other.get(PATHS, "a").with_labels(l="1"))
            assert told(events, 1) == ["~a2"]
            state.update(now.with_labels(l="2"))
            assert told(events, 1) == ["~a3"]
        finally:
            three.resume(victim)


def test_connections_that_are_cut_anywhere(own_etcd: Etcd, opened: Open) -> None:
    """In the middle of a head, an answer or a watch; whether a write was done is found out."""
    chance = random.Random(7)
    proxies = [Proxy(own_etcd.endpoints, budget=lambda: chance.randint(1, 2 ** chance.randint(4, 20))) for _ in range(2)]
    try:
        url = f"etcd://{','.join(proxy.address for proxy in proxies)}/cosi"
        with following(opened(url)) as events:
            writer = Writer(opened(url))
            writer.wait_for(400)
            accounted(writer, events)
    finally:
        for proxy in proxies:
            proxy.close()


def moves_leader(cluster: Etcd) -> bool:
    """Has another member lead; in vain where they have chosen another one by themselves meanwhile."""
    leader = cluster.leader()
    try:
        cluster.etcdctl("move-leader", cluster.member_id((leader + 1) % 3), member=leader)
    except AssertionError:
        return False
    return True


def test_another_member_leads(three: Etcd, opened: Open) -> None:
    with following(opened(three.url())) as events:
        writer = Writer(opened(three.url()))
        for _ in range(3):
            writer.wait_for(20)
            until(lambda: moves_leader(three))
        writer.wait_for(20)
        accounted(writer, events)


def test_without_a_majority(three: Etcd, opened: Open) -> None:
    state = opened(three.url(), timeout=3)
    with following(opened(three.url())) as events:
        opened(three.url()).create(path("a"))
        assert told(events, 1) == ["+a1"]
        three.kill(0)
        three.kill(1)
        with pytest.raises(ConnectError, match="no answer from etcd"):
            state.get(PATHS, "a")
        with pytest.raises(ConnectError, match="no answer from etcd"):
            state.create(path("b"))
        three._processes[0] = three._start(0)
        three.restart(1)
        three.wait_for(0)
        fresh = opened(three.url())
        fresh.create(path("c"))
        # What nobody could answer for may have been done when the majority came back.
        rest = told(events, 1)
        if rest == ["+b1"]:
            rest = told(events, 1)
        assert rest == ["+c1"]


def test_compacted_while_the_watch_was_broken(own_etcd: Etcd, opened: Open) -> None:
    """What changed is told as a difference where the contents are known, and is an error where they are not."""
    state = opened(own_etcd.url())
    for name in "abc":
        state.create(path(name))
    with following(state) as events, state.watch_kind(PATHS, bootstrap=False) as news, state.watch(PATHS, "b") as one:
        assert told(one, 1) == ["+b1"]
        own_etcd.kill(0)
        own_etcd.restart(0, elsewhere=True)
        meanwhile = opened(own_etcd.url())
        a = meanwhile.update(meanwhile.get(PATHS, "a").with_labels(l="1"))
        meanwhile.update(a.with_labels(l="2"))
        meanwhile.destroy(PATHS, "b")
        meanwhile.destroy(PATHS, "c")
        meanwhile.create(path("c"))
        meanwhile.create(path("d"))
        own_etcd.etcdctl("compact", str(own_etcd.revision()))
        own_etcd.come_home(0)
        assert sorted(told(events, 5)) == ["+c1", "+d1", "-b1", "-c1", "~a3"]
        assert told(one, 1) == ["-b1"]
        with pytest.raises(WatchError, match="compacted"):
            news.next(PATIENCE_S)
        state.create(path("e"))
        assert told(events, 1) == ["+e1"]


def test_a_bookmark_that_is_compacted(own_etcd: Etcd, opened: Open) -> None:
    state = opened(own_etcd.url())
    with following(state) as events:
        now = state.create(path("a"))
        old = events.next(PATIENCE_S).bookmark
        for n in range(5):
            now = state.update(now.with_labels(l=str(n)))
        newest = [events.next(PATIENCE_S) for _ in range(5)][-1].bookmark
    own_etcd.etcdctl("compact", str(own_etcd.revision()))
    with pytest.raises(InvalidBookmarkError, match="compacted"):
        state.watch_kind(PATHS, start_from_bookmark=old)
    with pytest.raises(InvalidBookmarkError, match="compacted"):
        state.watch(PATHS, "a", start_from_bookmark=old)
    with state.watch_kind(PATHS, start_from_bookmark=newest) as every, state.watch(PATHS, "a", start_from_bookmark=newest) as one:
        state.update(now.with_labels(more=""))
        assert told(every, 1) == told(one, 1) == ["~a7"]


def test_a_deletion_of_what_is_compacted_is_no_silence(own_etcd: Etcd, opened: Open) -> None:
    """etcd forgets it: a watch from the revision before would wait for ever."""
    state = opened(own_etcd.url())
    state.create(path("a"))
    mark = bookmark(own_etcd.revision())
    state.destroy(PATHS, "a")
    own_etcd.etcdctl("compact", str(own_etcd.revision()))
    with pytest.raises(InvalidBookmarkError, match="compacted"):
        state.watch_kind(PATHS, start_from_bookmark=mark)


def test_a_consumer_that_does_not_read_holds_up_nobody(own_etcd: Etcd, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PROBE_INTERVAL_S", 0.05)
    monkeypatch.setattr(watch, "UNREAD_S", 0.2)
    monkeypatch.setattr(rpc_watch, "BUFFERED_EVENTS", 4)
    state = opened(own_etcd.url())
    blob = "x" * 200_000
    with following(state) as slow, following(state) as quick:
        now = state.create(path("a"))
        assert told(quick, 1) == ["+a1"]
        for n in range(2, 61):
            now = state.update(now.with_labels(l=f"{n}{blob}"))
            assert told(quick, 1) == [f"~a{n}"]
        until(lambda: len(state._watcher._streams) < 2)
        assert told(slow, 60) == ["+a1", *(f"~a{n}" for n in range(2, 61))]


def test_a_long_watch_is_told_that_time_goes_on(own_etcd: Etcd, opened: Open) -> None:
    """Its bookmark grows with what other kinds do, so that compaction does not catch up with it."""
    with following(opened(own_etcd.url())) as events:
        writer = opened(own_etcd.url("/elsewhere"))
        for n in range(5):
            writer.create(path(str(n)))
        own_etcd.etcdctl("compact", str(own_etcd.revision()))
        own_etcd.kill(0)
        own_etcd.restart(0)
        opened(own_etcd.url()).create(path("a"))
        assert [brief(events.next(PATIENCE_S))] == ["+a1"]
