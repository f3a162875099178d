"""Topics of the cluster: discovery, identity, networks, CNI and manifests."""

from __future__ import annotations

import ipaddress
from typing import Any

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.meaning.reader import Reader, pruned


def discovery(reader: Reader) -> Any:
    """The services that members find each other by."""
    services = [fields.get("endpoint") for fields in reader.documents("DiscoveryServiceConfig").values()]
    section = reader.section("cluster.discovery")
    if not section.get("enabled"):
        return services
    registries = section.get("registries", {})
    service = registries.get("service", {})
    if not service.get("disabled"):
        services.append(service.get("endpoint") or defaults.DISCOVERY_ENDPOINT)
    return services if registries.get("kubernetes", {}).get("disabled") else [*services, "the Kubernetes registry"]


def identity(reader: Reader) -> Any:
    """What the cluster is told from others by."""
    document = reader.document("DiscoveryIdentityConfig") or {}
    old = {"clusterID": reader.draft.drop("cluster.id"), "clusterSecret": reader.draft.drop("cluster.secret")}
    return {key: old[key] or document.get(key) for key in old}


def cluster(reader: Reader) -> Any:
    """Its name, and where its API is."""
    document = reader.document("KubeClusterConfig") or {}
    name = reader.draft.drop("cluster.clusterName") or document.get("clusterName")
    section = reader.section("cluster.controlPlane")
    return {"name": name, "endpoint": section.pop("endpoint", None) or document.get("endpoint"), **section}


def network(reader: Reader) -> Any:
    """The networks of pods and services."""
    document = reader.document("KubeNetworkConfig")
    section = reader.draft.get("cluster.network")
    keys = ("dnsDomain", "podSubnets", "serviceSubnets")
    old = {key: reader.draft.drop(f"cluster.network.{key}") for key in keys}
    if document is not None:
        return {**document, "dnsDomain": document.get("dnsDomain") or defaults.DNS_DOMAIN}
    if section is None and not reader.whole_old:
        return None
    if not reader.whole_old and not reader.has_network:
        return {**old, "dnsDomain": old["dnsDomain"] or None, **{key: _networks(old[key]) for key in keys[1:]}}
    return {
        "dnsDomain": old["dnsDomain"] or defaults.DNS_DOMAIN,
        "podSubnets": _networks(old["podSubnets"] or [defaults.POD_SUBNET]),
        "serviceSubnets": _networks(old["serviceSubnets"] or [defaults.SERVICE_SUBNET]),
    }


def _networks(subnets: Any) -> Any:
    try:
        return [str(ipaddress.ip_network(str(subnet), strict=False)) for subnet in subnets or []]
    except ValueError:
        return subnets


def cni(reader: Reader) -> Any:
    """With its manifests: a custom CNI is none, and manifests that are fetched."""
    flannel = reader.document("KubeFlannelCNIConfig")
    external = [[fields.get("url"), fields.get("headers")] for fields in reader.documents("KubeExternalManifestConfig").values()]
    urls, headers = reader.section("cluster.extraManifests") or [], reader.section("cluster.extraManifestHeaders")
    is_said = reader.has("cluster.network.cni") or reader.whole_old or reader.has_network
    cni = reader.section("cluster.network.cni")
    name = cni.pop("name", "flannel")
    custom = [] if reader.role == "worker" else cni.pop("urls", None) or []
    old = {**defaults.FLANNEL_BACKEND, **(cni.pop("flannel", None) or {})} if name == "flannel" else {"name": name, **cni}
    fetched = sorted(map(pruned, [*([url, None] for url in custom), *([url, headers] for url in urls), *external]), key=str)
    if reader.role == "worker":
        return {"fetched": fetched}
    if flannel is not None:
        return {"flannel": flannel, "fetched": fetched}
    if not is_said:
        return {"fetched": fetched}
    if name in {"none", "custom"} and not cni:
        return {"fetched": fetched}
    return {"flannel": old, "fetched": fetched}


def inline(reader: Reader) -> Any:
    """The manifests that are in the configuration, by name."""
    found = [[name, fields.get("manifest")] for name, fields in reader.documents("KubeInlineManifestConfig").items()]
    old = reader.section("cluster.inlineManifests") or []
    return sorted([*found, *([entry.get("name"), entry.get("contents", "")] for entry in old)], key=str)


def prism(reader: Reader) -> Any:
    """The port of KubePrism, while it is on."""
    document, section = reader.document("KubePrismConfig"), reader.section("machine.features.kubePrism")
    if document is not None:
        return document
    return {"port": section.get("port") or defaults.KUBE_PRISM_PORT} if section.get("enabled") else None
