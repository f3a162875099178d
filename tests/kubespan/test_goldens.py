from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from talos_resources.releases import NEWEST, release_of
from tests.golden import kubespan
from tests.golden.kubespan_node import TicksOnce, manager_trace

DATA = Path(__file__).parent.parent / "data" / "kubespan"


def test_every_recorded_case_is_ours() -> None:
    found = list(kubespan.results(DATA))
    assert len(found) == 449
    assert [result for result in found if result.difference and not result.meant] == []
    assert [result.name for result in found if result.meant] == ["resources/yaml-affiliates-0", "resources/yaml-discovery-config-0"]


def test_chosen_cases_of_v1_14_are_ours() -> None:
    found = list(kubespan.results(DATA.with_name("kubespan-1.14")))
    assert len(found) == 145
    assert [result for result in found if result.difference and not result.meant] == []
    assert {result.name for result in found if result.meant} == {
        "config/docs-identity-secret-not-base64",
        "config/docs-identity-secret-16-bytes",
    }


def test_the_runner_names_the_case_and_the_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = {"name": "wrong", "input": {"kind": "prefix", "clusterId": "a", "purposeValue": 2}, "expected": {"prefix": "fd00::/64"}}
    (tmp_path / "ula.json").write_text(json.dumps({"cases": [case]}))
    assert kubespan.main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert 'FAILED ula/wrong\n  prefix: recorded "fd00::/64", ours "fd86:' in out
    assert out.endswith("0 passed, 1 failed\n")


def test_the_tick_returns_after_off_and_on(tmp_path: Path) -> None:
    """Talos loses its rhythm there; the runner knows that difference and no other."""
    config = {"enabled": True, "forceRouting": True, "mtu": 1420, "sharedSecret": "c2VjcmV0"}
    identity = {"address": "fd00::1/128", "subnet": "fd00::/64", "privateKey": "a", "publicKey": "b"}
    peer = {"id": "peer", "address": "fd00::2", "allowedIPs": ["fd00::2/128"], "endpoints": ["192.0.2.1:51820"], "label": "x"}
    case = {
        "start": "2025-06-01T12:00:00Z",
        "steps": [
            {"at": 0, "op": "set_config", "config": config},
            {"at": 1, "op": "set_identity", "identity": identity},
            {"at": 2, "op": "set_config", "config": {**config, "enabled": False}},
            {"at": 3, "op": "set_config", "config": config},
            {"at": 4, "op": "set_peer_spec", "peerSpec": peer},
            {"at": 60, "op": "observe"},
        ],
    }
    assert manager_trace(case, release_of("v1.12").kubespan)["steps"][-1]["peerStatuses"][0]["state"] == "down"
    as_talos = manager_trace(case, release_of("v1.12").kubespan, TicksOnce)
    assert as_talos["steps"][-1]["peerStatuses"][0]["state"] == "unknown"
    (tmp_path / "manager.json").write_text(json.dumps({"cases": [{"name": "off-and-on", "input": case, "expected": as_talos}]}))
    (result,) = kubespan.results(tmp_path)
    assert result.meant
    as_talos["steps"][-1]["peerStatuses"][0]["label"] = "y"
    (tmp_path / "manager.json").write_text(json.dumps({"cases": [{"name": "off-and-on", "input": case, "expected": as_talos}]}))
    (result,) = kubespan.results(tmp_path)
    assert result.difference
    assert not result.meant


def link_of(step: dict[str, Any]) -> dict[str, str]:
    """What the link shall send to, by peer."""
    (link,) = step["linkSpecs"]
    return {peer["publicKey"]: peer["endpoint"] for peer in link["spec"]["wireguard"]["peers"]}


def test_a_tick_empties_the_endpoint_of_a_peer_that_roamed_unless_all_have() -> None:
    """A pass in which an endpoint is set, anew or again, writes the link, and with it what the device knows better."""
    config = {"enabled": True, "forceRouting": True, "mtu": 0, "sharedSecret": "c2VjcmV0"}
    identity = {"address": "fd00::1/128", "subnet": "fd00::/64", "privateKey": "a", "publicKey": "b"}
    peers = [
        {"id": name, "address": f"fd00::{n}", "allowedIPs": [f"fd00::{n}/128"], "endpoints": [f"192.0.2.{n}:51820"], "label": name}
        for n, name in enumerate("xy", 2)
    ]

    def seen(**endpoints: str) -> list[dict[str, Any]]:
        handshake = "2025-06-01T12:00:20Z"
        return [
            {"publicKey": name, "endpoint": at, "lastHandshakeTime": handshake, "receiveBytes": 1, "transmitBytes": 1}
            for name, at in endpoints.items()
        ]

    steps = [
        {"at": 0, "op": "set_identity", "identity": identity},
        {"at": 1, "op": "set_config", "config": config},
        *({"at": 2, "op": "set_peer_spec", "peerSpec": peer} for peer in peers),
        {"at": 25, "op": "set_wireguard_device", "peers": seen(x="198.51.100.7:4242", y="192.0.2.3:51820")},
        {"at": 40, "op": "set_wireguard_device", "peers": seen(x="198.51.100.7:4242", y="198.51.100.8:4242")},
        {"at": 70, "op": "observe"},
    ]
    trace = manager_trace({"start": "2025-06-01T12:00:00Z", "steps": steps}, NEWEST.kubespan)["steps"]
    assert link_of(trace[4]) == {"x": "192.0.2.2:51820", "y": "192.0.2.3:51820"}
    assert link_of(trace[5]) == {"x": "", "y": "192.0.2.3:51820"}  # the tick at 31 s set that of y again
    assert link_of(trace[6]) == link_of(trace[5])  # at 61 s both have roamed: the link stays as it is
    assert all("mtu" not in route["spec"] for route in trace[6]["routeSpecs"])
