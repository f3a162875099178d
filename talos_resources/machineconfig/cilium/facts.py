"""What manifests and configurations say about the CNI, read once for all rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from talos_resources.machineconfig.cilium.manifest import KubernetesResource
from talos_resources.machineconfig.cilium.subject import Manifest, Subject

_CONFIG_MAP: Final = ("ConfigMap", "cilium-config")
_FOREIGN_NETWORKS: Final = ("cilium", "calico")
_API_HOST: Final = "KUBERNETES_SERVICE_HOST"
_STRICT_WORDS: Final = frozenset({"strict", "true"})


@attrs.frozen(kw_only=True)
class CiliumFacts:
    """What is known about Cilium.

    Attributes:
        manifests: those that hold Cilium.
        config: the data of its ConfigMap, empty where there is none.
        strict: whether it replaces kube-proxy; None if nothing tells.
        dials_api: whether its agents are told the address of the API; None without an agent.
    """

    manifests: tuple[Manifest, ...]
    config: Mapping[str, str]
    strict: bool | None
    dials_api: bool | None


def cilium_facts(subject: Subject) -> CiliumFacts:
    """Read what the manifests say about Cilium."""
    manifests = tuple(manifest for manifest in subject.manifests if is_cilium(manifest))
    config: dict[str, str] = {}
    dials: bool | None = None
    for manifest in manifests:
        found = manifest.find(*_CONFIG_MAP)
        if found is not None:
            data = found.fields.get("data")
            config.update({str(key): _word(value) for key, value in data.items()} if isinstance(data, dict) else {})
        agent = manifest.find("DaemonSet", "cilium")
        if agent is not None:
            dials = _API_HOST in set(_environment(agent.fields))
    replacement = config.get("kube-proxy-replacement")
    strict = replacement in _STRICT_WORDS if replacement is not None else None
    return CiliumFacts(manifests=manifests, config=config, strict=strict if subject.strict is None else subject.strict, dials_api=dials)


def is_cilium(manifest: Manifest) -> bool:
    """Whether a manifest installs Cilium."""
    return any((resource.kind, resource.name) in {_CONFIG_MAP, ("DaemonSet", "cilium")} for resource in manifest.resources)


def foreign_network(subject: Subject, urls: list[str]) -> str | None:
    """The CNI that hands out pod addresses by itself: `Cilium` or `Calico`; None where neither shows.

    Args:
        subject: its manifests are looked at.
        urls: of manifests that Talos fetches.
    """
    if subject.assume_cilium:
        return "Cilium"
    names = [resource.name for manifest in subject.manifests for resource in manifest.resources if resource.kind == "DaemonSet"]
    for word in _FOREIGN_NETWORKS:
        if any(word in text.lower() for text in (*names, *urls)):
            return word.capitalize()
    return None


def key_material(resource: KubernetesResource) -> tuple[str, ...]:
    """The names of the entries of a Secret or ConfigMap that hold a private key."""
    if resource.kind not in {"Secret", "ConfigMap"}:
        return ()
    found = []
    for section in ("data", "stringData"):
        entries = resource.fields.get(section)
        for name, value in entries.items() if isinstance(entries, dict) else ():
            text = str(value)
            if section == "data" and resource.kind == "Secret":
                text = _decoded(text)
            if "PRIVATE KEY-----" in text:
                found.append(str(name))
    return tuple(found)


def _environment(value: Any) -> Iterator[str]:
    """The names of all environment variables below a value."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            variables = item.get("env")
            for variable in variables if isinstance(variables, list) else ():
                if isinstance(variable, dict):
                    yield str(variable.get("name"))
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
