"""What goes beyond single resources: which kinds an etcd holds, which states share it, and filling one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.client import RANGE, TXN, EtcdClient
from talos_resources.backends.etcd.layout import Layout, parts, range_end
from talos_resources.backends.etcd.values import encode
from talos_resources.model.errors import AlreadyExistsError
from talos_resources.model.resource import Resource

_KIND: Final = 3
"""The parts of a key of a state: namespace, type, hash."""

# What one transaction of etcd may hold is 128 operations and 1.5 MiB, unless it is configured otherwise.
_BATCH: Final = 100
_BATCH_BYTES: Final = 1 << 20


def folders(client: EtcdClient, beginning: str, depth: int) -> Iterator[bytes]:
    """The folders so many parts below a beginning, each by its first key; one request for each.

    Args:
        client: asks.
        beginning: of the keys, without the slash that follows.
        depth: how many parts of the keys count.
    """
    begin, end = f"{beginning}/".encode(), range_end(f"{beginning}/".encode())
    cut = beginning.count("/") + 1 + depth
    while True:
        request = pb.RangeRequest(key=begin, range_end=end, limit=1, keys_only=True)
        found = client.call(RANGE, request, pb.RangeResponse, f"the keys under {beginning}")[0]
        if not found.kvs:
            return
        key = found.kvs[0].key
        yield key
        names = key.split(b"/")
        begin = range_end(b"/".join(names[:cut]) + b"/") if len(names) > cut else key + b"\0"


def held_kinds(client: EtcdClient, prefix: str) -> list[tuple[str, str]]:
    """Namespace and type of every kind of which there is a resource, in the order of their keys."""
    found = (parts(key, prefix) for key in folders(client, prefix, _KIND - 1))
    return [(names[0], names[1]) for names in found if len(names) == _KIND]


def states(client: EtcdClient, prefix: str) -> tuple[bool, list[str]]:
    """Whether a prefix holds the resources of a state, and the names of the states one level below it."""
    own, below = False, []
    for key in folders(client, prefix, 1):
        names = parts(key, prefix)
        own = own or len(names) == _KIND
        if len(names) == _KIND + 1:
            below.append(names[0])
    return own, below


def restore(client: EtcdClient, layout: Layout, resources: Iterable[Resource[Any]]) -> None:
    """Writes resources as they are, many at a time; their versions begin at 1, for etcd counts them.

    Raises:
        AlreadyExistsError: there is one of this id; the batches before it have been written.
    """
    batch: list[tuple[bytes, bytes, Resource[Any]]] = []
    size = 0
    for resource in resources:
        key, value = layout.key_of(resource), encode(resource)
        if batch and (len(batch) == _BATCH or size + len(value) > _BATCH_BYTES):
            _write(client, batch)
            batch, size = [], 0
        batch.append((key, value, resource))
        size += len(key) + len(value)
    if batch:
        _write(client, batch)


def _write(client: EtcdClient, batch: list[tuple[bytes, bytes, Resource[Any]]]) -> None:
    request = pb.TxnRequest(
        compare=[pb.Compare(target=pb.Compare.VERSION, key=key, version=0) for key, _, _ in batch],
        success=[pb.RequestOp(request_put=pb.PutRequest(key=key, value=value)) for key, value, _ in batch],
        failure=[pb.RequestOp(request_range=pb.RangeRequest(key=key)) for key, _, _ in batch],
    )
    answer, doubtful = client.call(TXN, request, pb.TxnResponse, batch[0][2].reference)
    if answer.succeeded:
        return
    held = [{kv.value for kv in found.response_range.kvs} for found in answer.responses]
    if doubtful and all(values == {value} for values, (_, value, _) in zip(held, batch, strict=True)):
        return
    raise AlreadyExistsError(next(resource.reference for values, (_, _, resource) in zip(held, batch, strict=True) if values))
