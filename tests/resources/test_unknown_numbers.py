"""Numbers that no member of an enumeration has: kept by every field of every class, shown, and fatal to nothing."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from talos_resources import Affiliate, Kind, KubeSpanPeerStatus, MachineType, Member, PeerState, Resource, ResourceDefinition
from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import FieldInfo, fields_of
from talos_resources.codec.plain import spec_from_plain, spec_to_plain
from talos_resources.codec.protowire import lengthened, tag, varint
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.enums import NumberedEnum
from talos_resources.model.kind import typed_kinds
from talos_resources.resources import LinkStatus
from talos_resources.sources.registry import open_source
from tests.cli.test_commands import Run, run

__all__ = ["run"]  # the fixture

_LATER = 4242
_KINDS = sorted(typed_kinds(), key=lambda kind: kind.type)


def _enum_fields(cls: type[Any], path: tuple[FieldInfo, ...] = ()) -> Iterator[tuple[FieldInfo, ...]]:
    """The paths to all fields of a class, and of the messages within it, that hold enumerations."""
    for info in fields_of(cls):
        if info.shape == "enum":
            yield (*path, info)
        elif info.shape == "message" and not info.mapping:
            yield from _enum_fields(info.cls, (*path, info))


def _message(path: tuple[FieldInfo, ...], number: int) -> bytes:
    """The message in which nothing but that field is set."""
    *outer, info = path
    coded = varint(number)
    data = lengthened(tag(info.number, 2), coded) if info.repeated else tag(info.number, 0) + coded
    for info in reversed(outer):
        data = lengthened(tag(info.number, 2), data)
    return data


def test_every_enumeration_is_one_of_numbers() -> None:
    found = [(kind, path) for kind in _KINDS for path in _enum_fields(kind.spec)]
    assert len({path[-1].cls for _, path in found}) > 50
    assert all(issubclass(path[-1].cls, NumberedEnum) for _, path in found)


@pytest.mark.parametrize("kind", [kind for kind in _KINDS if any(_enum_fields(kind.spec))], ids=lambda kind: kind.type)
def test_numbers_without_a_name_are_kept(kind: Kind[Any]) -> None:
    for path in _enum_fields(kind.spec):
        assert spec_from_wire(kind.spec, encode(kind.spec())) == spec_from_wire(kind.spec, b"")
        for number in (_LATER, 2**31 - 1, -1):
            spec = spec_from_wire(kind.spec, _message(path, number))
            # A message that is there always is sent although it is empty, and more than one may be.
            assert spec_from_wire(kind.spec, encode(spec)) == spec
            assert lengthened(b"", varint(number))[1:] in encode(spec)
            value: Any = spec
            for info in path:
                value = getattr(value, info.name)
                value = value[0] if info.repeated else value
            assert (type(value), value.number) == (path[-1].cls, number)
            assert value not in set(path[-1].cls)
            assert pickle.loads(pickle.dumps(spec)) == spec
            assert str(number) in json.dumps(spec_to_plain(spec))
            assert encode(spec_from_plain(kind.spec, spec_to_plain(spec))) == encode(spec)
            assert path[-1].cls(str(value)).number == number


def test_they_read_as_go_prints_them() -> None:
    assert str(MachineType.of(7)) == "Type(7)"
    assert str(PeerState.of(7)) == "PeerState(7)"
    assert KubeSpanPeerStatus(state="PeerState(7)").state.number == 7  # type: ignore[arg-type]
    link = LinkStatus(duplex="Duplex(9)")  # type: ignore[arg-type]
    assert link.duplex.number == 9
    for text in ("PeerState(07)", "MachineType(7)", "Type(7", "7"):
        with pytest.raises(ValueError, match="none of"):
            Member(machine_type=text)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="none of"):
            KubeSpanPeerStatus(state=text)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def later(tmp_path_factory: Any) -> str:
    """The first node of the demo as a later release would tell of it: its numbers are none that we know."""
    cluster = open_source("demo")
    node = cluster.state(cluster.select(())[0])
    changes: dict[type[Any], Any] = {
        KubeSpanPeerStatus: lambda peer: peer.with_spec(state=PeerState.of(7)),
        Affiliate: lambda one: one.with_spec(machine_type=MachineType.of(9)),
        Member: lambda one: one.with_spec(machine_type=MachineType.of(9)),
        ResourceDefinition: lambda one: one.with_spec(sensitivity=type(one.spec.sensitivity).of(4)),
    }
    held: list[Resource[Any]] = [change(resource) for kind, change in changes.items() for resource in node.list(kind)]
    entries = [
        {"namespace": r.namespace, "type": r.metadata.type, "id": r.id, "wire": base64.b64encode(resource_to_wire(r)).decode()}
        for r in held
    ]
    path: Path = tmp_path_factory.mktemp("later") / "kubespan-cp-1.wire.json"
    path.write_text(json.dumps(entries))
    return str(path)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("get kubespanpeerstatuses", "PeerState(7)"),
        ("get kubespanpeerstatuses -o wide", "PeerState(7)"),
        ("get kubespanpeerstatuses -o yaml", "state: PeerState(7)"),
        ("get kubespanpeerstatuses -o json", '"state": "PeerState(7)"'),
        ("get kubespanpeerstatuses -o html", "PeerState(7)"),
        ("get members -o wide", "Type(9)"),
        ("get affiliates -o yaml", "machineType: Type(9)"),
        ("get rd -o name", ""),
        ("mesh", ""),
        ("mesh -o json", '"unknown"'),
        ("doctor", ""),
    ],
)
def test_no_command_fails_of_them(run: Run, later: str, command: str, shown: str) -> None:
    outcome = run(*command.split(), "--from", later)
    assert outcome.code in {0, 3}, outcome.err
    assert shown in outcome.out
