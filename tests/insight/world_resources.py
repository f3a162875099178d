"""What the machines of a world hold, as `talosctl get -o yaml` prints it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.insight.worlds import NOW, PORT, PREFIX, TRY, Machine, World, when


def documents(world: World, machine: Machine) -> Iterator[str]:
    """All resources of a machine."""
    for namespace, kind, name, spec, age, updated in _resources(world, machine):
        metadata = {
            "namespace": namespace,
            "type": kind,
            "id": name,
            "version": 2,
            "owner": "x",
            "phase": "running",
            "created": when(age, machine),
            "updated": when(updated, machine),
        }
        yield json.dumps({"metadata": metadata, "spec": spec})


def _resources(world: World, machine: Machine) -> Iterator[tuple[str, str, str, Any, float, float]]:
    yield from ((namespace, kind, name, spec, machine.joined, machine.joined) for namespace, kind, name, spec in _own(world, machine))
    claimed: set[str] = set()
    for other in world.machines:
        if (
            other is machine
            or other.node_id == machine.node_id
            or any(each.node_id == other.node_id for each in world.machines[: world.machines.index(other)])
        ):
            continue
        if not (world.knows(machine, other) or _listed_off(world, machine, other)):
            continue
        age = float(min(machine.joined, other.joined))
        yield "cluster", "Affiliates.cluster.talos.dev", other.node_id, affiliate(world, other), age, age
        if not (other.enabled and other.identity and machine.enabled and machine.identity):
            continue
        addresses = [] if other.swallowed else [other.address, *other.more_addresses]
        wanted = [f"{each}/{128 if ':' in each else 32}" for each in addresses] + other.networks + [f"{other.ula}/128"]
        allowed = [prefix for prefix in wanted if prefix not in claimed]
        claimed.update(allowed)
        spec = {"address": other.ula, "allowedIPs": allowed, "endpoints": world.announced(other), "label": other.label or other.name}
        yield "kubespan", "KubeSpanPeerSpecs.kubespan.talos.dev", other.key, spec, age, age
        if machine.device:
            yield "kubespan", "KubeSpanPeerStatuses.kubespan.talos.dev", other.key, status(world, machine, other), age, machine.old + 5.0


def _listed_off(world: World, machine: Machine, other: Machine) -> bool:
    """Others list a machine without KubeSpan, too: it just announces nothing for the mesh."""
    return (
        machine.discovery
        and other.discovery
        and machine.cluster == other.cluster
        and not (other.enabled and other.identity)
        and world is not None
    )


def affiliate(world: World, machine: Machine) -> dict[str, Any]:
    """What discovery says of a machine."""
    spec: dict[str, Any] = {
        "nodeId": machine.node_id,
        "addresses": [] if machine.swallowed else [machine.address, *machine.more_addresses],
        "hostname": machine.label or machine.name,
        "nodename": machine.label or machine.name,
        "operatingSystem": f"Talos ({machine.version})",
        "machineType": "controlplane" if machine.control else "worker",
    }
    if machine.enabled and machine.identity:
        spec["kubespan"] = {
            "publicKey": machine.key,
            "address": machine.ula,
            "additionalAddresses": machine.networks,
            "endpoints": world.announced(machine),
        }
    return spec


def status(world: World, machine: Machine, other: Machine) -> dict[str, Any]:
    """What WireGuard of a machine says of a peer."""
    chance = world.chance(machine.name, other.name)
    state, since = world.link(machine, other)
    age = min(machine.joined, other.joined)
    forth, back = (chance.randrange(10**5, 10**9) if world.busy else 3000 + 32 * (age // 25) for _ in range(2))
    if machine.name > other.name:
        forth, back = back, forth
    at = world.endpoint(machine, other)
    told = world.announced(other)
    if state == "up":
        shake = machine.old + 3.0 + (world.chance(machine.name, other.name, str(machine.old)).random() * 120)
        if machine.seen_gateway and world.endpoint(machine, other) is None:
            at = f"{machine.seen_gateway}:{40000 + chance.randrange(1000)}"
        elif at is None:
            at = _outer(world, machine, other)
        received, sent = int(back * (1 - machine.old / age)), int(forth * (1 - machine.old / age))
        return _spec(machine, other, "up", at, received, sent, shake)
    tries = int((since or min(age, 700_000)) / 5)
    arrives = world.blocked.get((other.name, machine.name)) is None and other.device and other.name not in world.lost
    reached = world.endpoint(other, machine) is not None and (other.name, machine.name) not in world.blocked
    answered = world.endpoint(machine, other) is not None
    received = tries * TRY if arrives and reached and world.knows(other, machine) else 0
    at = told[chance.randrange(len(told))] if told else None
    sent = tries * TRY if at else 0
    del answered
    if since:
        return _spec(machine, other, "down", at, back + received, forth + sent, since + 2.0)
    return _spec(machine, other, "unknown" if len(told) > 1 else "down", at, received, sent, None)


def _outer(world: World, machine: Machine, other: Machine) -> str:
    """Where a machine sees a peer that has called it."""
    address = other.router or other.address
    inside = machine.router == other.router
    port = (
        20000
        + int(hashlib.sha256((other.name + other.port_seed + (machine.name if other.symmetric else "")).encode()).hexdigest()[:4], 16)
        % 20000
    )
    del world
    return f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT if inside or not other.router else port}"


def _spec(machine: Machine, other: Machine, state: str, at: str | None, received: int, sent: int, shake: float | None) -> dict[str, Any]:
    return {
        "endpoint": at or "",
        "label": other.label or other.name,
        "state": state,
        "receiveBytes": received,
        "transmitBytes": sent,
        "lastHandshakeTime": "0001-01-01T00:00:00Z" if shake is None else when(shake, machine),
        "lastUsedEndpoint": at or "",
        "lastEndpointChange": when(min(machine.joined, other.joined) - 10, machine),
    }


def _own(world: World, machine: Machine) -> Iterator[tuple[str, str, str, Any]]:
    yield "cluster", "Identities.cluster.talos.dev", "local", {"nodeId": machine.node_id}
    yield "cluster", "Infos.cluster.talos.dev", "current", {"clusterId": machine.cluster, "clusterName": machine.cluster_name}
    yield "cluster", "Affiliates.cluster.talos.dev", machine.node_id, affiliate(world, machine)
    yield "k8s", "Nodenames.kubernetes.talos.dev", "nodename", {"nodename": machine.label or machine.name}
    secret = base64.b64encode(hashlib.sha256(machine.secret.encode()).digest()).decode()
    config = {"enabled": machine.enabled, "clusterId": machine.cluster, "sharedSecret": secret, "forceRouting": not machine.bypass}
    more: dict[str, Any] = {"mtu": machine.mtu, "harvestExtraEndpoints": machine.harvest}
    if machine.filters is not None:
        more["endpointFilters"] = machine.filters
    yield "config", "KubeSpanConfigs.kubespan.talos.dev", "kubespan", {**config, **more}
    if machine.enabled and machine.identity:
        identity = {"address": f"{machine.ula}/128", "subnet": f"{PREFIX}::/64", "privateKey": "<REDACTED>", "publicKey": machine.key}
        yield "kubespan", "KubeSpanIdentities.kubespan.talos.dev", "local", identity
    discovery = {
        "discoveryEnabled": machine.registry != "off",
        "registryKubernetesEnabled": machine.registry in {"kubernetes", "both"},
        "registryServiceEnabled": machine.registry in {"service", "both"},
        "serviceEndpoint": machine.service,
    }
    yield "config", "DiscoveryConfigs.cluster.talos.dev", "cluster", discovery
    yield from _network(world, machine)
    yield "runtime", "TimeStatuses.v1alpha1.talos.dev", "node", {"synced": machine.synced, "epoch": 1, "syncDisabled": False}


def _network(world: World, machine: Machine) -> Iterator[tuple[str, str, str, Any]]:
    own = [f"{machine.address}/{machine.prefix}"]
    lists = {"default": own, "current": own, "routed": own}
    lists |= dict.fromkeys(("current-no-k8s", "routed-no-k8s"), [] if machine.swallowed else own)
    for name, addresses in lists.items():
        yield "network", "NodeAddresses.net.talos.dev", name, {"addresses": addresses}
    yield "network", "NodeAddressFilters.net.talos.dev", "no-k8s", {"includeSubnets": [], "excludeSubnets": list(machine.excluded)}
    links = {"eth0": _link("ether", machine.link_mtu)}
    if machine.device and machine.enabled and machine.identity and not machine.device_died:
        links["kubespan"] = _link("none", machine.mtu)
    if machine.cni:
        links[machine.cni] = _link("ether", 1500)
    for name, link in links.items():
        yield "network", "LinkStatuses.net.talos.dev", name, link
    known = {other.node_id: other for other in reversed(world.machines) if other is not machine and world.knows(machine, other)}
    peers = list(known.values())
    taken = {
        f"{each}/{128 if ':' in each else 32}" for other in peers if not other.swallowed for each in [other.address, *other.more_addresses]
    }
    taken |= {network for other in peers for network in other.networks} - {machine.chain_lacks}
    taken |= {f"{other.ula}/128" for other in peers}
    taken -= {f"{machine.chain_lacks}/32"}
    for name in ("kubespan_outgoing", "kubespan_prerouting") if machine.enabled and peers and not machine.bypass else ():
        rule = {"matchDestinationAddress": {"includeSubnets": sorted(taken)}, "verdict": "accept"}
        yield "network", "NfTablesChains.net.talos.dev", name, {"type": "route", "hook": "output", "rules": [rule]}
    for family in ("inet4", "inet6"):
        main = {"family": family, "table": "main", "priority": 32766, "action": "unicast"}
        yield "network", "RoutingRuleStatuses.net.talos.dev", f"{family}/32766", main
        if machine.rules:
            mesh = {"family": family, "table": "180", "priority": 32500, "action": "unicast", "fwMark": 64, "fwMask": 96}
            yield "network", "RoutingRuleStatuses.net.talos.dev", f"{family}/32500", mesh


def _link(kind: str, mtu: int) -> dict[str, Any]:
    return {"type": kind, "mtu": mtu, "operationalState": "up", "kind": "wireguard" if kind == "none" else "", "flags": "UP"}


assert NOW > 0
