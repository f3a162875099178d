"""Pod and service networks, the CNI, and the manifests that Talos fetches.

Source: the table of deprecated fields in the reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.migrate.draft import Draft, Fields, Moved, StaysError
from talos_resources.machineconfig.migrate.group import Group

_NETWORK: Final = "cluster.network"
_MANIFESTS: Final = "cluster.extraManifests"
_HEADERS: Final = "cluster.extraManifestHeaders"
_FLANNEL: Final = ("extraArgs", "kubeNetworkPoliciesEnabled")


def _network_forward(draft: Draft) -> None:
    section = draft.get(_NETWORK)
    if section is None and not draft.has_defaults:
        return
    section = section or {}
    fields = {
        "dnsDomain": section.get("dnsDomain") or defaults.DNS_DOMAIN,
        "podSubnets": _masked(section.get("podSubnets") or [defaults.POD_SUBNET], "podSubnets"),
        "serviceSubnets": _masked(section.get("serviceSubnets") or [defaults.SERVICE_SUBNET], "serviceSubnets"),
    }
    if len(fields["podSubnets"]) != len(fields["serviceSubnets"]) or len(fields["podSubnets"]) > 2:
        raise StaysError(_NETWORK, "KubeNetworkConfig takes one pod and one service network, or two of each")
    cni = section.get("cni") or {}
    name, urls = cni.get("name", "flannel"), list(cni.get("urls") or [])
    if name not in {"flannel", "none", "custom"}:
        raise StaysError(_NETWORK, f'cni.name "{name}" is none that Talos knows')
    if (name != "custom" and urls) or (name != "flannel" and cni.get("flannel")):
        raise StaysError(_NETWORK, f'cni has settings that do not belong to the CNI "{name}"')
    _check_urls(urls, f"{_NETWORK}.cni.urls")
    for key in ("dnsDomain", "podSubnets", "serviceSubnets"):
        draft.rename(f"{_NETWORK}.{key}", "KubeNetworkConfig", "", key)
    said = {key: value for key, value in fields.items() if section.get(key)}
    wanted = fields if draft.is_whole or (said and draft.is_translation and draft.role) else said
    if wanted:
        draft.put("KubeNetworkConfig", wanted)
    if draft.role == "worker":
        draft.gone(f"{_NETWORK}.cni")
    elif draft.is_whole or cni:
        _cni_forward(draft, cni, name, urls)
    draft.drop(_NETWORK)


def _cni_forward(draft: Draft, cni: Fields, name: str, urls: list[str]) -> None:
    path = f"{_NETWORK}.cni"
    if name == "flannel":
        draft.rename(path, "KubeFlannelCNIConfig")
        flannel = cni.get("flannel") or {}
        draft.put("KubeFlannelCNIConfig", {**defaults.FLANNEL_BACKEND, **{key: flannel[key] for key in _FLANNEL if key in flannel}})
    elif urls:
        for index, url in enumerate(urls):
            _put_manifest(draft, f"{path}.urls[{index}]", url, {})
        draft.moves.append(Moved(path, "KubeExternalManifestConfig", manifest_name(urls[0], set())))
    else:
        draft.gone(path)


def _network_backward(draft: Draft) -> None:
    network, flannel = draft.document("KubeNetworkConfig"), draft.document("KubeFlannelCNIConfig")
    says_none = draft.is_new_form and draft.is_whole and draft.get(_NETWORK) is None
    if network is None and flannel is None and not says_none:
        return
    section = {key: value for key, value in (network or {}).items() if key in {"dnsDomain", "podSubnets", "serviceSubnets"}}
    if flannel is not None:
        options = {key: flannel[key] for key in _FLANNEL if key in flannel}
        section["cni"] = {"name": "flannel", **({"flannel": options} if options else {})}
    elif draft.role != "worker":
        section["cni"] = {"name": "none"}
    draft.set(_NETWORK, {**section, **(draft.get(_NETWORK) or {})})
    for kind in ("KubeNetworkConfig", "KubeFlannelCNIConfig"):
        draft.remove(kind)


def _network_lost(draft: Draft) -> Iterator[str]:
    for key in draft.document("KubeNetworkConfig") or {}:
        if key.startswith("nodeCIDRMaskSize"):
            yield f"KubeNetworkConfig.{key}"
    flannel = draft.document("KubeFlannelCNIConfig")
    if flannel is None:
        return
    for key in ("backendType", "backendPort", "backendMTU", "backendExtraConfig", "resources"):
        if (flannel.get(key) or None) != defaults.FLANNEL_BACKEND.get(key):
            yield f"KubeFlannelCNIConfig.{key}"


def _manifests_forward(draft: Draft) -> None:
    urls, headers = draft.get(_MANIFESTS), draft.get(_HEADERS) or {}
    if not urls:
        return
    _check_urls(urls, _MANIFESTS)
    for index, url in enumerate(urls):
        _put_manifest(draft, f"{_MANIFESTS}[{index}]", url, headers)
    draft.move(_HEADERS, "KubeExternalManifestConfig", "headers", name=manifest_name(urls[0], set()))
    draft.drop(_MANIFESTS)


def _check_urls(urls: list[str], path: str) -> None:
    for url in urls:
        if not url.lower().startswith(("http://", "https://")):
            raise StaysError(path, f'"{url[:80]}" is no http or https URL')


def _put_manifest(draft: Draft, path: str, url: str, headers: Fields) -> None:
    taken = {fields.get("name", "") for _, fields in draft.of_kind("KubeExternalManifestConfig")}
    name = manifest_name(url, taken)
    draft.rename(path, "KubeExternalManifestConfig", name, "url")
    draft.put("KubeExternalManifestConfig", {"headers": dict(headers) or None, "url": url}, name=name)


def manifest_name(url: str, taken: set[str]) -> str:
    """A name for what a URL serves: its last part, and a number where that is taken."""
    try:
        last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    except ValueError:
        last = ""
    stem = re.sub(r"[^a-z0-9-]+", "-", re.sub(r"\.(ya?ml|json)$", "", last.lower())).strip("-")[:60] or "manifest"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _manifests_backward(draft: Draft) -> None:
    found = [fields for _, fields in draft.of_kind("KubeExternalManifestConfig")]
    if not found:
        return
    draft.set(_MANIFESTS, [*(draft.get(_MANIFESTS) or []), *(fields.get("url", "") for fields in found)])
    if found[0].get("headers"):
        draft.set(_HEADERS, dict(found[0]["headers"]))
    for fields in found:
        draft.remove("KubeExternalManifestConfig", fields.get("name", ""))


def _manifests_lost(draft: Draft) -> Iterator[str]:
    headers = [fields.get("headers") or {} for _, fields in draft.of_kind("KubeExternalManifestConfig")]
    if any(other != headers[0] for other in headers[1:]):
        yield "KubeExternalManifestConfig.headers (all manifests have the same ones)"


def _masked(subnets: list[Any], key: str) -> list[str]:
    try:
        return [str(ipaddress.ip_network(str(subnet), strict=False)) for subnet in subnets]
    except ValueError:
        raise StaysError(_NETWORK, f"{key} holds what is no network") from None


NETWORK_GROUPS: Final[tuple[Group, ...]] = (
    Group(
        name="networks and the CNI",
        sections=(_NETWORK,),
        kinds=("KubeNetworkConfig", "KubeFlannelCNIConfig"),
        forward=_network_forward,
        backward=_network_backward,
        lost=_network_lost,
        control_plane_paths=(f"{_NETWORK}.cni",),
    ),
    Group(
        name="manifests that are fetched",
        sections=(_MANIFESTS, _HEADERS),
        kinds=("KubeExternalManifestConfig",),
        forward=_manifests_forward,
        backward=_manifests_backward,
        lost=_manifests_lost,
        joins=True,
    ),
)
