"""What is checked: machine configurations and manifests, each told from the other by what is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs

from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.machineconfig.cilium.machine import MachineFacts, machine_facts
from talos_resources.machineconfig.cilium.manifest import KubernetesResource, ManifestDocument, parse_manifest
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.neighbours import neighbour
from talos_resources.model.errors import ConfigError, DecodeError

_MACHINE_CONFIG: Final = re.compile(r"(?m)^(?:(?:machine|cluster):(?:\s|$)|apiVersion: [\"']?v1alpha1[\"']?\s*$)")


@attrs.frozen(kw_only=True)
class Manifest:
    """A manifest: a file, or an inline manifest of a configuration.

    Attributes:
        source: its name in findings.
        documents: in their order.
    """

    source: str
    documents: tuple[ManifestDocument, ...]

    @property
    def resources(self) -> tuple[KubernetesResource, ...]:
        """What it declares, in its order."""
        return tuple(resource for document in self.documents for resource in document.resources)

    def find(self, kind: str, name: str) -> KubernetesResource | None:
        """A resource by kind and name, in whichever namespace."""
        return next((resource for resource in self.resources if (resource.kind, resource.name) == (kind, name)), None)


@attrs.frozen(kw_only=True)
class MachineFile:
    """The configuration of one machine, or a part of it.

    Attributes:
        source: its name in findings.
        config: the documents.
        facts: what it says that concerns a CNI.
        inline: its inline manifests by name, in their order.
    """

    source: str
    config: MachineConfig
    facts: MachineFacts
    inline: tuple[tuple[str, Manifest], ...] = ()

    @property
    def is_worker(self) -> bool:
        """Whether it says that it is a worker."""
        return self.facts.role == "worker"

    @property
    def is_control_plane(self) -> bool:
        """Whether it says that it is a control plane."""
        return self.facts.role == "controlplane"

    @property
    def kubespan_path(self) -> str:
        """Where KubeSpan's settings are in it."""
        return "KubeSpanConfig" if self.facts.is_new_form or self.config.find("KubeSpanConfig") else "machine.network.kubespan"


@attrs.frozen(kw_only=True)
class Subject:
    """Everything that is checked together.

    Attributes:
        machines: in the order in which they were given.
        files: manifests that were given as files.
        strict: Cilium is to do kube-proxy's work; None if nobody said.
        assume_cilium: check as if Cilium were the CNI, also where nothing shows it.
    """

    machines: tuple[MachineFile, ...] = ()
    files: tuple[Manifest, ...] = ()
    strict: bool | None = None
    assume_cilium: bool = False

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All manifests, those inside of configurations included."""
        return (*self.files, *(manifest for machine in self.machines for _, manifest in machine.inline))


def read_subject(sources: Sequence[tuple[str, str]], *, strict: bool | None = None, assume_cilium: bool = False) -> Subject:
    """Sort files into configurations and manifests.

    Args:
        sources: (name, text) of each file.
        strict: as in `Subject`.
        assume_cilium: as in `Subject`.

    Raises:
        DecodeError: a machine configuration that Talos would not load.
        ConfigError: a file with neither.
    """
    machines, files = [], []
    for source, text in sources:
        if _MACHINE_CONFIG.search(text):
            machines.append(machine_file(MachineConfig.load(text, source=source), source=source))
            continue
        manifest = Manifest(source=source, documents=parse_manifest(text, source=source))
        if not any(document.resources or document.fault for document in manifest.documents):
            raise ConfigError(f"{source} holds neither a machine configuration nor a Kubernetes manifest")
        if any(document.fault for document in manifest.documents):
            _refuse_neighbours(text, source)
        files.append(manifest)
    return Subject(machines=tuple(machines), files=tuple(files), strict=strict, assume_cilium=assume_cilium)


def _refuse_neighbours(text: str, source: str) -> None:
    """Refuses a file that is neither: a talosconfig, a kubeconfig, a secrets bundle, a list."""
    try:
        first = next(iter(compose_all(text, source=source)), None)
    except DecodeError:
        return  # a manifest with a slip in it, which the checks tell
    found = neighbour(first) if first is not None and not first.is_null else ""
    if found and first is not None and first.get("metadata") is None:
        raise ConfigError(f"{source} holds neither a machine configuration nor a Kubernetes manifest: it is {found}")


def machine_file(config: MachineConfig, *, source: str) -> MachineFile:
    """A loaded configuration with its inline manifests parsed."""
    facts = machine_facts(config)
    inline = []
    for name, contents in facts.inline:
        where = f'{source}, inline manifest "{name}"'
        inline.append((name, Manifest(source=where, documents=parse_manifest(contents, source=where))))
    return MachineFile(source=source, config=config, facts=facts, inline=tuple(inline))
