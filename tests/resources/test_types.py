"""The classes of all resource types against what real nodes sent: every field of every type that was recorded."""

from __future__ import annotations

import base64
import json
import lzma
import sys
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import fields_of
from talos_resources.codec.goyaml.read import load
from talos_resources.codec.plain import spec_from_plain, spec_to_plain
from talos_resources.codec.protowire import LEN, VARINT, read_payload, read_varint
from talos_resources.codec.specs import spec_from_wire
from talos_resources.model.kind import kind_of, typed_kind, typed_kinds
from talos_resources.resources import LinkStatus, MachineStatus
from talos_resources.resources.generate.layout import BY_HAND
from talos_resources.resources.generate.table import table
from talos_resources.resources.network.link_status import LinkFlags, OperationalState

_DATA = Path(__file__).parent.parent / "data" / "talosctl"


def _fields(data: bytes) -> dict[int, list[bytes | int]]:
    found: dict[int, list[bytes | int]] = {}
    position = 0
    while position < len(data):
        key, position = read_varint(data, position)
        if key & 7 == LEN:
            value: bytes | int
            value, position = read_payload(data, position)
        elif key & 7 == VARINT:
            value, position = read_varint(data, position)
        else:
            value, position = data[position : position + 8], position + 8
        found.setdefault(key >> 3, []).append(value)
    return found


def _same_message(one: bytes, other: bytes) -> bool:
    """Whether two messages are equal up to the order of fields, and of the entries of maps."""
    return sorted(one) == sorted(other)


@cache
def _recorded(name: str) -> list[tuple[str, str, bytes, str]]:
    """Type, id, message and YAML of each resource."""
    found = []
    for entry in json.loads(lzma.decompress((_DATA / f"{name}.wire.json.xz").read_bytes())):
        spec = _fields(bytes(_fields(base64.b64decode(entry["wire"])).get(2, [b""])[-1]))
        proto, yaml = (bytes(spec.get(number, [b""])[-1]) for number in (1, 2))
        found.append((entry["type"], entry["id"], proto, yaml.decode()))
    return found


@pytest.mark.parametrize("name", ["types1", "types14"])
def test_what_nodes_sent_comes_back(name: str) -> None:
    recorded = _recorded(name)
    assert len({full for full, *_ in recorded}) > 70
    for full, name_, proto, yaml in recorded:
        kind = typed_kind(full)
        assert kind is not None, full
        spec = spec_from_wire(kind.spec, proto)
        assert _same_message(encode(spec), proto), (full, name_)
        if spec.unknown is not None and name == "types1":  # of v1.13.3, which has some fields in another form
            continue
        plain, sent = spec_to_plain(spec), load(yaml, source=full)
        if isinstance(plain, dict):
            if name == "types1":  # of v1.13.3, which does not know all fields yet, and leaves out fewer
                blank = spec_to_plain(kind.spec())
                assert all(value == blank[key] for key, value in plain.items() if key not in sent), (full, name_)
                assert not any(sent[key] for key in sent.keys() - plain.keys()), (full, name_)
                plain, sent = ({key: value for key, value in one.items() if key in other} for one, other in ((plain, sent), (sent, plain)))
            else:
                assert list(plain) == list(sent), (full, name_)
        assert plain == _named(sent), (full, name_)
        assert spec_to_plain(spec_from_plain(kind.spec, spec_to_plain(spec))) == spec_to_plain(spec), (full, name_)


def _named(sent: Any) -> Any:
    """Go does not quote the features of an Ethernet link, whatever they are: `null` and `~` are texts there."""
    if isinstance(sent, dict) and "features" in sent and "linkState" in sent:
        features = {"null" if key is None else key: "~" if value is None else value for key, value in sent["features"].items()}
        return sent | {"features": features}
    return sent


def test_there_is_a_class_for_every_type() -> None:
    assert {kind.type for kind in typed_kinds()} >= set(table().types)
    assert len(table().types) == 196


@pytest.mark.parametrize("full", sorted(table().types))
def test_kinds_are_what_the_table_says(full: str) -> None:
    kind, entry = typed_kind(full), table().types[full]
    assert kind is not None
    assert (kind.namespace, kind.display_type) == (entry.namespace, entry.display_type)
    assert (kind.short_aliases, kind.aliases) == (entry.aliases, entry.all_aliases)
    assert tuple((column.name, column.path) for column in kind.columns) == entry.columns
    assert kind.sensitive == entry.sensitive


@pytest.mark.parametrize("full", sorted(BY_HAND.keys() - {"Namespaces.meta.cosi.dev", "ResourceDefinitions.meta.cosi.dev"}))
def test_classes_by_hand_have_the_fields_of_the_table(full: str) -> None:
    kind, entry = typed_kind(full), table().types[full]
    assert kind is not None
    assert {(info.number, info.key) for info in fields_of(kind.spec)} == {
        (field.number, field.key) for field in table().structs[entry.spec]
    }


def test_generated_files_are_small() -> None:
    lines = sorted(
        len(path.read_text(encoding="utf-8").splitlines())
        for path in Path(sys.modules["talos_resources.resources"].__file__ or "").parent.glob("*/*.py")
        if path.parent.name != "generate"
    )
    assert lines[len(lines) // 2] < 80
    assert lines[-1] <= 300


def test_a_typed_resource_reads_like_python() -> None:
    link = LinkStatus(operational_state=OperationalState.UP, flags=LinkFlags.UP | LinkFlags.RUNNING, mtu=1500)
    assert link.operational_state == "up"
    assert LinkFlags.UP in link.flags
    assert spec_to_plain(link)["flags"] == "UP,RUNNING"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        link.mtu = 9000  # type: ignore[misc]


def test_unknown_numbers_are_kept() -> None:
    later = spec_from_wire(LinkStatus, b"\x50\x63\x20\x80\x80\x40")
    assert later.operational_state.number == 99
    assert str(later.operational_state) == "OperationalState(99)"
    assert later.flags == 1 << 20
    assert encode(later) == b"\x20\x80\x80\x40\x50\x63"


def test_secrets_are_not_in_reprs() -> None:
    for kind in typed_kinds():
        for info in fields_of(kind.spec):
            if info.secret and info.shape == "text" and not info.plural:
                assert "hunter2" not in repr(kind.spec(**{info.name: "hunter2"})), (kind.type, info.name)
    assert kind_of(MachineStatus).sensitive is False
