from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.releases import release_of
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
