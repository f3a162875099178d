"""Fields that a class does not know: shown by the names that the YAML has for them, and kept everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.codec.specs import spec_from_wire, spec_to_wire
from talos_resources.codec.text import resource_from_json, resource_from_yaml, resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.kind import Column, untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import untyped_spec
from talos_resources.resources import Affiliate, KubeSpanPeerStatus, NodeStatus
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.load import memory_state
from talos_resources.views.cells import Cells, Shape

OURS = """\
metadata:
    namespace: kubespan
    type: KubeSpanPeerStatuses.kubespan.talos.dev
    id: abc=
    version: 3
    owner: kubespan.ManagerController
    phase: running
    created: 2026-11-26T02:14:31Z
    updated: 2026-11-26T02:14:31Z
spec:
    endpoint: 10.0.0.1:51820
    label: one
    state: up
    receiveBytes: 1
    transmitBytes: 2
    lastHandshakeTime: 2026-11-26T02:14:31Z
    lastUsedEndpoint: 10.0.0.1:51820
    lastEndpointChange: 2026-11-26T02:14:31Z
"""
NEWER = OURS.replace("    label: one\n", "    label: one\n    hops: 3\n    via:\n        - a\n        - b\n")
HOPS = bytes([0xA0, 0x06, 3])  # field 100, as a newer Talos would send it


def from_a_newer_node() -> Resource[KubeSpanPeerStatus]:
    """What a node of a release that we do not know sends: a field more in the message, two names more in the YAML."""
    known = resource_from_yaml(OURS)
    message = resource_to_wire(known)
    spec = spec_to_wire(known.spec)
    yaml = resource_to_yaml(resource_from_yaml(NEWER)).partition("spec:\n")[2].replace("\n    ", "\n").removeprefix("    ").rstrip(" ")
    body = b"".join(bytes([tag]) + _size(data) + data for tag, data in ((0x0A, spec + HOPS), (0x12, yaml.encode())))
    metadata = message[: message.index(spec) - 1]
    head = metadata[: metadata.rindex(b"\x12")]
    return resource_from_wire(head + b"\x12" + _size(body) + body)


def _size(data: bytes) -> bytes:
    return bytes([len(data) & 127 | 128, len(data) >> 7]) if len(data) > 127 else bytes([len(data)])


def test_a_newer_node_is_shown_as_its_yaml_is() -> None:
    resource = from_a_newer_node()
    assert resource.spec.label == "one"
    assert resource.spec.unknown is not None
    assert resource.spec.unknown.wire == HOPS
    assert resource_to_yaml(resource) == NEWER
    assert '"hops": 3' in resource_to_json(resource)
    assert resource_from_wire(resource_to_wire(resource)) == resource
    # What is not known any more after a change of another field stays.
    assert "hops: 3" in resource_to_yaml(resource.with_spec(label="two"))


@pytest.mark.parametrize("origin", ["a newer node", "YAML", "JSON"])
def test_nothing_is_lost_on_any_way(origin: str, tmp_path: Path) -> None:
    resource: Resource[Any] = resource_from_yaml(NEWER) if origin == "YAML" else from_a_newer_node()
    if origin == "JSON":
        resource = resource_from_json(resource_to_json(resource_from_yaml(NEWER)))
    assert resource_from_wire(resource_to_wire(resource)) == resource
    assert resource_from_wire(resource_to_wire(resource, with_yaml=False)) == resource
    with SqliteState(tmp_path / "x.db") as state:
        state.put(resource)
    with SqliteState(tmp_path / "x.db") as state:
        assert state.get(KubeSpanPeerStatus, "abc=") == resource
    with BackgroundServer(memory_state([resource]), f"unix:{tmp_path}/x.sock") as server, connect_plain(server.address) as node:
        assert node.get(KubeSpanPeerStatus, "abc=") == resource


@pytest.mark.parametrize("target", ["y.wire.json", "y.json", "y.zip", "y.yaml"])
def test_dumps_keep_it(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text(NEWER)
    assert main(["dump", "--from", str(tmp_path / "x.yaml"), "--to", str(tmp_path / target)]) == 0
    assert main(["get", "kubespanpeerstatuses", "--from", str(tmp_path / target), "-o", "yaml"]) == 0
    assert "    hops: 3\n" in capsys.readouterr().out


def test_within_a_message_too() -> None:
    text = OURS.replace("KubeSpanPeerStatuses.kubespan", "Affiliates.cluster").partition("spec:")[0] + (
        "spec:\n    nodeId: a\n    hostname: b\n    kubespan:\n        publicKey: c\n        mood: good\n    zone: d\n"
    )
    resource = resource_from_yaml(text)
    assert isinstance(resource.spec, Affiliate)
    again = resource_from_wire(resource_to_wire(resource, with_yaml=False))
    assert again == resource
    assert "        mood: good\n" in resource_to_yaml(again)


@pytest.mark.parametrize(("yaml", "cell"), [("controlplane\n", "controlplane"), ("<REDACTED>\n", "<REDACTED>"), ("7\n", "7")])
def test_a_spec_that_is_a_mere_value_has_its_column(yaml: str, cell: str) -> None:
    kind = attrs.evolve(untyped("MachineTypes.config.talos.dev", "config"), columns=(Column("Type", "{@}"), Column("X", "{.x}")))
    resource = Resource.new(untyped_spec(yaml), id="machine-type", kind=kind)
    assert Cells(kind, Shape()).row(resource) == ["machine-type", "undefined", cell, ""]


@pytest.mark.parametrize("entry", [b"\x08\x05\x12\x01b", b"\x0a\x01a\x10\x05", b"\x09" + b"\0" * 8], ids=["key", "value", "double"])
def test_parts_of_an_entry_with_another_wire_type_are_passed_over(entry: bytes) -> None:
    """As protobuf does: they are of a field that nobody knows."""
    labels = spec_from_wire(NodeStatus, b"\x22" + bytes([len(entry)]) + entry).labels
    assert list(labels.items()) == [("a" if b"a" in entry else "", "b" if b"b" in entry else "")]
