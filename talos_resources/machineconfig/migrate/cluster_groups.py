"""What concerns the cluster as a whole: identity, discovery, KubeSpan, names, host DNS.

Source: the table of deprecated fields in the reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from talos_resources.machineconfig.defaults import DISCOVERY_ENDPOINT, KUBE_PRISM_PORT
from talos_resources.machineconfig.kubespan_patch import SMALLEST_MTU
from talos_resources.machineconfig.migrate.draft import Draft, Fields, StaysError
from talos_resources.machineconfig.migrate.group import FieldsRule, Group, Move
from talos_resources.machineconfig.pem import decoded
from talos_resources.machineconfig.validate.report import is_filter
from talos_resources.releases import Contract

_KUBESPAN: Final = "machine.network.kubespan"
_DISCOVERY: Final = "cluster.discovery"
_HOSTNAME: Final = "machine.network.hostname"
_STABLE: Final = "machine.features.stableHostname"


def _check_identity(draft: Draft, fields: Fields) -> None:
    if _asks_service(draft.get(_DISCOVERY) or {}):
        raise StaysError("cluster.id", f"{_DISCOVERY} stays, and Talos looks for both in one place")
    try:
        size = len(decoded(fields.get("clusterSecret", "")))
    except ValueError:
        size = 0
    if size != 32:
        raise StaysError("cluster.secret", "DiscoveryIdentityConfig takes standard base64 of 32 bytes")


def _check_kubespan(_: Draft, fields: Fields) -> None:
    """A document is looked at also while KubeSpan is off, a section is not."""
    if fields.get("mtu") is not None and fields["mtu"] < SMALLEST_MTU:
        raise StaysError(_KUBESPAN, f"KubeSpanConfig takes no MTU below {SMALLEST_MTU}")
    for text in (fields.get("filters") or {}).get("endpoints") or ():
        if not is_filter(text):
            raise StaysError(_KUBESPAN, f'KubeSpanConfig takes no filter "{text[:80]}"')


def _asks_service(section: Fields) -> bool:
    """Whether members are found through a service by the section's word."""
    return bool(section.get("enabled")) and not section.get("registries", {}).get("service", {}).get("disabled")


def _discovery_forward(draft: Draft) -> None:
    section = draft.get(_DISCOVERY)
    if section is None:
        return
    registries = section.get("registries", {})
    if not section.get("enabled"):
        draft.gone(_DISCOVERY)
        return
    # A patch that just switches discovery on means the service: nothing else is left to be switched on.
    if not registries.get("kubernetes", {}).get("disabled", draft.is_translation):
        raise StaysError(_DISCOVERY, "the Kubernetes registry has no successor; switch it off (registries.kubernetes.disabled: true)")
    service = registries.get("service", {})
    if service.get("disabled"):
        draft.gone(_DISCOVERY)
        return
    endpoint = service.get("endpoint") or DISCOVERY_ENDPOINT
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https", "grpc"} or not parts.hostname:
        raise StaysError(_DISCOVERY, "the endpoint is no http, https or grpc URL with a host")
    draft.move(f"{_DISCOVERY}.registries.service.endpoint", "DiscoveryServiceConfig", "endpoint", name="default")
    draft.move(_DISCOVERY, "DiscoveryServiceConfig", name="default")
    draft.put("DiscoveryServiceConfig", {"endpoint": endpoint}, name="default")


def _discovery_backward(draft: Draft) -> None:
    found = [fields for _, fields in draft.of_kind("DiscoveryServiceConfig")]
    if not found:
        if draft.is_new_form and draft.is_whole and draft.get(_DISCOVERY) is None:
            draft.set(_DISCOVERY, {"enabled": False, "registries": {"kubernetes": {"disabled": True}}})
        return
    endpoint = found[0].get("endpoint", "")
    service = {"endpoint": endpoint} if endpoint and endpoint != DISCOVERY_ENDPOINT else {}
    draft.set(_DISCOVERY, {"enabled": True, "registries": {"kubernetes": {"disabled": True}, "service": service}})
    for fields in found:
        draft.remove("DiscoveryServiceConfig", fields.get("name", ""))


def _discovery_lost(draft: Draft) -> Iterator[str]:
    names = [fields.get("name", "") for _, fields in draft.of_kind("DiscoveryServiceConfig")]
    yield from (f"DiscoveryServiceConfig/{name} (there is only one service)" for name in names[1:])


def _hostname_forward(draft: Draft) -> None:
    name, stable = draft.get(_HOSTNAME), draft.get(_STABLE)
    if name:
        draft.move(_HOSTNAME, "HostnameConfig", "hostname")
        draft.gone(_STABLE)
        draft.put("HostnameConfig", {"hostname": name})
    elif stable:
        draft.move(_STABLE, "HostnameConfig", "auto")
        draft.put("HostnameConfig", {"auto": "stable"})


def _hostname_backward(draft: Draft) -> None:
    fields = draft.document("HostnameConfig")
    if fields is None:
        return
    if fields.get("hostname"):
        draft.set(_HOSTNAME, fields["hostname"])
    elif fields.get("auto") == "stable":
        draft.set(_STABLE, True)
    draft.remove("HostnameConfig")


def _addresses_to_new(values: list[Any]) -> list[Fields]:
    return [{"address": value} for value in values]


