"""Recorded bytes of a real node against what the real talosctl printed of them."""

from __future__ import annotations

import base64
import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from talos_resources.codec.plain import resource_from_plain
from talos_resources.codec.specs import spec_to_wire
from talos_resources.codec.text import documents_from_yaml, resource_from_json, resource_from_yaml, resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.kind import own_kind
from talos_resources.model.resource import Resource
from talos_resources.releases import known_release

_DATA = Path(__file__).parent.parent / "data" / "talosctl"
_STYLE = known_release("v1.12").yaml
_NAMES = ["docs", "odd1", "odd2", "types1"]


def _load(name: Any) -> Any:
    return json.loads(lzma.decompress((_DATA / f"{name}.json.xz").read_bytes()))


@cache
def _wire(name: Any) -> Any:
    return [base64.b64decode(entry["wire"]) for entry in _load(f"{name}.wire")]


@cache
def _resources(name: Any) -> Any:
    return {(r.type, r.namespace, r.id): r for r in map(resource_from_wire, _wire(name))}


def _cases(name: Any, output: Any) -> Any:
    cases = _load(f"{name}.cases")["cases"]
    return [c for c in cases if c["args"][0] == "get" and c["args"][-2:] == ["-o", output] and c["exit"] == 0 and not c.get("watch")]


def _json_documents(text: Any) -> Any:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        value, end = decoder.raw_decode(text, position)
        yield value, text[position:end]
        position = end + 1


@pytest.mark.parametrize("name", _NAMES)
def test_yaml_is_talosctls(name: Any) -> None:
    cases = _cases(name, "yaml")
    assert cases
    for case in cases:
        documents = list(documents_from_yaml(case["stdout"], source="stdout"))
        found = [_resources(name)[d["metadata"]["type"], d["metadata"]["namespace"], d["metadata"]["id"]] for d in documents]
        printed = [
            resource_to_yaml(r, head={"node": d["node"]}, style=_STYLE, talosctl=True) for r, d in zip(found, documents, strict=True)
        ]
        assert "---\n".join(printed) == case["stdout"], case["args"]
        for resource, text in zip(found, printed, strict=True):
            back = resource_from_yaml(text)
            # talosctl leaves out of definitions what its class does not know; of other types YAML does not show all.
            if resource.type == "ResourceDefinitions.meta.cosi.dev" or own_kind(resource.type) is None:
                continue
            assert resource_to_yaml(Resource(back.metadata, back.spec)) == resource_to_yaml(Resource(resource.metadata, resource.spec))
            assert back.spec == resource.spec


@pytest.mark.parametrize("name", _NAMES)
def test_json_is_talosctls(name: Any) -> None:
    cases = _cases(name, "json")
    assert cases
    for case in cases:
        for document, text in _json_documents(case["stdout"]):
            metadata = document["metadata"]
            resource = _resources(name)[metadata["type"], metadata["namespace"], metadata["id"]]
            assert resource_to_json(resource, head={"node": document["node"]}, talosctl=True) == text
            back = resource_from_json(text)
            assert back == resource_from_plain(document)
            if resource.type != "ResourceDefinitions.meta.cosi.dev":  # talosctl leaves out what its class does not know
                assert back.spec == resource.spec or own_kind(resource.type) is None


@pytest.mark.parametrize("name", _NAMES)
def test_wire_is_the_nodes(name: Any) -> None:
    """Specs are equal byte for byte; so are resources, but for the order of labels, which Go leaves to chance."""
    for data in _wire(name):
        resource = resource_from_wire(data)
        again = resource_to_wire(resource)
        if own_kind(resource.type) is not None:  # of others what came is sent again
            assert spec_to_wire(resource.spec) in data
        assert resource_from_wire(again) == resource
        # Talos's definitions know a key in YAML that they do not send in the message.
        if b"skipAutomaticAliases" not in data:
            assert len(again) == len(data)
            assert again == data or len(resource.metadata.labels) > 1 or len(resource.metadata.annotations) > 1
