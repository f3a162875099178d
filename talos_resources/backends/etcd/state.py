"""EtcdState: a state in etcd, shared by any number of programs, ours and those in Go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import time_ns
from typing import Any, TypeVar

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.address import EtcdAddress, parse
from talos_resources.backends.etcd.bulk import held_kinds, restore, states
from talos_resources.backends.etcd.client import DEFAULT_TIMEOUT_S, RANGE, TXN, EtcdClient
from talos_resources.backends.etcd.layout import Layout
from talos_resources.backends.etcd.reading import read_folder
from talos_resources.backends.etcd.values import CACHED_BYTES, Known, Values, encode
from talos_resources.backends.etcd.watch import Watcher
from talos_resources.model.build import no_collector
from talos_resources.model.errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    TalosResourcesError,
    UnsupportedError,
)
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.rpc.client.open_watches import OpenWatches
from talos_resources.rpc.client.watch import RemoteWatch
from talos_resources.state.base import OwnedWrites
from talos_resources.state.checks import check_destroy, check_update
from talos_resources.state.contract import Watch
from talos_resources.state.listing import ResourceList
from talos_resources.state.watch_spec import WatchSpec

S = TypeVar("S")


class EtcdState(OwnedWrites):
    """A State in etcd.

    Reads see every write that was done before them, whichever member or program did it. A write that a
    dying member may or may not have done is asked for again and recognised, so that it happens once. A
    watch that is interrupted goes on from where it was; where etcd has compacted that, the difference is
    told as events, or the watch ends with an error.

    Attributes:
        address: where the etcd is.
    """

    def __init__(
        self,
        url: str | EtcdAddress,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        cache_bytes: int = CACHED_BYTES,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> None:
        """Connects when it is first used.

        Args:
            url: `etcd://HOST:PORT[,HOST:PORT…]/PREFIX`; see `talos_resources.backends.etcd.address.parse`.
            timeout: seconds for a call, and for a watch to be confirmed.
            cache_bytes: how much is kept decoded, about.
            on_interruption: told the reason each time a watch has to begin again, in the watch's own thread.

        Raises:
            ConfigError: a URL or certificates that cannot be used.
        """
        self.address = parse(url) if isinstance(url, str) else url
        self._client = EtcdClient(self.address, timeout=timeout)
        self._layout = Layout(self.address.prefix, self.address.salt)
        self._values = Values(cache_bytes)
        self._watcher = Watcher(self._client, self._layout, self._values)
        self._on_interruption = on_interruption
        self._watches = OpenWatches()

    def _get(self, about: Reference) -> Resource[Any]:
        return self._read(self._layout.key(about.namespace, about.type, about.id), about).resource

    def _list(self, about: Reference, queries: tuple[LabelQuery, ...], ids: str | None) -> ResourceList[Any]:
        matches = matcher(queries, ids)
        kvs, _ = read_folder(lambda request: self._range(request, about.type), self._layout.folder(about.namespace, about.type))
        with no_collector():
            found = list(map(self._values.decode, kvs))
        if matches is not None:
            found = [resource for resource in found if matches(resource.metadata)]
        found.sort(key=lambda resource: resource.metadata.id)  # code point order is byte order
        return ResourceList(found)

    def _create(self, resource: Resource[S], owner: str) -> Resource[S]:
        key = self._layout.key_of(resource)
        stored = resource.as_created(owner, Timestamp(time_ns()))
        value = encode(stored)
        answer, doubtful = self._write(key, value, pb.Compare(target=pb.Compare.VERSION, key=key, version=0), stored.reference)
        revision = answer.header.revision
        if not answer.succeeded:
            [held] = answer.responses[0].response_range.kvs
            if not (doubtful and held.version == 1 and held.value == value):
                raise AlreadyExistsError(self._values.decode(held).reference)
            revision = held.mod_revision
        self._values.remember(key, Known(1, value, revision, stored))
        return stored

    def _update(self, resource: Resource[S], owner: str, expected_phase: Phase | None) -> Resource[S]:
        given = resource.metadata
        key = self._layout.key_of(resource)
        now = Timestamp(time_ns())
        # What was read last is most often still there: etcd says so within the write itself.
        known = self._values.known(key)
        is_current = known is None or known.version != given.version
        known = self._read(key, given.reference) if known is None or is_current else known
        while True:
            held = known.resource.metadata
            try:
                check_update(held, given, owner, expected_phase)
            except ConflictError:
                if is_current:
                    raise
                known, is_current = self._read(key, given.reference), True
                continue
            stored = resource.stamped(held.version + 1, held.owner, held.created, now)
            value = encode(stored)
            unchanged = pb.Compare(target=pb.Compare.MOD, key=key, mod_revision=known.revision)
            answer, doubtful = self._write(key, value, unchanged, stored.reference)
            if answer.succeeded:
                self._values.remember(key, Known(stored.version, value, answer.header.revision, stored))
                return stored
            known, is_current = self._held(key, answer, given.reference), True
            if doubtful and known.version == stored.version and known.value == value:
                return known.resource

    def _destroy(self, about: Reference, owner: str) -> None:
        key = self._layout.key(about.namespace, about.type, about.id)
        known = self._read(key, about)
        while True:
            check_destroy(known.resource.metadata, owner)
            request = pb.TxnRequest(
                compare=[pb.Compare(target=pb.Compare.MOD, key=key, mod_revision=known.revision)],
                success=[pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key))],
                failure=[pb.RequestOp(request_range=pb.RangeRequest(key=key))],
            )
            answer, doubtful = self._client.call(TXN, request, pb.TxnResponse, about)
            if answer.succeeded or (doubtful and not answer.responses[0].response_range.kvs):
                self._values.forget(key)
                return
            known = self._held(key, answer, about)

    def held_kinds(self) -> Sequence[tuple[str, str]]:
        """Namespace and type of every kind of which there is a resource, whether or not it has a definition."""
        return held_kinds(self._client, self.address.prefix)

    def _undefined(self) -> Sequence[tuple[str, str]]:
        return self.held_kinds()

    def restore(self, resources: Iterable[Resource[Any]]) -> None:
        """Takes in resources as another store held them: owners and times are kept, versions begin at 1.

        Raises:
            AlreadyExistsError: there is one of this id; some of those before it have been taken in.
        """
        restore(self._client, self._layout, resources)

    @classmethod
    def nodes(cls, url: str | EtcdAddress, *, timeout: float = DEFAULT_TIMEOUT_S) -> tuple[bool, Sequence[str]]:
        """What is under a prefix: whether it holds the resources of a state, and the states one level below it.

        Args:
            url: as for the class.
            timeout: seconds for a call.

        Raises:
            ConnectError: no member answers.
            ConfigError: a URL or certificates that cannot be used.
        """
        with cls(url, timeout=timeout) as state:
            return states(state._client, state.address.prefix)

    def close(self) -> None:
        """Ends all watches and closes the connections."""
        self._watches.close()
        self._watcher.close()
        self._client.close()

    def __repr__(self) -> str:
        return f"<EtcdState {self.address}>"

    def _read(self, key: bytes, about: Reference) -> Known:
        found = self._range(pb.RangeRequest(key=key), about)
        if not found.kvs:
            self._values.forget(key)
            raise NotFoundError(Reference(about.namespace, about.type, about.id))
        return self._known(found.kvs[0])

    def _held(self, key: bytes, answer: pb.TxnResponse, about: Reference) -> Known:
        """What a transaction that did not succeed has found instead.

        Raises:
            NotFoundError: nothing.
        """
        kvs = answer.responses[0].response_range.kvs
        if not kvs:
            self._values.forget(key)
            raise NotFoundError(Reference(about.namespace, about.type, about.id))
        return self._known(kvs[0])

    def _known(self, kv: pb.KeyValue) -> Known:
        return Known(kv.version, kv.value, kv.mod_revision, self._values.decode(kv))

    def _range(self, request: pb.RangeRequest, about: object) -> pb.RangeResponse:
        return self._client.call(RANGE, request, pb.RangeResponse, about)[0]

    def _write(self, key: bytes, value: bytes, condition: pb.Compare, about: Reference) -> tuple[pb.TxnResponse, bool]:
        """Puts a value if the condition holds, else reads what is there."""
        request = pb.TxnRequest(
            compare=[condition],
            success=[pb.RequestOp(request_put=pb.PutRequest(key=key, value=value))],
            failure=[pb.RequestOp(request_range=pb.RangeRequest(key=key))],
        )
        return self._client.call(TXN, request, pb.TxnResponse, about)

    def _watch(self, spec: WatchSpec) -> Watch[Any]:
        if spec.tail_events:
            raise UnsupportedError("etcd has no tail events; begin with a bookmark, or with what is there")
        matcher(spec.labels, spec.ids)  # a bad query is told at once
        watch: RemoteWatch[Any] = RemoteWatch(
            spec, self._watcher.open, timeout=self._client.timeout, resume=True, on_interruption=self._on_interruption
        )
        self._watches.add(watch)
        return watch