def _addresses_to_old(values: list[Fields]) -> list[str]:
    return [value.get("address", "") for value in values]


def _resolver_lost(draft: Draft) -> Iterator[str]:
    for server in (draft.document("ResolverConfig") or {}).get("nameservers") or []:
        if set(server) - {"address"}:
            yield "ResolverConfig.nameservers (protocols)"


def _partly(group: Group, kind: str, fields: tuple[str, ...], since: Contract | None = None) -> Group:
    """A group that is only a part of its document: the way back leaves the rest there."""

    def backward(draft: Draft) -> None:
        document = draft.document(kind)
        if document is None or not any(key in document for key in fields):
            return
        rest = {key: value for key, value in document.items() if key not in fields}
        draft.remove(kind)
        draft.documents.append((kind, {key: document[key] for key in fields if key in document}))
        group.backward(draft)
        if set(rest) - {"apiVersion", "kind", "name"}:
            draft.documents.append((kind, rest))

    return attrs.evolve(group, backward=backward, lost=_resolver_lost, fields=fields, since=since)


_RESOLVER: Final = _partly(
    FieldsRule(
        kind="ResolverConfig",
        moves=(
            Move("machine.network.nameservers", "nameservers", _addresses_to_new, _addresses_to_old),
            Move("machine.network.searchDomains", "searchDomains.domains"),
            Move("machine.network.disableSearchDomain", "searchDomains.disableDefault"),
        ),
    ).group("resolvers"),
    "ResolverConfig",
    ("nameservers", "searchDomains"),
)
_HOST_DNS: Final = _partly(
    FieldsRule(
        kind="ResolverConfig",
        moves=tuple(
            Move(f"machine.features.hostDNS.{key}", f"hostDNS.{key}") for key in ("enabled", "forwardKubeDNSToHost", "resolveMemberNames")
        ),
        sections=("machine.features.hostDNS",),
    ).group("host DNS"),
    "ResolverConfig",
    ("hostDNS",),
    Contract(1, 14),
)


def _hosts_forward(draft: Draft) -> None:
    entries = draft.get("machine.network.extraHostEntries")
    if not entries:
        return
    taken = [fields.get("name") for _, fields in draft.of_kind("StaticHostConfig")]
    if len({*taken, *(entry.get("ip") for entry in entries)}) < len(entries) + len(taken):
        raise StaysError("machine.network.extraHostEntries", "an address is there twice, and StaticHostConfig has one document each")
    for index, entry in enumerate(entries):
        draft.rename(f"machine.network.extraHostEntries[{index}]", "StaticHostConfig", entry.get("ip", ""))
        draft.put("StaticHostConfig", {"hostnames": list(entry.get("aliases") or [])}, name=entry.get("ip", ""))
    draft.drop("machine.network.extraHostEntries")


def _hosts_backward(draft: Draft) -> None:
    found = [fields for _, fields in draft.of_kind("StaticHostConfig")]
    if found:
        old = [{"ip": fields.get("name", ""), "aliases": fields.get("hostnames", [])} for fields in found]
        draft.set("machine.network.extraHostEntries", [*(draft.get("machine.network.extraHostEntries") or []), *old])
        for fields in found:
            draft.remove("StaticHostConfig", fields.get("name", ""))


def _prism_port(_: Draft, fields: Fields) -> None:
    fields.setdefault("port", KUBE_PRISM_PORT)


CLUSTER_GROUPS: Final[tuple[Group, ...]] = (
    Group(
        name="discovery",
        sections=(_DISCOVERY,),
        kinds=("DiscoveryServiceConfig",),
        forward=_discovery_forward,
        backward=_discovery_backward,
        lost=_discovery_lost,
    ),
    FieldsRule(
        kind="DiscoveryIdentityConfig",
        moves=(Move("cluster.id", "clusterID"), Move("cluster.secret", "clusterSecret")),
        required=("clusterID", "clusterSecret"),
        check=_check_identity,
    ).group("the cluster's identity"),
    _RESOLVER,
    _HOST_DNS,
    Group(
        name="static hosts",
        sections=("machine.network.extraHostEntries",),
        kinds=("StaticHostConfig",),
        forward=_hosts_forward,
        backward=_hosts_backward,
        lost=lambda _: iter(()),
        joins=True,
    ),
    Group(
        name="the host's name",
        sections=(_HOSTNAME, _STABLE),
        kinds=("HostnameConfig",),
        forward=_hostname_forward,
        backward=_hostname_backward,
        lost=lambda _: iter(()),
    ),
    FieldsRule(
        kind="KubeSpanConfig",
        moves=tuple(
            Move(f"{_KUBESPAN}.{key}", key)
            for key in (
                "enabled",
                "advertiseKubernetesNetworks",
                "allowDownPeerBypass",
                "harvestExtraEndpoints",
                "mtu",
                "filters.endpoints",
                "filters.excludeAdvertisedNetworks",
            )
        ),
        sections=(_KUBESPAN,),
        check=_check_kubespan,
    ).group("KubeSpan"),
    FieldsRule(
        kind="KubePrismConfig",
        moves=(Move("machine.features.kubePrism.port", "port"),),
        sections=("machine.features.kubePrism",),
        switch="machine.features.kubePrism.enabled",
        check=_prism_port,
    ).group("KubePrism"),
)
