"""In which form a configuration is written: in sections of the v1alpha1 document, or in the documents of v1.14."""

from __future__ import annotations

from typing import Final

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.releases import NEWEST, RELEASES, Contract

_SECTIONS: Final = RELEASES[0].contract

_NEWEST_KINDS: Final = RELEASES[-1].document_kinds - RELEASES[-2].document_kinds

_OF_CLUSTERS: Final = frozenset(
    f"Kube{what}Config" for what in ("Cluster", "Node", "let", "Network", "APIServer", "ControllerManager", "Scheduler")
)
"""Documents that take the place of sections without which there is no Kubernetes."""

_CLUSTER_SECTIONS: Final = (
    "machine.kubelet",
    *(f"cluster.{key}" for key in ("clusterName", "controlPlane", "network", "apiServer", "controllerManager", "scheduler", "proxy")),
)


def is_in_documents(config: MachineConfig) -> bool:
    """Whether a configuration says everything in documents, so that what is not said is not there.

    Documents beside sections (a SysctlConfig or a KubeInlineManifestConfig in a configuration of an older
    Talos) do not make it one: there, what is not said has Talos's default.
    """
    kinds = {document.kind for document in config.documents}
    if kinds & _OF_CLUSTERS:
        return True
    has_sections = any(config.get(path) is not None for path in _CLUSTER_SECTIONS)
    return bool(kinds & _NEWEST_KINDS) and not has_sections


def form_of(config: MachineConfig) -> Contract:
    """The contract whose form a configuration has: the newest one, that of v1.13 where KubeSpan has a document, else v1.12."""
    if is_in_documents(config):
        return NEWEST.contract
    return RELEASES[1].contract if any(document.kind == "KubeSpanConfig" for document in config.documents) else _SECTIONS
