"""What manifests and configurations say about the CNI, read once for all rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from talos_resources.machineconfig.cilium.manifest import KubernetesResource
from talos_resources.machineconfig.cilium.subject import Manifest, Subject

_CONFIG_MAP: Final = ("ConfigMap", "cilium-config")
_FOREIGN_NETWORKS: Final = ("cilium", "calico")
_CALICO_OPERATOR: Final = ("Installation", "operator.tigera.io")
"""What Calico's operator is asked by: kind and API group."""

_API_HOST: Final = "KUBERNETES_SERVICE_HOST"
_API_PORT: Final = "KUBERNETES_SERVICE_PORT"
_SYS_MODULE: Final = "SYS_MODULE"
_MOUNTER: Final = "mount-cgroup"
"""The init container that mounts cgroup2, in every chart."""
_STRICT_WORDS: Final = frozenset({"strict", "true"})


@attrs.frozen(kw_only=True)
class CiliumFacts:
    """What is known about Cilium.

    Attributes:
        manifests: those that hold Cilium.
        config: the data of its ConfigMap, empty where there is none.
        strict: whether it replaces kube-proxy; None if nothing tells.
        dials_api: whether its agents are told the address of the API; None without an agent.
        api_host, api_port: that address; empty where none is told.
        loads_modules: the containers that ask for SYS_MODULE.
        mounts_cgroups: it mounts cgroup2 by itself.
    """

    manifests: tuple[Manifest, ...]
    config: Mapping[str, str]
    strict: bool | None
    dials_api: bool | None
    api_host: str = ""
    api_port: str = ""
    loads_modules: tuple[str, ...] = ()
    mounts_cgroups: bool = False

    @property
    def tunnels(self) -> bool | None:
        """Whether pod traffic between nodes is wrapped; None if nothing tells. Charts before 1.14 said `tunnel`."""
        mode, tunnel = self.config.get("routing-mode"), self.config.get("tunnel")
        if mode is None and tunnel is None:
            return None
        return mode == "tunnel" if mode is not None else tunnel != "disabled"

    @property
    def routes_by_ebpf(self) -> bool:
        """Whether traffic of the host goes around its own network stack.

        Cilium does so by itself where it replaces kube-proxy and masquerades by eBPF, unless told not to.
        """
        return bool(self.strict) and self.goes_around_the_host

    @property
    def goes_around_the_host(self) -> bool:
        """Whether eBPF masquerades and the host's own network stack is not asked first."""
        return self.masquerades_by_ebpf and self.config.get("enable-host-legacy-routing") != "true"

    @property
    def masquerades_by_ebpf(self) -> bool:
        """Whether it is told to hide pod addresses by eBPF, which works only where it replaces kube-proxy."""
        return self.config.get("enable-bpf-masquerade") == "true"

    @property
    def serves_node_ports(self) -> bool:
        """Whether its eBPF serves node ports: it replaces kube-proxy, or is told to."""
        return self.strict is not False or self.config.get("enable-node-port") == "true"

    def says(self, *keys: str) -> tuple[str, ...]:
        """What the ConfigMap has under these keys, as it stands there, or that it has nothing."""
        return tuple(
            f"cilium-config has {key}: {self.config[key]}" if key in self.config else f"cilium-config has no {key}" for key in keys
        )

    @property
    def mtu(self) -> int | None:
        """The MTU of the network below that Cilium is told; None where it looks for itself."""
        text = self.config.get("mtu", "")
        return int(text) if text.isdecimal() and int(text) > 0 else None


def cilium_facts(subject: Subject) -> CiliumFacts:
    """Read what the manifests say about Cilium."""
    manifests = tuple(manifest for manifest in subject.manifests if is_cilium(manifest))
    config: dict[str, str] = {}
    dials: bool | None = None
    environment: dict[str, str] = {}
    modules: list[str] = []
    mounts = False
    for manifest in manifests:
        found = manifest.find(*_CONFIG_MAP)
        if found is not None:
            data = found.fields.get("data")
            config.update({str(key): _word(value) for key, value in data.items()} if isinstance(data, dict) else {})
        agent = manifest.find("DaemonSet", "cilium")
        if agent is not None:
            environment |= dict(_environment(agent.fields))
            dials = _API_HOST in environment
            containers = list(_containers(agent.fields))
            modules += [name for name, container in containers if _SYS_MODULE in _added(container)]
            mounts = mounts or any(name == _MOUNTER for name, _ in containers)
    replacement = config.get("kube-proxy-replacement")
    strict = replacement in _STRICT_WORDS if replacement is not None else None
    return CiliumFacts(
        manifests=manifests,
        config=config,
        strict=strict if subject.strict is None else subject.strict,
        dials_api=dials,
        api_host=environment.get(_API_HOST, ""),
        api_port=environment.get(_API_PORT, ""),
        loads_modules=tuple(modules),
        mounts_cgroups=mounts,
    )


def is_cilium(manifest: Manifest) -> bool:
    """Whether a manifest installs Cilium."""
    return any((resource.kind, resource.name) in {_CONFIG_MAP, ("DaemonSet", "cilium")} for resource in manifest.resources)


def foreign_network(subject: Subject, urls: list[str]) -> str | None:
    """The CNI that hands out pod addresses by itself: `Cilium` or `Calico`; None where neither shows nor is assumed.

    Args:
        subject: its manifests are looked at.
        urls: of manifests that Talos fetches.
    """
    return shown_network(subject, urls) or ("Cilium" if subject.assume_cilium else None)


def shown_network(subject: Subject, urls: list[str]) -> str | None:
    """The same as far as the manifests and their addresses show it, without assuming any."""
    return _named((*(name for manifest in subject.manifests for name in _networks(manifest)), *urls))


def installed_network(manifest: Manifest) -> str | None:
    """The CNI that a manifest installs: `Cilium` or `Calico`; None for neither."""
    return "Cilium" if is_cilium(manifest) else _named(_networks(manifest))


def _networks(manifest: Manifest) -> list[str]:
    """The names of what runs on every node, and of the operator's resource that asks for it."""
    return [
        resource.name if resource.kind == "DaemonSet" else resource.api_version
        for resource in manifest.resources
        if resource.kind == "DaemonSet" or (resource.kind, resource.api_version.partition("/")[0]) == _CALICO_OPERATOR
    ]


def _named(texts: Iterable[str]) -> str | None:
    lowered = [text.lower() for text in texts]
    return next((word.capitalize() for word in _FOREIGN_NETWORKS if any(word in text for text in lowered)), None) or (
        "Calico" if any(text.startswith(_CALICO_OPERATOR[1]) for text in lowered) else None
    )


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


def _environment(value: Any) -> Iterator[tuple[str, str]]:
    """The environment variables below a value, with the text that they are set to."""
    for item in _mappings(value):
        variables = item.get("env")
        for variable in variables if isinstance(variables, list) else ():
            if isinstance(variable, dict):
                yield str(variable.get("name")), str(variable.get("value", ""))


def _containers(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The containers below a value, those that only prepare included, by their names."""
    for item in _mappings(value):
        for key in ("initContainers", "containers"):
            found = item.get(key)
            for container in found if isinstance(found, list) else ():
                if isinstance(container, dict):
                    yield str(container.get("name")), container


def _added(container: dict[str, Any]) -> list[str]:
    """The capabilities that a container asks for."""
    context = container.get("securityContext")
    capabilities = context.get("capabilities") if isinstance(context, dict) else None
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    return [str(name).removeprefix("CAP_") for name in added] if isinstance(added, list) else []


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings of a value, the value included."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
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
