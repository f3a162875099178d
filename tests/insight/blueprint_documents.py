"""The documents that a box of a plan holds, by type."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import Any

from tests.insight.blueprint import NOW, Box, Doc, Plan, when


def documents(plan: Plan, box: Box) -> dict[str, list[Doc]]:
    """Type → documents."""
    others = [other for other in plan.boxes if plan.knows(box, other)]
    enabled = box.config.get("enabled", True)
    has_device = enabled and box.config.get("device", True)
    net = "net.talos.dev"
    found: dict[str, list[Doc]] = {
        "Identities.cluster.talos.dev": [_doc(box, "cluster", "Identities.cluster.talos.dev", "local", {"nodeId": box.node_id})],
        "Infos.cluster.talos.dev": [
            _doc(box, "cluster", "Infos.cluster.talos.dev", "current", {"clusterId": _secret(box.cluster), "clusterName": box.title})
        ],
        "Affiliates.cluster.talos.dev": [
            _doc(box, "cluster", "Affiliates.cluster.talos.dev", each.node_id, affiliate(plan, each)) for each in (box, *others)
        ],
        "Members.cluster.talos.dev": [
            _doc(box, "cluster", "Members.cluster.talos.dev", each.name, _member(each)) for each in (box, *others)
        ],
        "DiscoveryConfigs.cluster.talos.dev": [_doc(box, "config", "DiscoveryConfigs.cluster.talos.dev", "cluster", _discovery(box))],
        "KubeSpanConfigs.kubespan.talos.dev": [_doc(box, "config", "KubeSpanConfigs.kubespan.talos.dev", "kubespan", _config(box))],
        f"NodeAddresses.{net}": [
            _doc(box, "network", f"NodeAddresses.{net}", id_, {"addresses": list(listed)}) for id_, listed in _addresses(box).items()
        ],
        f"AddressStatuses.{net}": [
            _doc(box, "network", f"AddressStatuses.{net}", f"eth0/{each}", {"address": each, "linkName": "eth0"}) for each in _own(box)
        ],
        f"LinkStatuses.{net}": [
            _doc(box, "network", f"LinkStatuses.{net}", name, spec)
            for name, spec in _links(box).items()
            if name != "kubespan" or has_device
        ],
        f"HardwareAddresses.{net}": [_doc(box, "network", f"HardwareAddresses.{net}", "first", {"name": "eth0", "hardwareAddr": box.mac})],
        f"HostnameStatuses.{net}": [_doc(box, "network", f"HostnameStatuses.{net}", "hostname", {"hostname": box.name, "domainname": ""})],
        "Nodenames.kubernetes.talos.dev": [_doc(box, "k8s", "Nodenames.kubernetes.talos.dev", "nodename", {"nodename": box.name})],
        "MachineTypes.config.talos.dev": [
            _doc(box, "config", "MachineTypes.config.talos.dev", "machine-type", {"machineType": _type(box)})
        ],
        "TimeStatuses.v1alpha1.talos.dev": [
            _doc(box, "runtime", "TimeStatuses.v1alpha1.talos.dev", "node", {"synced": box.synced, "epoch": 1, "syncDisabled": False})
        ],
    }
    if enabled:
        found["KubeSpanIdentities.kubespan.talos.dev"] = [
            _doc(
                box,
                "kubespan",
                "KubeSpanIdentities.kubespan.talos.dev",
                "local",
                {"address": f"{box.ula}/128", "subnet": "fd4a:11:9c2e:b802::/64", "privateKey": "<REDACTED>", "publicKey": box.public_key},
            )
        ]
        peers = [other for other in others if other.public_key != box.public_key]
        found["KubeSpanPeerSpecs.kubespan.talos.dev"] = [
            _doc(box, "kubespan", "KubeSpanPeerSpecs.kubespan.talos.dev", peer.public_key, _spec(plan, peer), born=peer.born)
            for peer in peers
        ]
        if has_device:
            found["KubeSpanPeerStatuses.kubespan.talos.dev"] = [
                _doc(
                    box,
                    "kubespan",
                    "KubeSpanPeerStatuses.kubespan.talos.dev",
                    peer.public_key,
                    plan.status(box, peer),
                    fresh=True,
                    born=min(peer.born, box.rebooted or peer.born),
                )
                for peer in peers
            ]
        sent = {peer.public_key: peer for peer in peers if box.config.get("forceRouting", True) or plan.status(box, peer)["state"] == "up"}
        found[f"NfTablesChains.{net}"] = [
            _doc(box, "network", f"NfTablesChains.{net}", name, _chain(box, list(sent.values())))
            for name in ("kubespan_outgoing", "kubespan_prerouting")
        ]
    found |= box.files
    return {kind: list({doc["metadata"]["id"]: doc for doc in docs}.values()) for kind, docs in found.items()}


def affiliate(plan: Plan, box: Box) -> Doc:
    made: Doc = {
        "nodeId": box.node_id,
        "addresses": [box.ip, *box.also],
        "hostname": box.name,
        "nodename": box.name,
        "operatingSystem": f"Talos ({box.version})",
        "machineType": _type(box),
    }
    if box.config.get("enabled", True):
        made["kubespan"] = {
            "publicKey": box.public_key,
            "address": box.ula,
            "additionalAddresses": list(box.networks),
            "endpoints": plan.told(box),
        }
    return made | ({"controlPlane": {"port": 6443}} if box.plane else {})


def _doc(box: Box, namespace: str, kind: str, id_: str, spec: Any, *, fresh: bool = False, born: float = 0) -> Doc:
    made = when(NOW - min(box.born, born or box.born) + box.skew)
    tick = int(hashlib.sha256(box.name.encode()).hexdigest()[:4], 16) % 28
    updated = when(NOW + box.read + box.skew - tick) if fresh else made
    return {
        "metadata": {
            "namespace": namespace,
            "type": kind,
            "id": id_,
            "version": 4,
            "phase": "running",
            "created": made,
            "updated": max(updated, made),
        },
        "spec": spec,
    }


def _type(box: Box) -> str:
    return "controlplane" if box.plane else "worker"


def _secret(seed: str) -> str:
    return base64.b64encode(hashlib.sha256(f"secret {seed}".encode()).digest()).decode()


def _member(box: Box) -> Doc:
    return {
        "nodeId": box.node_id,
        "addresses": [box.ip, *box.also],
        "hostname": box.name,
        "machineType": _type(box),
        "operatingSystem": f"Talos ({box.version})",
    }


def _discovery(box: Box) -> Doc:
    return {
        "discoveryEnabled": True,
        "registryKubernetesEnabled": False,
        "registryServiceEnabled": True,
        "serviceEndpoint": "discovery.talos.dev:443",
        "serviceEncryptionKey": list(hashlib.sha256(box.secret.encode()).digest()),
        "serviceClusterID": _secret(box.cluster),
    } | box.discovery


def _config(box: Box) -> Doc:
    plain = {
        "enabled": True,
        "clusterId": _secret(box.cluster),
        "sharedSecret": _secret(box.secret),
        "forceRouting": True,
        "advertiseKubernetesNetworks": False,
        "mtu": box.mtu,
        "harvestExtraEndpoints": False,
    } | box.config
    plain.pop("device", None)
    return plain


def _own(box: Box) -> list[str]:
    return [f"{each}/{64 if ':' in each else box.bits}" for each in (box.ip, *box.also)]


def _addresses(box: Box) -> dict[str, list[str]]:
    own = _own(box)
    mesh = [f"{box.ula}/128"] if box.config.get("enabled", True) else []
    return {"default": own[:1], "current": own + mesh, "routed": own + mesh, "current-no-k8s": own, "routed-no-k8s": own}


def _links(box: Box) -> dict[str, Doc]:
    up = {"operationalState": "up", "linkState": True, "flags": "UP,RUNNING", "slaveKind": ""}
    return {
        "eth0": {"index": 2, "type": "ether", "kind": "", "hardwareAddr": box.mac, "mtu": box.link_mtu, **up},
        "kubespan": {
            "index": 9,
            "type": "none",
            "kind": "wireguard",
            "hardwareAddr": "",
            "mtu": box.mtu,
            **up,
            "operationalState": "unknown",
        },
        "lo": {"index": 1, "type": "loopback", "kind": "", "hardwareAddr": "", "mtu": 65536, **up},
    }


def allowed(box: Box) -> list[str]:
    hosts = [f"{each}/{128 if ':' in each else 32}" for each in (box.ip, *box.also, box.ula)]
    return hosts + list(box.networks)


def _spec(plan: Plan, peer: Box) -> Doc:
    return {"address": peer.ula, "allowedIPs": allowed(peer), "endpoints": plan.told(peer), "label": peer.name}


def _is_of_a_mesh(network: str) -> bool:
    packed = ipaddress.ip_network(network).network_address.packed
    return len(packed) == 16 and packed[0] == 0xFD and packed[7] == 2


def _chain(box: Box, peers: list[Box]) -> Doc:
    mark = {"mask": 96, "value": 32}
    without = box.version.startswith(("v1.13", "v1.14"))
    subnets = [each for peer in peers for each in allowed(peer) if not (without and _is_of_a_mesh(each))]
    rules = [
        {"matchMark": mark, "verdict": "accept"},
        {"matchDestinationAddress": {"includeSubnets": subnets}, "setMark": {"mask": 4294967199, "xor": 64}, "verdict": "accept"},
    ]
    return {"type": "filter", "hook": "prerouting", "priority": "filter", "policy": "accept", "rules": rules}
