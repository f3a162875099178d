"""Whatever a file holds: resources, or one clear error that names the file."""

from __future__ import annotations

import base64
import json
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.codec.text import resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import own_kinds
from talos_resources.sources.demo.state import DemoState
from talos_resources.sources.documents import by_node, parse
from talos_resources.sources.load import memory_state


def read(data: bytes) -> None:
    message = error_of(data)
    assert message is None or ("the-file" in message and "\n" not in message)


def error_of(data: bytes) -> str | None:
    """What is said of a file; None if it is fine."""
    try:
        for resources in by_node(parse(data, source="the-file")).values():
            memory_state(resources)
    except TalosResourcesError as error:
        return error.message
    return None


@cache
def files() -> tuple[bytes, ...]:
    """A good file of each form."""
    resources = [resource for kind in own_kinds() if kind.namespace != "meta" for resource in DemoState(0).list(kind)]
    wire = [{"id": r.id, "wire": base64.b64encode(resource_to_wire(r)).decode()} for r in resources]
    return (
        "---\n".join(resource_to_yaml(r, head={"node": "a"}) for r in resources).encode(),
        "\n".join(resource_to_json(r, head={"node": "a"}) for r in resources).encode(),
        json.dumps(wire).encode(),
    )


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="{}[]:,-&*!|>'\"%@` \n\tab01", max_size=60).map(str.encode))
def test_garbage(data: bytes) -> None:
    read(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_good_file_with_a_fault(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from(files()))
    start = data.draw(st.integers(0, len(good) - 1))
    length = data.draw(st.integers(0, 40))
    read(good[:start] + data.draw(st.binary(max_size=8)) + good[start + length :])
    read(good[:start])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_wire_bytes_with_a_fault(data: st.DataObject) -> None:
    entries = json.loads(files()[2])
    entry = data.draw(st.sampled_from(entries))
    wire = bytearray(base64.b64decode(entry["wire"]))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    read(json.dumps([{"wire": base64.b64encode(bytes(wire)).decode()}]).encode())


def test_good_files_are_good() -> None:
    for data in files():
        assert error_of(data) is None
        [resources] = by_node(parse(data, source="x")).values()
        assert len(resources) > 20
