"""The configuration of a new cluster's machines, document by document, in Talos' order of keys.

What is in it depends on the version contract; `releases.contract` has that table.
"""

from __future__ import annotations

from typing import Any

from talos_resources.machineconfig.gen import documents as newer
from talos_resources.machineconfig.gen import v1alpha1 as older
from talos_resources.machineconfig.gen.options import GenOptions, MachineRole
from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.releases import NEWEST, Feature, Release


def documents(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> list[dict[str, Any]]:
    """The documents of one machine's configuration.

    Args:
        role: `init` is a control plane that bootstraps the cluster by itself, as old versions did.
        options: what the user asks for.
        secrets: a complete bundle.

    Returns:
        Plain values in the order in which Talos writes them, the v1alpha1 document first.
    """
    if options.contract.has(Feature.DOCUMENTS):
        return newer.documents(role, options, secrets)
    return older.documents(role, options, secrets)


def to_yaml(parts: list[dict[str, Any]], release: Release = NEWEST) -> str:
    """Documents as one text, in the style of a release."""
    from talos_resources.codec.goyaml.emit import dump

    return "---\n".join(dump(part, style=release.yaml) for part in parts)
