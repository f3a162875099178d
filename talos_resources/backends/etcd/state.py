"""EtcdState: a state in etcd, shared by any number of programs, ours and those in Go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from time import time_ns
from typing import Any, Self, TypeVar

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
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    TalosResourcesError,
    UnsupportedError,
    VersionConflictError,
)
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import Metadata, Phase, Reference
from talos_resources.model.query import Labels, matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.rpc.client.continuity import WatchSpec
from talos_resources.rpc.client.watch import RemoteWatch
from talos_resources.state.contract import Watch
from talos_resources.state.listing import ResourceList
from talos_resources.state.options import check_watch_options

S = TypeVar("S")


class EtcdState:
    """A State in etcd.

    Reads see every write that was done before them, whichever member or program did it. A write that a
    dying member may or may not have done is asked for again and recognised, so that it happens once. A
    watch that is interrupted goes on from where it was; where etcd has compacted that, the difference is
    told as events, or the watch ends with an error.

    Implements: `talos_resources.state.contract.State`.

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
        self._lock = threading.Lock()
        self._watches: set[RemoteWatch[Any]] = set()

    def get(self, kind: type[S] | Kind[S], id: str, *, namespace: str | None = None) -> Resource[S]:
        """The resource; see `State.get`."""
        about = _reference(kind, id, namespace)
        return self._read(self._layout.key(about.namespace, about.type, id), about).resource

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match, as they were at one moment; see `State.list`."""
        about = _reference(kind, "", namespace)
        matches = matcher(labels, ids)
        kvs, _ = read_folder(lambda request: self._range(request, about.type), self._layout.folder(about.namespace, about.type))
        with no_collector():
            found = list(map(self._values.decode, kvs))
        if matches is not None:
            found = [resource for resource in found if matches(resource.metadata)]
        found.sort(key=lambda resource: resource.metadata.id)  # code point order is byte order
        return ResourceList(found)

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        metadata = resource.metadata
        if owner is None:
            owner = metadata.owner
        elif metadata.owner and metadata.owner != owner:
            raise OwnerConflictError(metadata.reference, owner=metadata.owner)
        key = self._layout.key_of(resource)
        stored = resource.stamped(1, owner, Timestamp(time_ns()), metadata.updated)
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

    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""
        given = resource.metadata
        owner = given.owner if owner is None else owner
        key = self._layout.key_of(resource)
        now = Timestamp(time_ns())
        # What was read last is most often still there: etcd says so within the write itself.
        known = self._values.known(key)
        is_current = known is None or known.version != given.version
        known = self._read(key, given.reference) if known is None or is_current else known
        while True:
            held = known.resource.metadata
            refusal = _refusal(held, given, owner, expected_phase)
            if refusal is not None:
                if is_current:
                    raise refusal
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

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource; see `State.destroy`."""
        about = _reference(kind, id, namespace)
        key = self._layout.key(about.namespace, about.type, id)
        known = self._read(key, about)
        while True:
            held = known.resource.metadata
            if held.owner != owner:
                raise OwnerConflictError(held.reference, owner=held.owner)
            if held.finalizers:
                raise PendingFinalizersError(held.reference, finalizers=held.finalizers)
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

    def watch(
        self,
        kind: type[S] | Kind[S],
        id: str,
        *,
        namespace: str | None = None,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
    ) -> Watch[S]:
        """Follows one resource; see `State.watch`. There are no tail events."""
        _check_options(tail_events, start_from_bookmark)
        about = _reference(kind, id, namespace)
        return self._follow(WatchSpec(namespace=about.namespace, type=about.type, id=id, start_from_bookmark=start_from_bookmark))

    def watch_kind(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        bootstrap: bool = True,
        bootstrap_bookmark: bool = False,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> Watch[S]:
        """Follows all resources of a kind that match; see `State.watch_kind`. There are no tail events."""
        _check_options(tail_events, start_from_bookmark)
        matcher(labels, ids)  # a bad query is told at once
        about = _reference(kind, "", namespace)
        return self._follow(
            WatchSpec(
                namespace=about.namespace,
                type=about.type,
                bootstrap=bootstrap,
                bootstrap_bookmark=bootstrap_bookmark,
                start_from_bookmark=start_from_bookmark,
                labels=labels,
                ids=ids,
            )
        )

    def kind(self, name: str) -> Kind[Any]:
        """The kind of this name; see `State.kind`. Kinds that are held without a definition have their full name."""
        from talos_resources.state.registry import known_kinds, resolve_held

        return resolve_held(name, known_kinds(self), self.held_kinds)

    def held_kinds(self) -> Sequence[tuple[str, str]]:
        """Namespace and type of every kind of which there is a resource, whether or not it has a definition."""
        return held_kinds(self._client, self.address.prefix)

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
        with self._lock:
            watches, self._watches = self._watches, set()
        for watch in watches:
            watch.close()
        self._watcher.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

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

    def _follow(self, spec: WatchSpec) -> Watch[Any]:
        watch: RemoteWatch[Any] = RemoteWatch(
            spec, self._watcher.open, timeout=self._client.timeout, resume=True, on_interruption=self._on_interruption
        )
        with self._lock:
            self._watches = {known for known in self._watches if not known.closed}
            self._watches.add(watch)
        return watch


def _refusal(held: Metadata, given: Metadata, owner: str, expected_phase: Phase | None) -> ConflictError | None:
    """Why an update of what is held is refused; None if it is not."""
    if held.owner != owner:
        return OwnerConflictError(held.reference, owner=held.owner)
    if held.version != given.version:
        return VersionConflictError(held.reference, expected=given.version, actual=held.version)
    if expected_phase is not None and held.phase is not expected_phase:
        return PhaseConflictError(held.reference, expected=expected_phase)
    return None


def _check_options(tail_events: int, start_from_bookmark: bytes | None) -> None:
    check_watch_options(tail_events, start_from_bookmark)
    if tail_events:
        raise UnsupportedError("etcd has no tail events; begin with a bookmark, or with what is there")


def _reference(kind: type[Any] | Kind[Any], id: str, namespace: str | None) -> Reference:
    found = kind_of(kind)
    return Reference(found.namespace if namespace is None else namespace, found.type, id)
