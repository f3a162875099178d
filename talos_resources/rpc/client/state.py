"""A live node, or anything else that serves `cosi.resource.State`, as a State like any other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeVar

from talos_resources.model.errors import ConfigError, ConnectError, TalosResourcesError, UnknownKindError
from talos_resources.model.kind import Kind
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.resource import Resource
from talos_resources.resources import ResourceDefinition
from talos_resources.rpc import messages
from talos_resources.rpc.client.call import MAX_ANSWER_BYTES, Channel
from talos_resources.rpc.client.open_watches import OpenWatches
from talos_resources.rpc.headers import LIST, SERVICE, metadata_for
from talos_resources.rpc.status import Code, RpcError, error_of
from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S, Transport
from talos_resources.state.base import OwnedWrites
from talos_resources.state.contract import Watch
from talos_resources.state.listing import ResourceList
from talos_resources.state.watch_spec import WatchSpec

if TYPE_CHECKING:
    from talos_resources.rpc.apply import Applied, ApplyMode
    from talos_resources.rpc.client.answer_stream import AnswerStream
    from talos_resources.rpc.client.continuity import Start
    from talos_resources.rpc.version import VersionInfo

S = TypeVar("S")
T = TypeVar("T")


_GET: Final = f"{SERVICE}Get"
_CREATE: Final = f"{SERVICE}Create"
_UPDATE: Final = f"{SERVICE}Update"
_DESTROY: Final = f"{SERVICE}Destroy"
_WATCH: Final = f"{SERVICE}Watch"


class HasText(Protocol):
    """A machine configuration, whose type is not known down here."""

    def text(self) -> str:
        """All its documents as YAML."""
        ...


class RemoteState(OwnedWrites):
    """The resources of one node. Watches survive restarts of the node and of the way to it.

    Attributes:
        node: its name, as it was asked for; None for whatever answers at the endpoint.
        selects_elsewhere: queries are sent along, and answered where the resources are.
    """

    selects_elsewhere: Final = True

    def __init__(
        self,
        transports: Sequence[Transport],
        *,
        node: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        resume: bool = True,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Connects when it is first used.

        Args:
            transports: one per endpoint that leads to the node, tried in turn.
            node: sent along with every call, for endpoints to pass the call on.
            timeout: seconds for a call, and for a watch to be confirmed; None for ever.
            max_answer_bytes: how large a whole list may be, and what a watch begins with; more is an error.
            resume: watches go on after an interruption; without, an interruption is their error.
            on_interruption: told the reason each time a watch has to begin again.
            on_close: releases the transports; None closes them.

        Raises:
            ConfigError: a node's name that cannot be sent.
        """
        self.node = node
        self._channel = Channel(transports, metadata_for(node), timeout, max_answer_bytes)
        self._resume = resume
        self._on_interruption = on_interruption
        self._on_close = on_close
        self._definitions: tuple[ResourceDefinition, ...] | None = None
        self._lock = threading.Lock()
        self._watches = OpenWatches()

    def _get(self, about: Reference) -> Resource[Any]:
        return self._resource(_GET, messages.get_request(about.namespace, about.type, about.id), about, repeatable=True)

    def _list(self, about: Reference, queries: tuple[LabelQuery, ...], ids: str | None) -> ResourceList[Any]:
        request = messages.list_request(about.namespace, about.type, labels=queries, ids=ids)
        try:
            resources = self._channel.gather(LIST, request, messages.resource_of)
        except (RpcError, ConnectError) as error:
            self._fail(error, about)
        for resource in resources:
            messages.check_type(resource, about.type)
        # The other side sorts; we promise it.
        resources.sort(key=_byte_order)
        return ResourceList(resources)

    def _create(self, resource: Resource[S], owner: str) -> Resource[S]:
        return self._resource(_CREATE, messages.create_request(resource, owner=owner), resource.reference)

    def _update(self, resource: Resource[S], owner: str, expected_phase: Phase | None) -> Resource[S]:
        request = messages.update_request(resource, owner=owner, expected_phase=expected_phase)
        return self._resource(_UPDATE, request, resource.reference)

    def _destroy(self, about: Reference, owner: str) -> None:
        self._unary(_DESTROY, messages.owner_request(about.namespace, about.type, about.id, owner=owner), about)

    def kind(self, name: str) -> Kind[Any]:
        """See `State`; the definitions are the node's."""
        from talos_resources.state.registry import definitions_of, resolve_defined

        with self._lock:
            definitions, fresh = self._definitions, False
        if definitions is None:
            definitions, fresh = definitions_of(self), True
        try:
            kind = resolve_defined(name, definitions)
        except UnknownKindError:
            if fresh:
                raise
            # A node registers types while it boots.
            definitions = definitions_of(self)
            kind = resolve_defined(name, definitions)
        with self._lock:
            self._definitions = definitions
        return kind

    def version(self) -> str:
        """The version that the node says it runs, `v1.13.3`.

        Raises:
            ConnectError: it cannot be reached.
            UnsupportedError: it serves resources only.
        """
        return self.version_info().tag

    def version_info(self) -> VersionInfo:
        """All that the node says of the Talos that it runs; raises as `version`."""
        from talos_resources.rpc.version import VERSION, version_info

        return version_info(self._unary(VERSION, b"", Reference("", "Version", ""), repeatable=True))

    def apply(
        self, config: HasText | str | bytes, *, mode: ApplyMode | None = None, dry_run: bool = False, try_s: float | None = None
    ) -> Applied:
        """Gives the node another machine configuration; it checks it by its own rules before it takes it up.

        Args:
            config: a `MachineConfig`, or its text; the whole of it, a patch is none.
            mode: when it is taken up; None for `ApplyMode.AUTO`.
            dry_run: only say what would be done.
            try_s: for `ApplyMode.TRY`, the seconds until the node goes back to the old one; None for a minute.

        Raises:
            ConfigError: the node refuses it; nothing has changed.
            PermissionDeniedError: only administrators may.
            ConnectError: the node cannot be reached, or does not answer; it may have taken it up all the same.
            UnsupportedError: it serves resources only.
        """
        from talos_resources.rpc.apply import APPLY, DEFAULT_TRY_S, ApplyMode, ApplyRequest, applied_of, apply_request

        text = config if isinstance(config, str | bytes) else config.text()
        request = ApplyRequest(
            text=text if isinstance(text, bytes) else text.encode(),
            mode=ApplyMode.AUTO if mode is None else mode,
            dry_run=dry_run,
            try_s=DEFAULT_TRY_S if try_s is None else try_s,
        )
        about = Reference("config", "MachineConfigs.config.talos.dev", "v1alpha1")
        try:
            return applied_of(self._channel.unary(APPLY, apply_request(request)))
        except RpcError as error:
            if error.code is Code.INVALID_ARGUMENT:
                raise ConfigError(error.text) from None
            self._fail(error, about)
        except ConnectError as error:
            self._fail(error, about)

    def call(self, method: str, request: bytes) -> bytes:
        """A call that is none of a State's nor of Talos's: what else the other side offers.

        Args:
            method: its path, `/package.Service/Method`.
            request: the one message that is sent.

        Raises:
            ConfigError: the other side refuses what is asked.
            UnsupportedError: it has no such call.
            ConnectError: it cannot be reached.
        """
        try:
            return self._channel.unary(method, request)
        except RpcError as error:
            if error.code is Code.INVALID_ARGUMENT:
                raise ConfigError(error.text) from None
            self._fail(error, Reference("", method, ""))
        except ConnectError as error:
            self._fail(error, Reference("", method, ""))

    def close(self) -> None:
        """See `State`."""
        self._watches.close()
        if self._on_close is not None:
            self._on_close()
        else:
            for transport in self._channel.transports:
                transport.close()

    def __repr__(self) -> str:
        endpoints = ", ".join(transport.address for transport in self._channel.transports)
        return f"<RemoteState {self.node or 'node'} through {endpoints}>"

    def _resource(self, method: str, request: bytes, about: Reference, *, repeatable: bool = False) -> Resource[Any]:
        resource = messages.resource_of(self._unary(method, request, about, repeatable=repeatable))
        messages.check_type(resource, about.type)
        return resource

    def _unary(self, method: str, request: bytes, about: Reference, *, repeatable: bool = False) -> bytes:
        try:
            return self._channel.unary(method, request, repeatable=repeatable)
        except (RpcError, ConnectError) as error:
            self._fail(error, about)

    def _watch(self, spec: WatchSpec) -> Watch[Any]:
        from talos_resources.rpc.client.watch import RemoteWatch  # here: most commands do not watch

        watch = RemoteWatch[Any](
            spec, self._open, timeout=self._channel.timeout, resume=self._resume, on_interruption=self._on_interruption
        )
        self._watches.add(watch)
        return watch

    def _open(self, spec: WatchSpec, start: Start) -> AnswerStream:
        from talos_resources.rpc.client.answer_stream import AnswerStream

        about = spec.about
        request = messages.watch_request(spec.namespace, spec.type, spec.id, labels=spec.labels, ids=spec.ids, **start)
        answer = self._call(lambda: self._channel.stream(_WATCH, request), about)
        # What a watch begins with is bounded as a list is; what comes later, by its consumer's pace.
        limit = self._channel.max_answer_bytes if start["bootstrap"] else None
        stream = AnswerStream(answer, spec.type, limit=limit, fail=partial(self._fail, about=about))
        stream.confirm()
        return stream

    def _call(self, work: Callable[[], T], about: Reference) -> T:
        try:
            return work()
        except (RpcError, ConnectError) as error:
            self._fail(error, about)

    def _fail(self, error: RpcError | ConnectError, about: Reference) -> NoReturn:
        """Raises the error as an error of our tree that names the node.

        Raises:
            TalosResourcesError: always.
        """
        if isinstance(error, RpcError):
            raise error_of(error, about) from None
        raise ConnectError(f"no answer through {error.message}", node=self.node, **error.__dict__) from error.__cause__


def _byte_order(resource: Resource[Any]) -> bytes:
    return resource.metadata.id.encode()
