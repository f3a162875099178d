"""Changing the machine configuration of live nodes: what is there, whether the new one is valid, and nothing lost."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import attrs

from talos_resources.machineconfig.configured_node import ACTIVE, check, mode_of, no_reboot, refusal
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.validate import Mode
from talos_resources.model.errors import (
    ConfigError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
    TalosResourcesError,
    UnsupportedError,
)
from talos_resources.releases import Release, release_of
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.apply import Applied, ApplyMode
from talos_resources.rpc.pki.private_file import write_private
from talos_resources.state.contract import State

if TYPE_CHECKING:
    from talos_resources.sources.cluster import Cluster

_NOT_IN_NAMES: Final = re.compile(r"[^0-9A-Za-z.-]")


@runtime_checkable
class LiveNode(Protocol):
    """The state of a node that can be given another configuration."""

    def version(self) -> str:
        """What it runs."""
        ...

    def apply(self, config: str, *, mode: ApplyMode | None = None, dry_run: bool = False, try_s: float | None = None) -> Applied:
        """See `RemoteState.apply`."""
        ...


@attrs.frozen(kw_only=True)
class NodeConfiguration:
    """What a node has.

    Attributes:
        node: its name.
        live: the node itself.
        version: of its Talos, as it says it.
        release: by whose rules it judges.
        mode: where it runs, as `validate` asks it.
        text: the configuration in force; None for a node that has none yet.
    """

    node: str
    live: LiveNode = attrs.field(repr=False)
    version: str
    release: Release = attrs.field(repr=False)
    mode: Mode
    text: str | None = attrs.field(repr=False)

    @property
    def present(self) -> str:
        """The configuration in force.

        Raises:
            ConfigError: there is none.
        """
        if self.text is None:
            raise ConfigError("the node has no configuration yet; give it one with apply-config -f")
        return self.text

    def config(self) -> MachineConfig:
        """The configuration in force, read by the rules of the node.

        Raises:
            ConfigError, DecodeError: there is none, or it cannot be read.
        """
        return MachineConfig.load(self.present, source=f"the configuration of {self.node}", release=self.release)


@attrs.frozen(kw_only=True)
class HowToApply:
    """What one says beside the configuration.

    Attributes:
        mode: see `ApplyMode`.
        dry_run: change nothing.
        try_s: for a trial, seconds.
        force: send it also where it is not valid.
        folder: keep what was there before in it, for good; None for a folder of ours, until the node has taken the new one.
    """

    mode: ApplyMode = ApplyMode.AUTO
    dry_run: bool = False
    try_s: float | None = None
    force: bool = False
    folder: Path | None = None


def configuration_of(cluster: Cluster, node: str) -> NodeConfiguration:
    """What a node of a cluster has now.

    Raises:
        UnsupportedError: it is no live node.
        TalosResourcesError: it cannot be asked.
    """
    state: State = cluster.state(node)
    if not isinstance(state, LiveNode):
        raise UnsupportedError(f"{cluster.source} is no live node whose configuration can change; name one with -n and a talosconfig")
    version = state.version()
    try:
        text = state.get(Stored, ACTIVE).spec.text
    except NotFoundError:
        text = None
    return NodeConfiguration(node=node, live=state, version=version, release=release_of(version), mode=mode_of(state), text=text)


def checked(configuration: NodeConfiguration, text: str) -> MachineConfig:
    """A new configuration for a node, read and judged as the node will.

    Raises:
        ConfigError, DecodeError: the node would refuse it.
    """
    config, report = check(text, release=configuration.release, mode=configuration.mode)
    if report.errors:
        raise ConfigError(f"{refusal(report)}; nothing was sent (--force sends it all the same)")
    return config


def is_same(configuration: NodeConfiguration, text: str) -> bool:
    """Whether a text says the same as what the node has, whatever its blanks, comments and forms of values."""
    if configuration.text is None:
        return False
    try:
        return configuration.config() == MachineConfig.load(text, release=configuration.release)
    except (ConfigError, DecodeError):
        return configuration.text == text


def give(configuration: NodeConfiguration, text: str, how: HowToApply) -> Applied:
    """Gives a node a new configuration; what it had is in a file until the node says that it has taken it.

    Raises:
        ConfigError, DecodeError: it is not valid; nothing was sent, or the node has refused it.
        TalosResourcesError: nobody knows whether the node has taken it; says where the old one is.
    """
    if how.mode is ApplyMode.REBOOT and not configuration.release.api.reboots_to_apply:
        raise ConfigError(f"{no_reboot(configuration.release)}; nothing was sent")
    if not how.force:
        checked(configuration, text)
    if how.dry_run:
        return configuration.live.apply(text, mode=how.mode, dry_run=True, try_s=how.try_s)
    kept = None if configuration.text is None else keep(configuration.node, configuration.text, how.folder)
    try:
        applied = configuration.live.apply(text, mode=how.mode, try_s=how.try_s)
    except (ConfigError, PermissionDeniedError, UnsupportedError):
        _drop(kept, how)  # the node has what it had
        raise
    except TalosResourcesError as error:
        if kept is not None:
            error.args = (f"{error.message}; what it had before is in {kept}",)
        raise
    _drop(kept, how)
    return applied


def keep(node: str, text: str, folder: Path | None) -> Path:
    """Writes what a node has to a file that only its owner can read, and returns its path.

    Args:
        node: its name.
        text: its configuration.
        folder: where; None for `$XDG_STATE_HOME/talos-resources/kept`.

    Raises:
        ConfigError: it cannot be written; so nothing should be changed.
    """
    place = kept_folder() if folder is None else folder
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = _NOT_IN_NAMES.sub("_", node)
    for number in range(1000):
        path = place / f"{name}-{stamp}{f'-{number}' if number else ''}.yaml"
        try:
            write_private(path, text.encode(), overwrite=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigError(f"cannot keep the present configuration in {path}: {error.strerror}; nothing was sent") from None
        return path
    raise ConfigError(f"cannot keep the present configuration in {place}: too many files of one second; nothing was sent")


def kept_folder() -> Path:
    """Where what nodes had is kept while they get something else."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "talos-resources" / "kept"


def _drop(kept: Path | None, how: HowToApply) -> None:
    if kept is not None and how.folder is None:
        kept.unlink(missing_ok=True)
