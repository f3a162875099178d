"""Broken bytes: a clear error or a value, never another exception, never a hang."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.codec.decoder import decoder
from talos_resources.codec.encoder import encode
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.text import resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.codec.wire_metadata import metadata_from_wire, metadata_to_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kinds
from talos_resources.testing import strategies


def _try_resource(data: Any) -> None:
    try:
        resource = resource_from_wire(data)
        resource_to_yaml(resource)
        resource_to_json(resource)
        assert resource_from_wire(resource_to_wire(resource)) == resource
    except DecodeError as error:
        assert str(error)


@given(st.binary(max_size=200))
def test_garbage(data: Any) -> None:
    _try_resource(data)


@given(strategies.any_resources(), st.data())
def test_damaged_resources(resource: Any, data: Any) -> None:
    wire = bytearray(resource_to_wire(resource))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    _try_resource(bytes(wire[: data.draw(st.integers(0, len(wire)))] if data.draw(st.booleans()) else wire))


@pytest.mark.parametrize("cls", [kind.spec for kind in typed_kinds()])
def test_garbage_as_specs(cls: Any) -> None:
    fields = st.tuples(st.integers(0, 12), st.integers(0, 7), st.binary(max_size=20))

    @settings(max_examples=40)
    @given(st.lists(fields, max_size=6))
    def check(parts: Any) -> None:
        data = b"".join(
            bytes([number << 3 | wire_type]) + (bytes([len(body)]) if wire_type == 2 else b"") + body for number, wire_type, body in parts
        )
        try:
            spec_from_wire(cls, data)
        except DecodeError as error:
            assert str(error)

    check()


def _outcome(read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except ValueError as error:
        return str(error), getattr(error, "path", None)


@given(strategies.any_resources(), st.data())
def test_the_fast_way_reads_what_the_thorough_one_reads(resource: Any, data: Any) -> None:
    """Whole, damaged, with fields twice, unknown or in another order: the same value or the same fault."""
    cls = type(resource.spec)
    pairs: list[tuple[Any, bytes]] = [(metadata_from_wire, metadata_to_wire(resource.metadata))]
    if messages_of := [kind for kind in typed_kinds() if kind.spec is cls]:
        pairs.append((decoder(messages_of[0].spec), encode(resource.spec)))
    for read, encoded in pairs:
        changed = bytearray(encoded + data.draw(st.sampled_from((b"", encoded, b"\x7a\x00", b"\x0a\x00", b"\x00"))))
        for _ in range(data.draw(st.integers(0, 3)) if changed else 0):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        given_bytes = bytes(changed[: data.draw(st.integers(0, len(changed)))] if data.draw(st.booleans()) else changed)
        assert _outcome(read, given_bytes) == _outcome(read.__globals__["otherwise"], given_bytes)


def test_deep_groups_are_refused() -> None:
    with pytest.raises(DecodeError, match="groups nested too deeply"):
        resource_from_wire(b"\xa3\x06" * 100_000)
