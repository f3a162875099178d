"""What a new cluster's configuration is made from, and the checks of what the user gives."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import attrs
from immutabledict import immutabledict

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.schema import urls
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, NEWEST, Contract

MachineRole = Literal["init", "controlplane", "worker"]
_KUBERNETES_PORT: Final = 6443
_USER: Final = re.compile(r"//[^/]*@")


@attrs.frozen(kw_only=True)
class GenOptions:
    """What `gen config` asks for; the defaults are those of the newest talosctl that we know.

    Attributes:
        cluster_name: any text.
        endpoint: the URL of the Kubernetes API, checked by `check_endpoint`.
        kubernetes_version: with or without a `v`; empty leaves the images to Talos.
        contract: the Talos version to write for.
        dns_domain: of the cluster.
        additional_sans: more names for the certificates of the Talos and the Kubernetes API.
        install_disk: empty leaves the disk out.
        install_image: the installer's image.
        registry_mirrors: the URLs to ask instead of a registry, by registry host.
        kubespan: switch KubeSpan on.
        discovery: let the members find each other; KubeSpan needs it.
        persist: keep the configuration on the node's disk.
        skip_kubernetes: neither Kubernetes nor etcd; only from the contract v1.14 on.
    """

    cluster_name: str
    endpoint: str
    kubernetes_version: str = NEWEST.gen.kubernetes_version
    contract: Contract = CURRENT
    dns_domain: str = defaults.DNS_DOMAIN
    additional_sans: tuple[str, ...] = ()
    install_disk: str = "/dev/sda"
    install_image: str = NEWEST.gen.installer_image
    registry_mirrors: Mapping[str, tuple[str, ...]] = immutabledict()
    kubespan: bool = False
    discovery: bool = True
    persist: bool = True
    skip_kubernetes: bool = False

    def document(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A document of this kind as plain values."""
        return {"apiVersion": "v1alpha1", "kind": kind, **fields}

    def mirror_documents(self) -> list[dict[str, Any]]:
        """The fields of a RegistryMirrorConfig for each registry, sorted.

        Raises:
            ConfigError: a mirror is no URL.
        """
        found = sorted(self.registry_mirrors.items())
        return [{"name": name, "endpoints": [{"url": _mirror(name, url)} for url in mirrors]} for name, mirrors in found]

    def image(self, repository: str) -> dict[str, str]:
        """The `image` key of a Kubernetes component; nothing without a version."""
        version = self.kubernetes_version.removeprefix("v")
        return {"image": f"{repository}:v{version}"} if version else {}

    @property
    def endpoint_host(self) -> str:
        """The host name or address of the endpoint, without brackets."""
        return urls.parse(self.endpoint).hostname


def check_endpoint(endpoint: str) -> str:
    """The URL of a Kubernetes API as Go writes it back.

    Raises:
        ConfigError: it says what is wrong and which URL was probably meant.
    """
    text, endpoint = endpoint, _USER.sub("//", endpoint)  # what may be a password is in no message
    scheme, separator, rest = endpoint.partition("://")
    if not separator:
        raise ConfigError(f'the endpoint "{endpoint}" has no scheme; try "https://{_with_port(endpoint)}"')
    if scheme.lower() != "https":
        raise ConfigError(f'the endpoint "{endpoint}" should have scheme https://; try "https://{_with_port(rest)}"')
    if _is_ipv6(rest.partition("/")[0]):
        raise ConfigError(f'the endpoint "{endpoint}" needs brackets around its IPv6 address; try "https://{_with_port(rest)}"')
    try:
        url = urls.parse(text)
    except ValueError as error:
        raise ConfigError(f'the endpoint "{endpoint}" is no URL: {error}; write it as https://HOST:6443') from None
    if not url.hostname:
        raise ConfigError(f'the endpoint "{endpoint}" has no host name; write it as https://HOST:6443')
    if fault := urls.endpoint_fault(text):
        raise ConfigError(f'the endpoint "{endpoint}" has no valid port: {fault}')
    return str(url)


def parse_mirrors(specs: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Read `REGISTRY=URL` texts; several of one registry are asked in their order.

    Raises:
        ConfigError: one has no `=`.
    """
    mirrors: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        registry, separator, url = spec.partition("=")
        if not separator:
            raise ConfigError(f'invalid registry mirror spec "{spec}"; write it as docker.io=https://mirror.example.org')
        mirrors[registry] = (*mirrors.get(registry, ()), url)
    return immutabledict(mirrors)


def _mirror(registry: str, url: str) -> str:
    try:
        return urls.canonical(url)
    except ValueError as error:
        raise ConfigError(f"the mirror of {registry} is no URL: {error}; write it as {registry}=https://HOST") from None


def _with_port(host: str) -> str:
    if _is_ipv6(host):
        return f"[{host}]:{_KUBERNETES_PORT}"
    return host if ":" in host.rpartition("]")[2] else f"{host}:{_KUBERNETES_PORT}"


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False
