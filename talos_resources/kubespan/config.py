"""What a machine configuration means for KubeSpan and discovery, and what is wrong with it.

Documents come decoded: plain mappings with the keys of their YAML. Source: Talos v1.12.3, KubeSpan
and discovery configuration; golden/kubespan/config.json.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from talos_resources.kubespan.affiliate import parse_filter
from talos_resources.kubespan.constants import DEFAULT_DISCOVERY_ENDPOINT, DEFAULT_MTU, MINIMUM_MTU
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import AddrPort
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.kubespan.config import KubeSpanConfig

Document = Mapping[str, Any]

_NOT_IN_HOSTS: Final = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%])")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def kubespan_config(machine_config: Document | None, endpoints: Iterable[str] = ()) -> KubeSpanConfig | None:
    """The KubeSpan settings of a node.

    Args:
        machine_config: the v1alpha1 document; None if there is none, and then there are no settings.
        endpoints: `extraAnnouncedEndpoints` of the KubeSpanEndpointsConfig document; an empty text is an empty endpoint.

    Raises:
        ConfigError: an extra endpoint that is none.
    """
    if machine_config is None:
        return None
    kubespan, cluster = _section(machine_config, "machine", "network", "kubespan"), _section(machine_config, "cluster")
    filters = _section(kubespan, "filters").get("endpoints")
    return KubeSpanConfig(
        enabled=bool(kubespan.get("enabled")),
        cluster_id=cluster.get("id") or "",
        shared_secret=cluster.get("secret") or "",
        force_routing=not kubespan.get("allowDownPeerBypass"),
        advertise_kubernetes_networks=bool(kubespan.get("advertiseKubernetesNetworks")),
        mtu=kubespan.get("mtu") or DEFAULT_MTU,
        endpoint_filters=None if filters is None else tuple(filters),
        harvest_extra_endpoints=bool(kubespan.get("harvestExtraEndpoints")),
        extra_endpoints=tuple(_endpoint(text) for text in endpoints),
    )


def discovery_config(machine_config: Document | None) -> DiscoveryConfig | None:
    """The discovery settings of a node; None if there is no v1alpha1 document.

    Raises:
        ConfigError: the service's endpoint is no URL, or the cluster secret no base64; the secret is never shown.
    """
    if machine_config is None:
        return None
    cluster = _section(machine_config, "cluster")
    discovery = _section(cluster, "discovery")
    if not discovery.get("enabled"):
        return DiscoveryConfig()
    kubernetes = not _section(discovery, "registries", "kubernetes").get("disabled")
    service = _section(discovery, "registries", "service")
    if service.get("disabled"):
        return DiscoveryConfig(discovery_enabled=True, registry_kubernetes_enabled=kubernetes)
    scheme, host, _ = _split(_service_endpoint(service))
    try:
        key = base64.b64decode(cluster.get("secret") or "", validate=True)
    except ValueError:  # binascii.Error, or text that is not ASCII
        msg = "cluster.secret is no base64; `gen secrets` makes one"
        raise ConfigError(msg) from None
    return DiscoveryConfig(
        discovery_enabled=True,
        registry_kubernetes_enabled=kubernetes,
        registry_service_enabled=True,
        service_endpoint=host if _has_port(host) else f"{host}:{80 if scheme == 'http' else 443}",
        service_endpoint_insecure=scheme == "http",
        service_encryption_key=key,
        service_cluster_id=cluster.get("id") or "",
    )


def faults(machine_config: Document) -> list[str]:
    """What Talos finds wrong with discovery and KubeSpan in a v1alpha1 document, in its words and order."""
    cluster = _section(machine_config, "cluster")
    found = list(_discovery_faults(cluster))
    network = _section(machine_config, "machine").get("network")
    kubespan = _section(machine_config, "machine", "network", "kubespan")
    if not kubespan.get("enabled"):
        return found
    if network is not None and (kubespan.get("mtu") or DEFAULT_MTU) < MINIMUM_MTU:
        found.append(f"kubespan link MTU must be at least {MINIMUM_MTU}")
    if not _section(cluster, "discovery").get("enabled"):
        found.append(".cluster.discovery should be enabled when .machine.network.kubespan is enabled")
    found += [f".cluster.{key} should be set when .machine.network.kubespan is enabled" for key in ("id", "secret") if not cluster.get(key)]
    for text in _section(kubespan, "filters").get("endpoints") or ():
        try:
            parse_filter(text)
        except ConfigError:
            found.append(f'KubeSpan endpoint filer is not valid: "{text.removeprefix("!")}"')
    return found


def _discovery_faults(cluster: Document) -> Iterable[str]:
    discovery = _section(cluster, "discovery")
    service = _section(discovery, "registries", "service")
    if not discovery.get("enabled") or service.get("disabled"):
        return
    try:
        _, _, path = _split(_service_endpoint(service))
    except ConfigError as error:
        yield f"cluster discovery service registry endpoint is invalid: {error}"
    else:
        if path not in ("", "/"):
            yield "cluster discovery service path should be empty"
    for key in ("id", "secret"):
        if not cluster.get(key):
            yield f"cluster discovery service requires .cluster.{key}"


def _service_endpoint(service: Document) -> str:
    return service.get("endpoint") or DEFAULT_DISCOVERY_ENDPOINT


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path, as Go reads a request URI: what has no `//` after its scheme has no host.

    Raises:
        ConfigError: no URL, in Go's words.
    """
    scheme = _SCHEME.match(url)
    if scheme is None and not url.startswith("/"):
        msg = f'parse "{url}": invalid URI for request'
        raise ConfigError(msg)
    if scheme is None:
        return "", "", url
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        msg = f'parse "{url}": invalid host or port'
        raise ConfigError(msg) from None
    host = parts.netloc.rpartition("@")[2]
    strange = _NOT_IN_HOSTS.search(host)
    if strange is not None:
        msg = f'parse "{url}": invalid character {json.dumps(strange[0])} in host name'
        raise ConfigError(msg)
    return parts.scheme, host, parts.path if host else ""


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and ("]:" in host or host.count(":") == 1)


def _endpoint(text: str) -> AddrPort | None:
    try:
        return AddrPort.parse(text) if text else None
    except ValueError as error:
        msg = f"extraAnnouncedEndpoints: {error}"
        raise ConfigError(msg) from None


def _section(document: Document, *keys: str) -> Document:
    """A mapping within a mapping; an empty one where there is none."""
    for key in keys:
        document = document.get(key) or {}
    return document
