"""What a support bundle has of a node beside its resources: the files that the source has, and a `summary` of every node."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.version import __version__
from talos_resources.resources import Affiliate, ClusterIdentity
from talos_resources.rpc.version import VersionInfo
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.folders import SUMMARY, Reader
from talos_resources.sources.surroundings import announced_version
from talos_resources.state.contract import State

_FIELDS: Final = ("Tag", "SHA", "Built", "Go version", "OS/Arch")

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""The machine's name for itself → Go's."""


@runtime_checkable
class _Answering(Protocol):
    """A state that can ask its node for the version."""

    def version_info(self) -> VersionInfo: ...


def all_beside(cluster: Cluster, nodes: Sequence[str], *, only_summary: bool = False) -> dict[str, dict[str, Reader]]:
    """The files of some nodes beside their resources, and under "" those of the cluster as a whole; see `files_beside`."""
    found = {node: files_beside(cluster, node, only_summary=only_summary) for node in nodes}
    folders = [folder for node in nodes if not only_summary and (folder := cluster.folder(node)) is not None]
    return {"": {path: read for folder in folders for path, read in folder.common.items()}, **found}


def files_beside(cluster: Cluster, node: str, *, only_summary: bool = False) -> dict[str, Reader]:
    """The files of a node beside its resources, by their path in its folder.

    Logs and tables are those of the source, which only a bundle or a directory has; they are copied as they are. A node
    whose release nobody knows has no `summary`.

    Args:
        cluster: of the node.
        node: its name.
        only_summary: without logs and tables.

    Raises:
        ConfigError: there is no such node.

    Source: talosctl v1.14.0-rc.1, support.
    """
    folder = cluster.folder(node)
    found = {path: read for path, read in folder.texts.items() if path == SUMMARY or not only_summary} if folder else {}
    if SUMMARY not in found:
        version = told_version(cluster.state(node))
        if version is not None:
            found[SUMMARY] = summary(version).encode
    return found


def summary(version: VersionInfo) -> str:
    """The file `summary`: what wrote the bundle, and what the node says of the Talos that it runs."""
    own = (f"talos-resources v{__version__}", "", "", "", f"{_platform()}")
    node = (version.tag, version.sha, version.built, version.go_version, f"{version.os}/{version.arch}")
    return f"Client:\n{_table(*own)}Server:\n{_table(*node)}"


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}/{_ARCHITECTURES.get(machine, machine)}"


def _table(*values: str) -> str:
    return "".join(f"\t{name + ':':<13}{value}\n" for name, value in zip(_FIELDS, values, strict=True))


def told_version(state: State) -> VersionInfo | None:
    """What a node says that it runs, or what it announces to the others; None if it does neither."""
    try:
        if isinstance(state, _Answering):
            return state.version_info()
    except TalosResourcesError:
        pass  # a server that has resources only
    try:
        own = [identity.spec.node_id for identity in state.list(ClusterIdentity)]
        announced = next((announced_version(found.spec) for found in state.list(Affiliate) if found.id in own), "")
    except (TalosResourcesError, AttributeError):  # such as redacted ones
        return None
    return VersionInfo(tag=announced) if announced else None
