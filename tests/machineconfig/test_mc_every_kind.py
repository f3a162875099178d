"""Every kind of document by the same questions: what it needs, what it refuses, what it says to a slip."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from talos_resources.codec.goyaml.emit import dump
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.explain import nearest_keys
from talos_resources.machineconfig.gen.bundle import make_configs
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import generate
from talos_resources.machineconfig.schema.table import document_type, field_table
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.machineconfig.validate import validate
from talos_resources.model.errors import DecodeError
from talos_resources.releases import NEWEST, Contract
from tests.machineconfig.kinds import CONFLICTS, FREE, KEY, NEEDS

CONTROL_PLANE: Final = field_table(NEWEST.field_table).control_plane_kinds


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    bundle = generate(now=datetime(2026, 11, 30, tzinfo=UTC), contract=Contract(1, 6))
    made = MachineConfig.load(make_configs(GenOptions(cluster_name="c", endpoint="https://k:6443"), bundle).control_plane)
    pair = made.get("issuingCA", kind="KubeAggregatorCAConfig")
    return {"issuingCA": pair, "issuer": made.get("issuer", kind="KubeServiceAccountConfig"), "certificates": pair["cert"]}


def _fields(kind: str, keys: dict[str, Any]) -> dict[str, Any]:
    return {key: copy.deepcopy(keys[key] if value is ... else value) for key, value in NEEDS[kind].items()}


def _text(kind: str, fields: dict[str, Any], main: dict[str, Any] | None = None) -> str:
    role = "controlplane" if kind in CONTROL_PLANE else "worker"
    base: dict[str, Any] = {
        "machine": {"type": role, "ca": {"crt": "Zm9v", "key": "Zm9v" if role == "controlplane" else ""}},
        "cluster": {},
    }
    if kind == "DiscoveryServiceConfig":
        base["cluster"] = {"id": "a", "secret": KEY}
    for top, section in (main or {}).items():
        base[top] |= section
    return dump(base) + "---\n" + dump({"apiVersion": "v1alpha1", "kind": kind, **fields})


def _errors(kind: str, fields: dict[str, Any], main: dict[str, Any] | None = None) -> list[str]:
    return [str(fault) for fault in validate(MachineConfig.load(_text(kind, fields, main)), "cloud").errors]


def test_every_kind_is_asked() -> None:
    assert set(NEEDS) == NEWEST.document_kinds
    assert set(CONFLICTS) | set(FREE) <= set(NEEDS)


@pytest.mark.parametrize("kind", NEEDS)
def test_what_it_needs_is_enough_and_each_of_it_is_needed(kind: str, keys: dict[str, Any]) -> None:
    fields = _fields(kind, keys)
    assert _errors(kind, fields) == []
    for key in fields:
        found = _errors(kind, {other: value for other, value in fields.items() if other != key})
        assert found, f"{kind} without {key}"
        assert all(fault.count("\n") == 0 for fault in found)
        assert found[0].startswith(f"{kind}"), found


@pytest.mark.parametrize("kind", sorted(CONTROL_PLANE))
def test_workers_may_not_have_what_is_for_control_planes(kind: str, keys: dict[str, Any]) -> None:
    text = _text(kind, _fields(kind, keys)).replace("type: controlplane", "type: worker").replace("        key: Zm9v", '        key: ""')
    found = [str(fault) for fault in validate(MachineConfig.load(text), "cloud").errors]
    assert found == [f"the following document kinds are only allowed on control plane machines: [{kind}]"]


@pytest.mark.parametrize("kind", NEEDS)
def test_a_slip_in_a_key_is_named_with_the_nearest_one(kind: str, keys: dict[str, Any]) -> None:
    found = document_type(kind)
    assert found is not None
    for key in found.fields:
        if key in {"apiVersion", "kind"} or len(key) < 4:
            continue
        slip = f"{key}x"
        with pytest.raises(DecodeError) as caught:
            MachineConfig.load(_text(kind, {**_fields(kind, keys), slip: "x"}))
        assert caught.value.path == slip
        (line,) = nearest_keys(caught.value)
        assert f"did you mean {kind}" in line
        assert line.endswith(f".{key}?"), line


def _wrong(kind: Type) -> Any:
    match kind:
        case Struct() | MapOf() | FreeForm():
            return ["x"]
        case ListOf():
            return {"x": "y"}
        case Scalar() | ArgValue():
            return {"x": {"y": "z"}}


@pytest.mark.parametrize("kind", NEEDS)
def test_a_value_of_another_type_is_refused_at_its_place(kind: str, keys: dict[str, Any]) -> None:
    found = document_type(kind)
    assert found is not None
    for key, field in found.fields.items():
        if key in {"apiVersion", "kind", "name"}:
            continue
        with pytest.raises(DecodeError) as caught:
            MachineConfig.load(_text(kind, {**_fields(kind, keys), key: _wrong(field.type)}), source="c.yaml")
        assert caught.value.path == key
        assert str(caught.value).startswith("c.yaml:")


def _section(path: str) -> dict[str, Any]:
    """A section that says something, with only this in it."""
    values: dict[str, Any] = {
        "cluster.clusterName": "a",
        "cluster.controlPlane.endpoint": "https://a:1",
        "cluster.controlPlane.localAPIServerPort": 1,
        "cluster.apiServer.auditPolicy": {"a": "b"},
        "cluster.apiServer.admissionControl": [{"name": "x"}],
        "cluster.id": "a",
        "cluster.secret": KEY,
        "cluster.aescbcEncryptionSecret": KEY,
        "cluster.secretboxEncryptionSecret": KEY,
        "machine.network.hostname": "a",
        "machine.features.stableHostname": True,
        "machine.time": {"servers": ["a"]},
        "machine.kubelet.skipNodeRegistration": True,
        "machine.kubelet.registerWithFQDN": True,
        "machine.kubelet.nodeIP": {"validSubnets": ["10.0.0.0/8"]},
        "cluster.allowSchedulingOnControlPlanes": True,
        "cluster.allowSchedulingOnMasters": True,
        "machine.nodeLabels": {"a": "b"},
        "machine.nodeAnnotations": {"a": "b"},
        "machine.nodeTaints": {"a": "b:NoSchedule"},
        "machine.baseRuntimeSpecOverrides": {"process": {}},
        "machine.sysctls": {"a": "b"},
        "machine.sysfs": {"a": "b"},
        "machine.env": {"A": "b"},
        "machine.pods": [{"a": "b"}],
        "cluster.inlineManifests": [{"name": "a", "contents": "b"}],
        "cluster.extraManifests": ["https://a"],
        "machine.network.extraHostEntries": [{"ip": "10.0.0.1", "aliases": ["a"]}],
    }
    value: Any = values.get(path, {})
    for step in reversed(path.split(".")):
        value = {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in CONFLICTS.items() for path in paths.split()])
def test_it_may_not_stand_beside_its_section(kind: str, path: str, keys: dict[str, Any]) -> None:
    found = _errors(kind, _fields(kind, keys), _section(path))
    assert any("v1alpha1" in fault or "legacy" in fault for fault in found), found


@pytest.mark.parametrize(("kind", "path"), FREE.items())
def test_some_may(kind: str, path: str, keys: dict[str, Any]) -> None:
    assert _errors(kind, _fields(kind, keys), _section(path)) == []
