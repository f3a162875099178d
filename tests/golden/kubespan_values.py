"""Values of the recorded KubeSpan cases: from their JSON to ours and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from talos_resources.kubespan.wireguard import PeerReading
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix, format_address, parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliate, MachineType
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.member import Member
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState

T = TypeVar("T")
Plain = dict[str, Any]


def _maybe(parse: Callable[[str], T], text: str | None) -> T | None:
    return parse(text) if text else None


def _every(parse: Callable[[str], T], texts: Iterable[str] | None) -> tuple[T | None, ...]:
    return tuple(_maybe(parse, text) for text in texts or ())


def prefixes(texts: Iterable[str]) -> tuple[IPPrefix, ...]:
    return tuple(IPPrefix.parse(text) for text in texts)


def text(value: Any) -> str:
    return "" if value is None else str(value)


def address_text(value: IPAddress | None) -> str:
    return "" if value is None else format_address(value)


def affiliate(plain: Plain) -> Affiliate:
    kubespan = plain["kubespan"]
    announced = KubeSpanAffiliate(
        public_key=kubespan["publicKey"],
        address=_maybe(parse_address, kubespan["address"]),
        additional_addresses=_every(IPPrefix.parse, kubespan["additionalAddresses"]),
        endpoints=_every(AddrPort.parse, kubespan["endpoints"]),
        exclude_advertised_networks=_every(IPPrefix.parse, kubespan.get("excludeAdvertisedNetworks")),
    )
    port = plain["controlPlane"] and plain["controlPlane"]["port"]
    return Affiliate(
        node_id=plain["nodeId"],
        addresses=_every(parse_address, plain["addresses"]),
        hostname=plain["hostname"],
        nodename=plain["nodename"],
        operating_system=plain["operatingSystem"],
        machine_type=MachineType(plain["machineType"]),
        kubespan=None if announced == KubeSpanAffiliate() else announced,
        control_plane=None if port is None else ControlPlane(port=port),
    )


def affiliate_plain(id: str, value: Affiliate) -> Plain:
    kubespan = value.kubespan or KubeSpanAffiliate()
    return {
        **member_plain(id, value),
        "nodename": value.nodename,
        "kubespan": {
            "publicKey": kubespan.public_key,
            "address": address_text(kubespan.address),
            "additionalAddresses": [text(item) for item in kubespan.additional_addresses],
            "endpoints": [text(item) for item in kubespan.endpoints],
            "excludeAdvertisedNetworks": [text(item) for item in kubespan.exclude_advertised_networks],
        },
    }


def member_plain(id: str, value: Member | Affiliate) -> Plain:
    return {
        "id": id,
        "nodeId": value.node_id,
        "addresses": [address_text(item) for item in value.addresses],
        "hostname": value.hostname,
        "machineType": str(value.machine_type),
        "operatingSystem": value.operating_system,
        "controlPlane": None if value.control_plane is None else {"port": value.control_plane.port},
    }


def config(plain: Plain) -> KubeSpanConfig:
    filters = plain.get("endpointFilters")
    return KubeSpanConfig(
        enabled=plain.get("enabled", False),
        cluster_id=plain.get("clusterId", ""),
        shared_secret=plain.get("sharedSecret", ""),
        force_routing=plain.get("forceRouting", False),
        advertise_kubernetes_networks=plain.get("advertiseKubernetesNetworks", False),
        mtu=plain.get("mtu", 0),
        endpoint_filters=None if filters is None else tuple(filters),
        harvest_extra_endpoints=plain.get("harvestExtraEndpoints", False),
        extra_endpoints=_every(AddrPort.parse, plain.get("extraEndpoints")),
        exclude_advertised_networks=_every(IPPrefix.parse, plain.get("excludeAdvertisedNetworks")),
    )


def config_plain(id: str, namespace: str, value: KubeSpanConfig) -> Plain:
    excluded = value.exclude_advertised_networks
    return {
        "id": id,
        "namespace": namespace,
        "enabled": value.enabled,
        "clusterId": value.cluster_id,
        "sharedSecret": value.shared_secret,
        "forceRouting": value.force_routing,
        "advertiseKubernetesNetworks": value.advertise_kubernetes_networks,
        "mtu": value.mtu,
        "endpointFilters": None if value.endpoint_filters is None else list(value.endpoint_filters),
        "harvestExtraEndpoints": value.harvest_extra_endpoints,
        "extraEndpoints": [text(item) for item in value.extra_endpoints],
        "excludeAdvertisedNetworks": None if excluded is None else [text(item) for item in excluded],
    }


def discovery_plain(id: str, namespace: str, value: DiscoveryConfig) -> Plain:
    return {
        "id": id,
        "namespace": namespace,
        "discoveryEnabled": value.discovery_enabled,
        "registryKubernetesEnabled": value.registry_kubernetes_enabled,
        "registryServiceEnabled": value.registry_service_enabled,
        "serviceEndpoint": value.service_endpoint,
        "serviceEndpointInsecure": value.service_endpoint_insecure,
        "serviceClusterID": value.service_cluster_id,
        "serviceEndpoints": [{"name": one.name, "endpoint": one.endpoint, "insecure": one.insecure} for one in value.service_endpoints]
        or None,
    }


def identity(plain: Plain) -> KubeSpanIdentity:
    return KubeSpanIdentity(
        address=_maybe(IPPrefix.parse, plain["address"]),
        subnet=_maybe(IPPrefix.parse, plain["subnet"]),
        private_key=plain.get("privateKey", ""),
        public_key=plain["publicKey"],
    )


def identity_plain(value: KubeSpanIdentity) -> Plain:
    return {
        "address": text(value.address),
        "subnet": text(value.subnet),
        "privateKey": value.private_key,
        "publicKey": value.public_key,
    }


def peer_spec(plain: Plain) -> KubeSpanPeerSpec:
    return KubeSpanPeerSpec(
        address=_maybe(parse_address, plain["address"]),
        allowed_ips=_every(IPPrefix.parse, plain["allowedIPs"]),
        endpoints=_every(AddrPort.parse, plain["endpoints"]),
        label=plain["label"],
    )


def peer_spec_plain(id: str, value: KubeSpanPeerSpec) -> Plain:
    return {
        "id": id,
        "address": address_text(value.address),
        "allowedIPs": [text(item) for item in value.allowed_ips],
        "endpoints": [text(item) for item in value.endpoints],
        "label": value.label,
    }


def status(plain: Plain) -> KubeSpanPeerStatus:
    return KubeSpanPeerStatus(
        endpoint=_maybe(AddrPort.parse, plain["endpoint"]),
        label=plain["label"],
        state=PeerState(plain["state"]),
        receive_bytes=plain["receiveBytes"],
        transmit_bytes=plain["transmitBytes"],
        last_handshake_time=Timestamp.parse(plain["lastHandshakeTime"]),
        last_used_endpoint=_maybe(AddrPort.parse, plain["lastUsedEndpoint"]),
        last_endpoint_change=Timestamp.parse(plain["lastEndpointChange"]),
    )


def status_plain(value: KubeSpanPeerStatus) -> Plain:
    return {
        "endpoint": text(value.endpoint),
        "label": value.label,
        "state": str(value.state),
        "receiveBytes": value.receive_bytes,
        "transmitBytes": value.transmit_bytes,
        "lastHandshakeTime": str(value.last_handshake_time),
        "lastUsedEndpoint": text(value.last_used_endpoint),
        "lastEndpointChange": str(value.last_endpoint_change),
    }


def reading(plain: Plain) -> PeerReading:
    return PeerReading(
        endpoint=_maybe(AddrPort.parse, plain["endpoint"]),
        last_handshake_time=_maybe(Timestamp.parse, plain["lastHandshakeTime"]) or Timestamp.ZERO,
        receive_bytes=plain["receiveBytes"],
        transmit_bytes=plain["transmitBytes"],
    )
