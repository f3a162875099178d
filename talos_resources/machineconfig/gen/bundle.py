"""The files of a new cluster: control plane, worker and talosconfig."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from talos_resources.machineconfig.gen.config import documents, to_yaml
from talos_resources.machineconfig.gen.options import GenOptions, MachineRole
from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.model.errors import ConfigError, TalosResourcesError
from talos_resources.releases import NEWEST

if TYPE_CHECKING:
    from talos_resources.machineconfig.patch.apply import Compat
    from talos_resources.machineconfig.patch.load import Patch
    from talos_resources.talosconfig.config import TalosConfig


@attrs.frozen(kw_only=True)
class Patches:
    """What is changed in the generated configurations: first what is common, then what a role has of its own."""

    common: tuple[Patch, ...] = ()
    control_plane: tuple[Patch, ...] = ()
    worker: tuple[Patch, ...] = ()

    def of(self, role: MachineRole) -> tuple[Patch, ...]:
        """The patches of a role, in their order."""
        return (*self.common, *(self.worker if role == "worker" else self.control_plane))


@attrs.frozen(kw_only=True)
class ConfigBundle:
    """The configurations of a cluster as text.

    Attributes:
        control_plane: of each control plane node.
        worker: of each worker.
        notes: what the user should know about the patches, one line each.
    """

    control_plane: str = attrs.field(repr=False)
    worker: str = attrs.field(repr=False)
    notes: tuple[str, ...] = ()


def make_configs(options: GenOptions, secrets: SecretsBundle, *, patches: Patches | None = None, compat: Compat = None) -> ConfigBundle:
    """Generate and patch the configurations of both roles.

    Both are made even if one is wanted: a common patch has to fit both.

    Args:
        options: what the user asks for.
        secrets: a complete bundle.
        patches: none by default.
        compat: the talosctl to imitate; each refuses a JSON patch where there is more than one document.

    Raises:
        ConfigError: a patch does not fit; the message names the role.
    """
    steps = patches if patches is not None else Patches()
    control_plane, first = _patched("controlplane", options, secrets, steps, compat)
    worker, second = _patched("worker", options, secrets, steps, compat)
    both = set(first) & set(second)
    notes = [*(_of_role(note, "control planes", both) for note in first), *(_of_role(note, "workers", both) for note in second)]
    return ConfigBundle(control_plane=control_plane, worker=worker, notes=tuple(dict.fromkeys(notes)))


def _of_role(note: str, role: str, both: set[str]) -> str:
    return note if note in both else f"{note} ({role})"


def make_talosconfig(cluster_name: str, secrets: SecretsBundle, *, now: datetime) -> TalosConfig:
    """A talosconfig with one context, the cluster's, and a fresh certificate for `os:admin`.

    Args:
        cluster_name: becomes the name of the context.
        secrets: with the authority of the Talos API.
        now: aware time, start of the certificate's year.

    Raises:
        ConfigError: the bundle has no usable authority.
    """
    from talos_resources.rpc.pki import issue_client
    from talos_resources.talosconfig.config import Context, TalosConfig

    if secrets.os is None:
        raise ConfigError("the secrets have no certs.os, so nobody can sign a client certificate")
    try:
        client = issue_client(secrets.os, roles=["os:admin"], now=now)
    except ConfigError as error:
        raise ConfigError(f"certs.os of the secrets: {error.message}") from None
    context = Context.of(cluster_name, ca=secrets.os.crt, crt=client.crt, key=client.key)
    return TalosConfig(current=cluster_name).with_context(context)


def _patched(
    role: MachineRole, options: GenOptions, secrets: SecretsBundle, patches: Patches, compat: Compat
) -> tuple[str, tuple[str, ...]]:
    text = to_yaml(documents(role, options, secrets), compat or NEWEST)
    steps: Sequence[Patch] = patches.of(role)
    if not steps:
        return text, ()
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.machineconfig.patch.apply import patch_config

    try:
        config, notes = patch_config(MachineConfig.load(text, release=compat or NEWEST), steps, compat=compat)
    except TalosResourcesError as error:
        raise ConfigError(f"cannot patch the {role} configuration: {error.message}") from error
    return config.text(), notes
