"""Our hand-written messages against the protobuf runtime."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources._generated import machine_pb2
from talos_resources.model.errors import DecodeError, WatchError, WatchOverrunError
from talos_resources.model.labels import LabelOp, LabelQuery, LabelTerm
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc import messages
from talos_resources.rpc.event_messages import events_of
from talos_resources.rpc.server.encoding import Cache, Encoder
from talos_resources.rpc.server.requests import queries_from
from talos_resources.rpc.version import VersionInfo, version_info, version_response
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated

TEXT = st.text(max_size=10)
TERMS = st.builds(LabelTerm, TEXT, st.sampled_from(list(LabelOp)), st.lists(TEXT, max_size=3).map(tuple), st.booleans())
QUERIES = st.lists(st.builds(LabelQuery, st.lists(TERMS, min_size=1, max_size=3).map(tuple)), max_size=3).map(tuple)
PEER = Resource.new(KubeSpanPeerStatus(label="one"), id="a=").with_metadata(version=3)
NEWER = PEER.with_spec(label="two").with_metadata(version=4)


def test_requests_are_what_the_runtime_reads() -> None:
    assert pb.GetRequest.FromString(messages.get_request("n", "t", "i")) == pb.GetRequest(namespace="n", type="t", id="i")
    destroy = pb.DestroyRequest.FromString(messages.owner_request("n", "t", "i", owner="me"))
    assert destroy == pb.DestroyRequest(namespace="n", type="t", id="i", options=pb.DestroyOptions(owner="me"))
    update = pb.UpdateRequest.FromString(messages.update_request(PEER, owner="", expected_phase=None))
    assert not update.options.HasField("expected_phase")
    assert update.new_resource.metadata.version == "3"
    update = pb.UpdateRequest.FromString(messages.update_request(PEER, owner="o", expected_phase=Phase.RUNNING))
    assert (update.options.owner, update.options.expected_phase) == ("o", "running")
    create = pb.CreateRequest.FromString(messages.create_request(PEER, owner="o"))
    assert (create.options.owner, create.resource.metadata.id) == ("o", "a=")


@given(QUERIES, st.none() | TEXT, st.booleans(), st.integers(0, 1000), st.none() | st.binary(max_size=20))
@settings(max_examples=60, deadline=None)
def test_queries_arrive_as_they_were_sent(
    labels: tuple[LabelQuery, ...], ids: str | None, flag: bool, tail: int, bookmark: bytes | None
) -> None:
    listed = pb.ListRequest.FromString(messages.list_request("n", "t", labels=labels, ids=ids))
    read = queries_from(listed.options)
    assert read.ids == ids
    assert [[(t.key, t.op, t.values) for t in q.terms] for q in read.labels] == [[(t.key, t.op, t.values) for t in q.terms] for q in labels]
    watched = pb.WatchRequest.FromString(
        messages.watch_request(
            "n", "t", None, bootstrap=flag, tail_events=tail, start_from_bookmark=bookmark, labels=labels, ids=ids, bootstrap_bookmark=flag
        )
    )
    options = watched.options
    assert not watched.HasField("id")
    assert (options.bootstrap_contents, options.bootstrap_bookmark, options.tail_events) == (flag, flag, tail)
    assert (options.start_from_bookmark if options.HasField("start_from_bookmark") else None) == bookmark
    assert options.aggregated
    assert watched.api_version == 1


EVENTS: list[AnyEvent] = [
    Created(PEER),
    Created(PEER, b"\1"),
    Updated(NEWER, PEER, b"\2"),
    Updated(NEWER, None, b""),
    Destroyed(PEER.reference, PEER, b"\3"),
    Destroyed(PEER.with_metadata(version=0).reference, None),
    Bootstrapped(b"\4"),
    Noop(b"\5"),
]


def test_events_arrive_as_they_were_sent() -> None:
    encoder = Encoder()
    for event in EVENTS:
        encoded = encoder.event(event, PEER.namespace, PEER.type)
        assert events_of(encoded) == [event]
        parsed = pb.WatchResponse.FromString(encoded).event[0]
        assert parsed.resource.metadata.type == PEER.type
    together = b"".join(encoder.event(event, PEER.namespace, PEER.type) for event in EVENTS)
    assert events_of(together) == EVENTS
    assert events_of(b"") == []


def test_errors_arrive_as_their_class() -> None:
    encoder = Encoder()
    [overrun] = events_of(encoder.event(Errored(WatchOverrunError("buffer overrun: too slow", bookmark=b"x"), b"x"), "", ""))
    assert isinstance(overrun, Errored)
    assert isinstance(overrun.error, WatchOverrunError)
    assert overrun.error.bookmark == b"x"
    [other] = events_of(encoder.event(Errored(WatchError("closed")), "", ""))
    assert isinstance(other, Errored)
    assert str(other.error) == "closed"


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_garbage_is_an_error_of_ours(data: bytes) -> None:
    for read in (messages.resource_of, messages.destroy_ready, events_of, version_info):
        with suppress(DecodeError):
            read(data)


def test_a_response_may_have_more_than_the_resource() -> None:
    wire = pb.GetResponse.FromString(Encoder().resource(PEER)).SerializeToString()
    assert messages.resource_of(wire + b"\x78\x01") == PEER
    with pytest.raises(DecodeError):
        messages.resource_of(b"")


def test_the_version_is_what_the_runtime_reads() -> None:
    data = version_response("v1.2.3", python="3.11", platform="test")
    parsed = machine_pb2.VersionResponse.FromString(data)
    assert parsed.messages[0].version.tag == "v1.2.3"
    assert parsed.messages[0].features.rbac
    assert version_info(data) == VersionInfo(tag="v1.2.3", go_version="3.11", os="linux")


def test_the_version_of_a_node_of_talos_is_read_in_full() -> None:
    told = {"tag": "v1.14.0", "sha": "abc", "built": "2026-01-02", "go_version": "go1.26.8", "os": "linux", "arch": "arm64"}
    platform = machine_pb2.PlatformInfo(name="metal")
    message = machine_pb2.Version(version=machine_pb2.VersionInfo(**told), platform=platform)
    assert version_info(machine_pb2.VersionResponse(messages=[message]).SerializeToString()) == VersionInfo(**told)
    with pytest.raises(DecodeError, match="has no version"):
        version_info(machine_pb2.VersionResponse(messages=[machine_pb2.Version(platform=platform)]).SerializeToString())


def test_the_cache_encodes_once_and_stays_small() -> None:
    calls: list[Any] = []

    def encode(value: object) -> bytes:
        calls.append(value)
        return bytes(10)

    cache: Cache[object] = Cache(encode, limit=100)
    values = [object() for _ in range(50)]
    for value in values:
        assert cache(value) is cache(value)
    assert len(calls) == 50
    assert cache._size <= 100
    assert len(cache._entries) == 10
