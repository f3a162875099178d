"""Recorded cases of machine configurations, and of resources as talosctl shows them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from talos_resources.codec.plain import spec_from_plain
from talos_resources.codec.text import resource_to_yaml
from talos_resources.kubespan.config import cluster_info, discovery_config, kubespan_config
from talos_resources.kubespan.controllers import CLUSTER, KUBESPAN
from talos_resources.kubespan.faults import Faults, faults
from talos_resources.kubespan.host import HOST_KINDS, NODE_STATUSES, KubernetesNode
from talos_resources.kubespan.network import Address, Chain, ChainRule, DefaultRoute, Link, MarkMatch, PolicyRule, SetMark
from talos_resources.kubespan.network_specs import ADDRESS_SPECS, CHAINS, LINK_SPECS, NETWORK_KINDS, POLICY_RULE_SPECS, ROUTE_SPECS
from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import ConfigError, TalosResourcesError
from talos_resources.model.kind import Kind, typed_kinds
from talos_resources.model.metadata import Metadata
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import KubeSpanRules, Release
from talos_resources.resources.meta.definition import definition_of
from talos_resources.views.output import list_printer, parse_output
from tests.golden import kubespan_values as values
from tests.golden.kubespan_values import Plain

_NODE = "10.5.0.2"


def config(case: Plain, release: Release) -> Plain:
    """What a configuration means; `loadError` is the message of ours, which `same_load_error` compares."""
    nothing: Plain = {
        "kubespanConfig": None,
        "discoveryConfig": None,
        "clusterInfo": None,
        "validationError": None,
        "validationWarnings": [],
    }
    try:
        loaded = MachineConfig.load(case["config"], release=release)
    except TalosResourcesError as error:
        return {**nothing, "loadError": str(error)}
    documents, rules = loaded.documents, release.kubespan
    kubespan, info = kubespan_config(documents, rules), cluster_info(documents)
    return {
        **nothing,
        "loadError": None,
        "kubespanConfig": None if kubespan is None else values.config_plain(KUBESPAN, "config", kubespan),
        "discoveryConfig": _discovery(documents, rules),
        "clusterInfo": None
        if info is None
        else {"id": "current", "namespace": "cluster", "clusterId": info.cluster_id, "clusterName": info.cluster_name},
        "validationError": _rendered(faults(documents, release)),
    }


def _discovery(documents: Any, rules: KubeSpanRules) -> Plain | None:
    try:
        found = discovery_config(documents, rules)
    except ConfigError:
        return None
    if found is None:
        return None
    key = base64.b64encode(found.service_encryption_key).decode() if found.registry_service_enabled else None
    return {**values.discovery_plain(CLUSTER, "config", found), "serviceEncryptionKey": key}


def _rendered(found: Faults) -> str | None:
    """The messages as Talos puts lists of them into words."""
    items = [f"v1alpha1.Config: {_list(found.main)}", *found.others] if found.main else list(found.others)
    return _list(items) if items else None


def _list(items: Sequence[str]) -> str:
    count = f"{len(items)} error{'s' if len(items) > 1 else ''} occurred:"
    return f"{count}\n" + "".join(f"\t* {text}\n" for text in items) + "\n"


def same_load_error(recorded: str | None, ours: str | None) -> bool:
    """Whether both refuse the text, at the same line.

    Talos's message names Go types; ours has words of its own, the line and the path.
    """
    if recorded is None or ours is None:
        return recorded is ours
    lines = re.findall(r"line (\d+)", recorded)
    if not lines or "unknown keys" in recorded:
        return True
    return lines[-1] in re.findall(r"\d+", ours)


def resources(case: Plain, _release: Release) -> Plain:
    kind = next(kind for kind in (*typed_kinds(), *NETWORK_KINDS, *HOST_KINDS) if kind.type == case["type"])
    if case["kind"] == "definition":
        return _definition(kind)
    found = [_resource(kind, plain) for plain in case["resources"]]
    if case["kind"] == "yaml":
        return {"text": "---\n".join(resource_to_yaml(resource, head={"node": _NODE}) for resource in found)}
    printer = list_printer(parse_output("wide"), kind, nodes=[_NODE])
    pieces = (*printer.resources(_NODE, found), *printer.finish())
    return {"text": "".join(str(piece) for piece in pieces)}


def _definition(kind: Kind[Any]) -> Plain:
    spec = definition_of(kind)
    return {
        "id": kind.id,
        "displayType": spec.display_type,
        "defaultNamespace": spec.default_namespace,
        "aliases": list(spec.aliases),
        "allAliases": list(spec.all_aliases),
        "printColumns": [{"name": column.name, "jsonPath": column.json_path} for column in spec.print_columns],
        "sensitivity": str(spec.sensitivity),
    }


def _resource(kind: Kind[Any], plain: Plain) -> Resource[Any]:
    moment = Timestamp.parse(plain["time"])
    build = _NETWORK.get(kind.type)
    spec = spec_from_plain(kind.spec, plain["spec"]) if build is None else build(plain["spec"])
    metadata = Metadata(
        namespace=plain["namespace"],
        type=kind.type,
        id=plain["id"],
        version=1,
        owner=plain["owner"],
        created=moment,
        updated=moment,
    )
    return Resource(metadata, spec)


def _link(plain: Plain) -> Any:
    wireguard = plain["wireguard"]
    peers = tuple(
        PeerConfig(
            public_key=peer["publicKey"],
            preshared_key=peer["presharedKey"],
            endpoint=AddrPort.parse(peer["endpoint"]) if peer["endpoint"] else None,
            keepalive_s=int(peer["persistentKeepaliveInterval"].removesuffix("s")),
            allowed_ips=values.prefixes(peer["allowedIPs"]),
        )
        for peer in wireguard["peers"]
    )
    device = DeviceConfig(
        private_key=wireguard["privateKey"], listen_port=wireguard["listenPort"], firewall_mark=wireguard["firewallMark"], peers=peers
    )
    return LINK_SPECS.spec(Link(name=plain["name"], mtu=plain["mtu"], device=device))


def _address(plain: Plain) -> Any:
    address = IPPrefix.parse(plain["address"])
    return ADDRESS_SPECS.spec(Address(link=plain["linkName"], address=address, own=address))


def _route(plain: Plain) -> Any:
    version = {"inet4": 4, "inet6": 6}[plain["family"]]
    route = DefaultRoute(
        link=plain["outLinkName"], version=version, table=int(plain["table"]), priority=plain["priority"], mtu=plain["mtu"]
    )
    return ROUTE_SPECS.spec(route)


def _chain(plain: Plain) -> Any:
    rules = tuple(_rule(rule) for rule in plain["rules"])
    return CHAINS.spec(Chain(name="", type=plain["type"], hook=plain["hook"], rules=rules))


def _rule(plain: Plain) -> ChainRule:
    mark, set_mark, clamp = plain.get("matchMark"), plain.get("setMark"), plain.get("clampMSS")
    interface, destinations = plain.get("matchOIfName"), plain.get("matchDestinationAddress")
    return ChainRule(
        mark=None if mark is None else MarkMatch(mask=mark["mask"], value=mark["value"]),
        out_interface=None if interface is None else interface["interfaceName"][0],
        destinations=None if destinations is None else values.prefixes(destinations.get("includeSubnets", ())),
        clamp_mss_to_mtu=None if clamp is None else clamp["mtu"],
        set_mark=None if set_mark is None else SetMark(mask=set_mark["mask"], xor=set_mark["xor"]),
        accept=plain.get("verdict") == "accept",
    )


def _policy_rule(plain: Plain) -> Any:
    version = {"inet4": 4, "inet6": 6}[plain["family"]]
    rule = PolicyRule(version=version, mark=plain["fwMark"], mask=plain["fwMask"], table=int(plain["table"]), priority=plain["priority"])
    return POLICY_RULE_SPECS.spec(rule)


def _node_status(plain: Plain) -> Any:
    return NODE_STATUSES.spec(KubernetesNode(plain["nodename"], values.prefixes(plain["podCIDRs"]), tuple(plain["labels"].items())))


_NETWORK = {
    LINK_SPECS.kind.type: _link,
    ADDRESS_SPECS.kind.type: _address,
    ROUTE_SPECS.kind.type: _route,
    CHAINS.kind.type: _chain,
    POLICY_RULE_SPECS.kind.type: _policy_rule,
    NODE_STATUSES.kind.type: _node_status,
}
