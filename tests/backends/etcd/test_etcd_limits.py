"""Large values, many keys, foreign keys, transactions of others, odd names."""

from __future__ import annotations

import subprocess

import pytest

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd import EtcdState
from talos_resources.backends.etcd.client import TXN
from talos_resources.backends.etcd.layout import revision_of
from talos_resources.backends.etcd.values import encode
from talos_resources.model.errors import AlreadyExistsError, DecodeError, NotFoundError, UnsupportedError, WatchError
from talos_resources.model.kind import untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.state.events import Bootstrapped
from talos_resources.testing.conformance.parts import PATHS, path, take, told
from tests.backends.etcd.cluster import Etcd
from tests.backends.etcd.conftest import Open

pytestmark = pytest.mark.etcd

MEGABYTE = "x" * 1_000_000


def put(etcd: Etcd, key: bytes, value: bytes) -> None:
    """Puts what no program of COSI would, as it is."""
    subprocess.run(
        ["etcdctl", f"--endpoints={etcd.endpoints}", "put", key.decode()],
        input=value,
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("size", [1_600_000, 40_000_000])
def test_a_value_that_etcd_does_not_take(state: EtcdState, size: int) -> None:
    first = state.create(path("a"))
    large = "x" * size
    with pytest.raises(UnsupportedError, match=r"os/path\(default/b@1\) is too large for this etcd: it takes requests up to 1.5 MiB"):
        state.create(path("b", annotations={"blob": large}))
    with pytest.raises(UnsupportedError, match="too large"):
        state.update(first.with_annotations(blob=large))
    assert state.list(PATHS) == (first,)


def test_values_of_which_few_fit_in_one_answer(state: EtcdState, opened: Open, url: str) -> None:
    state.restore(path(f"{n:02}", annotations={"blob": MEGABYTE}) for n in range(45))
    other = opened(url)
    assert [resource.id for resource in other.list(PATHS)] == [f"{n:02}" for n in range(45)]
    with other.watch_kind(PATHS) as events:
        assert told(events, 46) == [*(f"+{n:02}1" for n in range(45)), "Bootstrapped"]


def test_many_resources_are_listed_as_they_were_at_one_moment(state: EtcdState, opened: Open, url: str) -> None:
    ids = [f"{n:05}" for n in range(12_500)]
    state.restore(path(name, labels={"odd": ""} if int(name) % 2 else {}) for name in ids)
    other = opened(url)
    assert [resource.id for resource in other.list(PATHS)] == ids
    assert [resource.id for resource in other.list(PATHS, labels="odd", ids="^0000")] == ["00001", "00003", "00005", "00007", "00009"]
    with pytest.raises(AlreadyExistsError, match="12499"):
        state.restore([path("new"), path("12499")])
    with pytest.raises(NotFoundError):
        state.get(PATHS, "new")


def test_a_watch_whose_news_do_not_fit_in_one_answer(state: EtcdState) -> None:
    with state.watch_kind(PATHS) as events:
        begin = events.next(60).bookmark
    for n in range(8):
        state.create(path(str(n), annotations={"blob": MEGABYTE}))
    with state.watch_kind(PATHS, start_from_bookmark=begin) as events:
        assert told(events, 8) == [f"+{n}1" for n in range(8)]


def test_a_transaction_of_somebody_else(state: EtcdState) -> None:
    """All its events have one revision: who goes on after one of them misses none."""
    with state.watch_kind(PATHS) as events:
        assert isinstance(events.next(60), Bootstrapped)
        puts = [pb.PutRequest(key=state._layout.key_of(one), value=encode(one)) for one in map(path, "abc")]
        state._client.call(TXN, pb.TxnRequest(success=[pb.RequestOp(request_put=put) for put in puts]), pb.TxnResponse, "test")
        every = take(events, 3)
    marks = [revision_of(event.bookmark) for event in every]
    assert marks == [marks[-1] - 1, marks[-1] - 1, marks[-1]]
    with state.watch_kind(PATHS, start_from_bookmark=every[0].bookmark) as events:
        assert sorted(told(events, 3)) == ["+a1", "+b1", "+c1"]
    with state.watch_kind(PATHS, start_from_bookmark=every[-1].bookmark) as events:
        state.create(path("d"))
        assert told(events, 1) == ["+d1"]


def test_a_value_that_is_no_resource(etcd: Etcd, state: EtcdState) -> None:
    state.create(path("a"))
    key = state._layout.key("default", "os/path", "bad")
    with state.watch_kind(PATHS) as events:
        assert told(events, 2) == ["+a1", "Bootstrapped"]
        put(etcd, key, b"\xff\xfeno resource")
        with pytest.raises(WatchError, match=rf"etcd key {key.decode()}: is no resource"):
            events.next(60)
    with pytest.raises(DecodeError, match=f"etcd key {key.decode()}: is no resource"):
        state.list(PATHS)
    with pytest.raises(DecodeError, match=f"etcd key {key.decode()}: is no resource"):
        state.get(PATHS, "bad")
    assert state.get(PATHS, "a").version == 1


@pytest.mark.parametrize("name", ["a/b", "a b", "ü", "a%2Fb", "$&+=:@", "..", "*?;,"])
def test_odd_namespaces_types_and_ids(state: EtcdState, name: str) -> None:
    kind = untyped(f"T/{name}", name)
    stored = state.create(Resource.new(UntypedSpec(), id=name, kind=kind))
    assert state.list(kind) == (stored,)
    assert list(state.held_kinds()) == [(name, f"T/{name}")]
    assert state.list(untyped("T/", name)) == ()


def test_prefixes_and_salts_are_apart(url: str, opened: Open) -> None:
    states = [opened(url), opened(f"{url}1"), opened(f"{url}/1"), opened(f"{url}?salt=s")]
    for number, state in enumerate(states):
        state.create(Resource.new(KubeSpanPeerStatus(label=str(number)), id="a"))
    assert [state.get(KubeSpanPeerStatus, "a").spec.label for state in states] == ["0", "1", "2", "3"]
    assert [len(state.list(KubeSpanPeerStatus)) for state in states] == [2, 1, 1, 2]


def test_a_password_is_never_shown(etcd: Etcd) -> None:
    with EtcdState(f"etcd://me:hush@{etcd.endpoints}/x") as state:
        assert "hush" not in repr(state) + str(state.address) + repr(state.address)
        with pytest.raises(Exception, match="this etcd has no users: authentication is not enabled") as caught:
            state.list(PATHS)
        assert "hush" not in str(caught.value) + repr(caught.value)


def test_what_is_remembered_is_bounded(url: str, opened: Open) -> None:
    state = opened(url, cache_bytes=100_000)
    for n in range(200):
        state.create(path(str(n)))
    assert len(state.list(PATHS)) == 200
    held = len(state._values._young) + len(state._values._old)
    assert held * 1500 < 150_000
    now = [state.update(resource.with_labels(l="1")) for resource in state.list(PATHS)]
    assert state.list(PATHS) == tuple(now)
