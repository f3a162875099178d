"""The resources of a Talos Linux cluster: typed, watchable, and printed exactly as talosctl prints them.

Public names are imported when they are first used, so that nobody pays for what they do not use.
"""

from __future__ import annotations

import sys

# What type checkers take for `typing.TYPE_CHECKING`: `typing` takes as long to load as all of Python's start does.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from talos_resources.backends.etcd import EtcdState as EtcdState
    from talos_resources.backends.memory import MemoryState as MemoryState
    from talos_resources.backends.sqlite.past import History as History
    from talos_resources.backends.sqlite.past import Retention as Retention
    from talos_resources.backends.sqlite.state import SqliteState as SqliteState
    from talos_resources.codec.records import records as records
    from talos_resources.insight.doctor import Diagnosis as Diagnosis
    from talos_resources.insight.findings import Findings as Findings
    from talos_resources.insight.links import LinkState as LinkState
    from talos_resources.insight.mesh import Mesh as Mesh
    from talos_resources.model.errors import AlreadyExistsError as AlreadyExistsError
    from talos_resources.model.errors import AmbiguousKindError as AmbiguousKindError
    from talos_resources.model.errors import AmbiguousNameError as AmbiguousNameError
    from talos_resources.model.errors import ConfigError as ConfigError
    from talos_resources.model.errors import ConflictError as ConflictError
    from talos_resources.model.errors import ConnectError as ConnectError
    from talos_resources.model.errors import DecodeError as DecodeError
    from talos_resources.model.errors import InvalidBookmarkError as InvalidBookmarkError
    from talos_resources.model.errors import NotFoundError as NotFoundError
    from talos_resources.model.errors import OwnerConflictError as OwnerConflictError
    from talos_resources.model.errors import PendingFinalizersError as PendingFinalizersError
    from talos_resources.model.errors import PermissionDeniedError as PermissionDeniedError
    from talos_resources.model.errors import PhaseConflictError as PhaseConflictError
    from talos_resources.model.errors import QueryError as QueryError
    from talos_resources.model.errors import RemoteError as RemoteError
    from talos_resources.model.errors import TalosResourcesError as TalosResourcesError
    from talos_resources.model.errors import UnknownKindError as UnknownKindError
    from talos_resources.model.errors import UnknownNameError as UnknownNameError
    from talos_resources.model.errors import UnsupportedError as UnsupportedError
    from talos_resources.model.errors import VersionConflictError as VersionConflictError
    from talos_resources.model.errors import WatchError as WatchError
    from talos_resources.model.errors import WatchOverrunError as WatchOverrunError
    from talos_resources.model.finding import Finding as Finding
    from talos_resources.model.finding import Severity as Severity
    from talos_resources.model.kind import Column as Column
    from talos_resources.model.kind import Kind as Kind
    from talos_resources.model.labels import LabelOp as LabelOp
    from talos_resources.model.labels import LabelQuery as LabelQuery
    from talos_resources.model.labels import LabelTerm as LabelTerm
    from talos_resources.model.metadata import Metadata as Metadata
    from talos_resources.model.metadata import Phase as Phase
    from talos_resources.model.metadata import Reference as Reference
    from talos_resources.model.net import AddrPort as AddrPort
    from talos_resources.model.net import IPPrefix as IPPrefix
    from talos_resources.model.resource import Resource as Resource
    from talos_resources.model.selector import parse_labels as parse_labels
    from talos_resources.model.spec import UntypedSpec as UntypedSpec
    from talos_resources.model.timestamp import Timestamp as Timestamp
    from talos_resources.model.version import __version__ as __version__
    from talos_resources.resources import Affiliate as Affiliate
    from talos_resources.resources import ClusterIdentity as ClusterIdentity
    from talos_resources.resources import ClusterInfo as ClusterInfo
    from talos_resources.resources import ControlPlane as ControlPlane
    from talos_resources.resources import DiscoveryConfig as DiscoveryConfig
    from talos_resources.resources import KubeSpanAffiliate as KubeSpanAffiliate
    from talos_resources.resources import KubeSpanConfig as KubeSpanConfig
    from talos_resources.resources import KubeSpanEndpoint as KubeSpanEndpoint
    from talos_resources.resources import KubeSpanIdentity as KubeSpanIdentity
    from talos_resources.resources import KubeSpanPeerSpec as KubeSpanPeerSpec
    from talos_resources.resources import KubeSpanPeerStatus as KubeSpanPeerStatus
    from talos_resources.resources import MachineType as MachineType
    from talos_resources.resources import Member as Member
    from talos_resources.resources import Namespace as Namespace
    from talos_resources.resources import PeerState as PeerState
    from talos_resources.resources import PrintColumn as PrintColumn
    from talos_resources.resources import ResourceDefinition as ResourceDefinition
    from talos_resources.resources import Sensitivity as Sensitivity
    from talos_resources.resources import ServiceEndpoint as ServiceEndpoint
    from talos_resources.resources.index import *  # noqa: F403 - a class for each of Talos's other types
    from talos_resources.rpc.apply import Applied as Applied
    from talos_resources.rpc.apply import ApplyMode as ApplyMode
    from talos_resources.rpc.client.aconnect import aconnect as aconnect
    from talos_resources.rpc.client.connect import connect as connect
    from talos_resources.sources import Cluster as Cluster
    from talos_resources.sources import open_source as open_source
    from talos_resources.sources.listing import ClusterList as ClusterList
    from talos_resources.sources.live import connect_cluster as connect_cluster
    from talos_resources.state.aio import AioState as AioState
    from talos_resources.state.contract import State as State
    from talos_resources.state.contract import Watch as Watch
    from talos_resources.state.derived import add_finalizer as add_finalizer
    from talos_resources.state.derived import modify as modify
    from talos_resources.state.derived import remove_finalizer as remove_finalizer
    from talos_resources.state.derived import teardown as teardown
    from talos_resources.state.derived import teardown_and_destroy as teardown_and_destroy
    from talos_resources.state.derived import update_with_conflicts as update_with_conflicts
    from talos_resources.state.events import AnyEvent as AnyEvent
    from talos_resources.state.events import Bootstrapped as Bootstrapped
    from talos_resources.state.events import Created as Created
    from talos_resources.state.events import Destroyed as Destroyed
    from talos_resources.state.events import Errored as Errored
    from talos_resources.state.events import Event as Event
    from talos_resources.state.events import Noop as Noop
    from talos_resources.state.events import Updated as Updated
    from talos_resources.state.listing import ResourceList as ResourceList
    from talos_resources.state.waiting import Condition as Condition
    from talos_resources.state.waiting import watch_for as watch_for

