"""One function for each kind of recorded KubeSpan case: from its input to what we do, in the recorded form."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs

from talos_resources.kubespan import node_id
from talos_resources.kubespan.annotations import KubernetesNode, from_node, to_annotations
from talos_resources.kubespan.constants import IDENTITY_FILE
from talos_resources.kubespan.endpoints import observed_endpoints
from talos_resources.kubespan.identity import complete_identity, load_identity, node_address, parse_identity, render_identity
from talos_resources.kubespan.keys import public_key
from talos_resources.kubespan.members import control_plane_endpoints, members
from talos_resources.kubespan.merge import merge_affiliates
from talos_resources.kubespan.peer_specs import peer_specs
from talos_resources.kubespan.peer_state import next_endpoint, observed, peer_state, should_change_endpoint, with_endpoint
from talos_resources.kubespan.ula import is_ula, ula_prefix
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.net import AddrPort, parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import Release
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus
from tests.golden import kubespan_values as values
from tests.golden.kubespan_config import config, resources
from tests.golden.kubespan_values import Plain

Case = Callable[[Plain, Release], Any]
"""Takes the input and the release of Talos."""


def ula(case: Plain, _release: Release) -> Plain:
    if case["kind"] == "prefix":
        return {"prefix": str(ula_prefix(case["clusterId"], case["purposeValue"]))}
    return {"isULA": is_ula(parse_address(case["address"]), case["purposeValue"])}


def identity(case: Plain, _release: Release) -> Plain:
    return {
        "address": _address,
        "public_key": _public_key,
        "node_id_encode": lambda plain: {"nodeId": node_id.encode(bytes.fromhex(plain["rawHex"]))},
        "machine_id": lambda plain: {"machineId": node_id.machine_id(plain["nodeId"]), "error": None},
        "identity_file": _identity_file,
    }[case["kind"]](case)


def _address(case: Plain) -> Plain:
    subnet = str(ula_prefix(case["clusterId"]))
    try:
        return {"address": str(node_address(case["clusterId"], case["mac"])), "subnet": subnet, "error": None}
    except TalosResourcesError as error:
        return {"address": "", "subnet": subnet, "error": str(error)}


def _public_key(case: Plain) -> Plain:
    try:
        return {"publicKey": public_key(case["privateKey"]), "error": None}
    except TalosResourcesError as error:
        return {"publicKey": None, "error": str(error)}


def _identity_file(case: Plain) -> Plain:
    if case["op"] == "fresh":
        fresh = KubeSpanIdentity(private_key=case["privateKey"], public_key=case["publicKey"])
        return {"fileName": IDENTITY_FILE, "text": render_identity(fresh)}
    try:
        parse_identity(case["text"])
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, IDENTITY_FILE).write_text(case["text"], encoding="utf-8")
            stored = load_identity(Path(directory))
        found = complete_identity(stored, cluster_id=case["clusterId"], hardware_address=case["mac"])
    except TalosResourcesError as error:
        return {"identity": None, "error": str(error)}
    return {"identity": values.identity_plain(found), "error": None}


def affiliates(case: Plain, release: Release) -> Plain:
    return {
        "local": lambda plain: _local(plain, release),
        "merge": lambda plain: {"affiliates": _affiliates(merge_affiliates(_ids(plain["rawAffiliates"])).items())},
        "members": _members,
        "to_annotations": lambda plain: {"annotations": to_annotations(values.affiliate(plain["affiliate"]))},
        "from_node": _from_node,
    }[case["kind"]](case)


def _ids(affiliates: Iterable[Plain]) -> list[tuple[str, Affiliate]]:
    return [(plain["id"], values.affiliate(plain)) for plain in affiliates]


def _affiliates(found: Iterable[tuple[str, Affiliate]]) -> list[Plain]:
    return [values.affiliate_plain(key, value) for key, value in sorted(found)]


def _members(case: Plain) -> Plain:
    found = members(_ids(case["affiliates"]))
    return {
        "members": [values.member_plain(key, value) for key, value in sorted(found.items())],
        "controlPlaneEndpoints": [str(address) for address in control_plane_endpoints(found.values())],
    }


def _from_node(case: Plain) -> Plain:
    node = case["node"]
    found = from_node(
        KubernetesNode(
            name=node["name"],
            annotations=node["annotations"],
            labels=node["labels"],
            hostname=next(iter(node["hostnameAddresses"]), ""),
            os_image=node["osImage"],
        )
    )
    return {"affiliate": None if found is None else values.affiliate_plain(f"k8s/{found.node_id}", found)}


def _local(case: Plain, release: Release) -> Plain:
    from tests.golden.kubespan_node import local_affiliates

    return {"affiliates": _affiliates(local_affiliates(case["local"], release))}


def peers(case: Plain, _release: Release) -> Plain:
    found = {}
    if case["configEnabled"] and case["localNodeId"] is not None:
        found = peer_specs(_ids(case["affiliates"]), case["localNodeId"])
    return {"peerSpecs": [values.peer_spec_plain(key, value) for key, value in sorted(found.items())]}


def peer_states(case: Plain, _release: Release) -> Plain:
    status = values.status(case["status"])
    steps = []
    for step in case["steps"]:
        status, result = _peer_step(status, step)
        steps.append({"result": result, "status": values.status_plain(status)})
    return {"steps": steps}


def _peer_step(status: KubeSpanPeerStatus, step: Plain) -> tuple[KubeSpanPeerStatus, Any]:
    now = Timestamp.parse(step["now"])
    match step["op"]:
        case "calculate_state":
            status = attrs.evolve(status, state=peer_state(status, now=now))
            return status, str(status.state)
        case "should_change_endpoint":
            return status, should_change_endpoint(status)
        case "pick_new_endpoint":
            endpoints = tuple(AddrPort.parse(text) for text in step.get("endpoints", ()))
            return status, values.text(next_endpoint(status, endpoints))
        case "update_from_wireguard":
            return observed(status, values.reading(step["wireguardPeer"])), None
        case "update_endpoint":
            return with_endpoint(status, AddrPort.parse(step["endpoint"]), now=now), None
        case other:
            msg = f"unknown operation {other}"
            raise ValueError(msg)


def endpoints(case: Plain, _release: Release) -> Plain:
    config = None if case["config"] is None else values.config(case["config"])
    statuses = [(plain["id"], values.status(plain)) for plain in case["peerStatuses"]]
    found = observed_endpoints(config, statuses, _ids(case["affiliates"]))
    return {
        "endpoints": [
            {"id": key, "affiliateID": value.affiliate_id, "endpoint": values.text(value.endpoint)} for key, value in sorted(found.items())
        ]
    }


def manager(case: Plain, release: Release) -> Plain:
    from tests.golden.kubespan_node import manager_trace

    return manager_trace(case, release.kubespan)


CASES: dict[str, Case] = {
    "ula": ula,
    "identity": identity,
    "affiliates": affiliates,
    "peer_specs": peers,
    "peer_state": peer_states,
    "endpoints": endpoints,
    "manager": manager,
    "config": config,
    "resources": resources,
}
