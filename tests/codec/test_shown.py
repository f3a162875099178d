"""What tables and JSON show of a spec is read by the shorter way: out of the message, or out of the YAML."""

from __future__ import annotations

from typing import Any

import pytest

from talos_resources.codec.encoder import encode
from talos_resources.codec.shown import shown_spec
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.text import spec_to_yaml
from talos_resources.model.kind import typed_kind
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Unread
from talos_resources.resources import AddressSpec, AuditPolicyConfig, LinkStatus, MachineConfig, MetaLoad

_LONG = {"rules": [{"level": "Metadata", "verbs": ["get", "list", "watch"], "users": ["system:apiserver"]} for _ in range(3)]}


class _Looks:
    """Resources as nodes send them, which count how often a message is read."""

    def __init__(self) -> None:
        self.count = 0

    def sent(self, spec: Any, *, more: str = "") -> Resource[Any]:
        metadata = Resource.new(spec, id="x").metadata
        return Unread.of(metadata, encode(spec), spec_to_yaml(spec) + more, self._read)

    def _read(self, type: str, message: bytes, _yaml: str) -> Any:
        self.count += 1
        kind = typed_kind(type)
        assert kind is not None
        return spec_from_wire(kind.spec, message)


def test_a_message_is_read_where_its_class_writes_what_the_node_wrote() -> None:
    looks = _Looks()
    assert shown_spec(looks.sent(LinkStatus(mtu=1500, kind="bond")))["mtu"] == 1500
    assert looks.count == 1


@pytest.mark.parametrize(
    "spec",
    [MetaLoad(done=True), AuditPolicyConfig(config=_LONG), MachineConfig(text="machine:\n    type: worker\n" * 9)],
    ids=["short", "free", "one text"],
)
def test_the_yaml_is_read_where_that_takes_no_longer(spec: Any) -> None:
    looks = _Looks()
    assert shown_spec(looks.sent(spec))
    assert looks.count == 0


def test_few_messages_are_read_where_nodes_write_otherwise() -> None:
    looks = _Looks()
    resources = [looks.sent(AddressSpec(link_name=f"eth{number}"), more="planet: earth\n") for number in range(64)]
    assert all(shown_spec(resource)["planet"] == "earth" for resource in resources)
    assert looks.count < 10