# The same names as above, which type checkers read; a test compares them.
_EXPORTS: Final = {
    "talos_resources.backends.etcd": ("EtcdState",),
    "talos_resources.backends.memory": ("MemoryState",),
    "talos_resources.backends.sqlite.past": ("History", "Retention"),
    "talos_resources.backends.sqlite.state": ("SqliteState",),
    "talos_resources.codec.records": ("records",),
    "talos_resources.insight.doctor": ("Diagnosis",),
    "talos_resources.insight.findings": ("Findings",),
    "talos_resources.insight.links": ("LinkState",),
    "talos_resources.insight.mesh": ("Mesh",),
    "talos_resources.model.errors": (
        "AlreadyExistsError",
        "AmbiguousKindError",
        "AmbiguousNameError",
        "ConfigError",
        "ConflictError",
        "ConnectError",
        "DecodeError",
        "InvalidBookmarkError",
        "NotFoundError",
        "OwnerConflictError",
        "PendingFinalizersError",
        "PermissionDeniedError",
        "PhaseConflictError",
        "QueryError",
        "RemoteError",
        "TalosResourcesError",
        "UnknownKindError",
        "UnknownNameError",
        "UnsupportedError",
        "VersionConflictError",
        "WatchError",
        "WatchOverrunError",
    ),
    "talos_resources.model.finding": (
        "Finding",
        "Severity",
    ),
    "talos_resources.model.kind": (
        "Column",
        "Kind",
    ),
    "talos_resources.model.metadata": (
        "Metadata",
        "Phase",
        "Reference",
    ),
    "talos_resources.model.net": (
        "AddrPort",
        "IPPrefix",
    ),
    "talos_resources.model.labels": (
        "LabelOp",
        "LabelQuery",
        "LabelTerm",
    ),
    "talos_resources.model.resource": ("Resource",),
    "talos_resources.model.selector": ("parse_labels",),
    "talos_resources.model.spec": ("UntypedSpec",),
    "talos_resources.model.timestamp": ("Timestamp",),
    "talos_resources.model.version": ("__version__",),
    "talos_resources.resources": (
        "Affiliate",
        "ClusterIdentity",
        "ClusterInfo",
        "ControlPlane",
        "DiscoveryConfig",
        "KubeSpanAffiliate",
        "KubeSpanConfig",
        "KubeSpanEndpoint",
        "KubeSpanIdentity",
        "KubeSpanPeerSpec",
        "KubeSpanPeerStatus",
        "MachineType",
        "Member",
        "Namespace",
        "PeerState",
        "PrintColumn",
        "ResourceDefinition",
        "Sensitivity",
        "ServiceEndpoint",
    ),
    "talos_resources.rpc.apply": (
        "Applied",
        "ApplyMode",
    ),
    "talos_resources.rpc.client.aconnect": ("aconnect",),
    "talos_resources.rpc.client.connect": ("connect",),
    "talos_resources.sources": (
        "Cluster",
        "open_source",
    ),
    "talos_resources.sources.listing": ("ClusterList",),
    "talos_resources.sources.live": ("connect_cluster",),
    "talos_resources.state.aio": ("AioState",),
    "talos_resources.state.contract": (
        "State",
        "Watch",
    ),
    "talos_resources.state.derived": (
        "add_finalizer",
        "modify",
        "remove_finalizer",
        "teardown",
        "teardown_and_destroy",
        "update_with_conflicts",
    ),
    "talos_resources.state.events": (
        "AnyEvent",
        "Bootstrapped",
        "Created",
        "Destroyed",
        "Errored",
        "Event",
        "Noop",
        "Updated",
    ),
    "talos_resources.state.listing": ("ResourceList",),
    "talos_resources.state.waiting": ("Condition", "watch_for"),
}
_RESOURCES: Final = "talos_resources.resources"
_HOMES: Final = {name: module for module, names in _EXPORTS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__all__":  # not a variable: type checkers would take it for all that there is
        return _names()
    import importlib

    home = _HOMES.get(name, _RESOURCES)
    if home is _RESOURCES and (name.startswith("_") or name not in importlib.import_module(_RESOURCES).__all__):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*_names(), "__all__", "__doc__", "__name__", "__version__"]


def _names() -> list[str]:
    import importlib

    return sorted({*_HOMES, *importlib.import_module(_RESOURCES).__all__} - {"__version__"})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext talos_resources`: for an IPython that was started after this package had been imported."""
    from talos_resources.views.notebook import register

    register(shell)


if "IPython" in sys.modules:  # a notebook, or IPython's shell
    load_ipython_extension(None)
