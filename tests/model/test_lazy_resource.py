"""Resources whose spec is read when somebody looks at it."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from talos_resources.codec.wire import resource_from_wire, resource_of_store, resource_to_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.lazy_resource import unread
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus

STATUS = Resource.new(KubeSpanPeerStatus(label="worker-1", receive_bytes=7), id="abc=", owner="me", labels={"zone": "a"})
WIRE = resource_to_wire(STATUS, with_yaml=False)


def closed() -> Resource[Any]:
    resource = resource_of_store(WIRE)
    assert type(resource) is not Resource
    assert isinstance(resource, Resource)
    return resource


LOOKS: list[Callable[[Resource[Any]], object]] = [
    lambda resource: resource.spec,
    lambda resource: resource == STATUS,
    lambda resource: resource == STATUS,
    hash,
    repr,
    pickle.dumps,
    copy.copy,
    copy.deepcopy,
    lambda resource: resource.with_labels(zone="b"),
    lambda resource: attrs.evolve(resource, metadata=resource.metadata),
]


@pytest.mark.parametrize("look", LOOKS)
def test_the_first_look_makes_it_an_ordinary_one(look: Callable[[Resource[Any]], object]) -> None:
    resource, ordinary = closed(), resource_from_wire(WIRE)
    assert type(ordinary) is Resource
    told = look(resource)
    assert type(resource) is Resource
    assert resource == ordinary
    assert told == look(ordinary) or isinstance(told, bytes)


def test_stamping_is_no_look() -> None:
    resource = closed()
    stamped = resource.stamped(5, "other", Timestamp(1), Timestamp(2))
    assert type(resource) is not Resource
    assert type(stamped) is not Resource
    assert (stamped.version, stamped.owner, stamped.metadata.created, stamped.metadata.updated) == (5, "other", 1, 2)
    assert stamped == STATUS.stamped(5, "other", Timestamp(1), Timestamp(2))
    assert type(stamped) is Resource
    assert resource == resource_from_wire(WIRE)


def test_metadata_is_there_without_a_look() -> None:
    def read(data: bytes) -> KubeSpanPeerStatus:
        raise AssertionError(data)

    resource = unread(read)(STATUS.metadata, b"")
    assert (resource.id, resource.owner, resource.labels["zone"]) == ("abc=", "me", "a")


def test_copies_of_it_are_the_same() -> None:
    assert pickle.loads(pickle.dumps(closed())) == STATUS
    assert copy.deepcopy(closed()) == STATUS
    assert attrs.evolve(closed(), metadata=STATUS.metadata) == STATUS
    assert attrs.evolve(closed(), spec=KubeSpanPeerStatus()).spec == KubeSpanPeerStatus()
    assert closed() == closed()
    assert len({closed(), closed(), STATUS}) == 1
    match closed():
        case Resource(metadata, spec):
            assert (metadata, spec) == (STATUS.metadata, STATUS.spec)


def test_nothing_can_be_set() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        closed().spec = STATUS.spec  # type: ignore[misc]


def test_many_threads_look_at_once() -> None:
    resources = [closed() for _ in range(200)]
    seen: list[bool] = []

    def look() -> None:
        seen.append(all(resource.spec == STATUS.spec for resource in resources))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 8


def test_what_is_broken_is_told_by_the_look() -> None:
    resource = resource_of_store(WIRE.replace(b"worker-1", b"worker-\xff"))
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"spec\.label.*UTF-8"):
            _ = resource.spec


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a\x02\x0a\x05", b"garbage"])
def test_what_is_no_resource_is_told_at_once(data: bytes) -> None:
    with pytest.raises(DecodeError):
        resource_of_store(data)
