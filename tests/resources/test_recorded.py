"""What nodes sent, through the classes and back; and the same messages with what other nodes might send in them."""

from __future__ import annotations

import base64
import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import SCALARS, fields_of
from talos_resources.codec.plain import spec_from_plain, spec_to_plain
from talos_resources.codec.protowire import lengthened, tag
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.text import resource_to_yaml, spec_to_yaml
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.duration import Duration
from talos_resources.model.kind import typed_kinds
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Unread
from talos_resources.releases import known_release
from talos_resources.resources import EthernetStatus, SeccompProfile
from tests.golden.types import difference

_DATA = Path(__file__).parent.parent / "data" / "talosctl"
_RELEASES = {"types1": "v1.13", "types14": "v1.14.0-rc.1"}
by_recording = pytest.mark.parametrize("name", sorted(_RELEASES))


@cache
def _wires(name: str) -> list[bytes]:
    return [base64.b64decode(entry["wire"]) for entry in json.loads(lzma.decompress((_DATA / f"{name}.wire.json.xz").read_bytes()))]


@cache
def _messages(name: str) -> list[tuple[type[Any], bytes]]:
    """The class and the message of each resource."""
    found = [resource_from_wire(wire) for wire in _wires(name)]
    return [(type(one.spec), one.parts[0] if isinstance(one, Unread) else encode(one.spec)) for one in found]


@by_recording
def test_every_resource_comes_back(name: str) -> None:
    release = known_release(_RELEASES[name])
    assert [found for wire in _wires(name) if (found := difference(wire, release))] == []


@by_recording
def test_fields_of_later_releases_are_kept(name: str) -> None:
    later = lengthened(tag(4000, 2), b"later") + tag(4001, 0) + b"\x07"
    for cls, message in _messages(name):
        spec = spec_from_wire(cls, message + later)
        assert sorted(encode(spec)) == sorted(message + later), cls
        assert spec_to_plain(attrs.evolve(spec, unknown=None)) == spec_to_plain(attrs.evolve(spec_from_wire(cls, message), unknown=None)), (
            cls
        )


@by_recording
def test_zeros_that_are_sent_are_zeros(name: str) -> None:
    """Some encoders send zeros: they say the same as nothing, and are not sent on."""
    for cls, message in _messages(name):
        spec = spec_from_wire(cls, message)
        for info in fields_of(cls):
            if info.shape not in SCALARS or info.plural or info.optional:
                continue
            zero = spec_from_wire(cls, message + tag(info.number, 0) + b"\0")
            assert zero == attrs.evolve(spec, **{info.name: info.default}), (cls, info.name)
            assert encode(zero) == encode(attrs.evolve(spec, **{info.name: info.default}))


@by_recording
def test_a_field_that_was_not_sent_is_its_default(name: str) -> None:
    for cls, message in _messages(name):
        spec = spec_from_wire(cls, message)
        for info in fields_of(cls):
            without = attrs.evolve(spec, **{info.name: info.default})
            assert spec_from_wire(cls, encode(without)) == without, (cls, info.name)
            again = spec_from_plain(cls, spec_to_plain(without))
            assert spec_to_plain(again) == spec_to_plain(without), (cls, info.name)


def test_durations_of_either_sign() -> None:
    seen = 0
    for kind in typed_kinds():
        for info in fields_of(kind.spec):
            if info.shape != "duration" or info.plural:
                continue
            seen += 1
            for length in (Duration(-1_500_000_000), Duration(-1), Duration(2**62), Duration.ZERO):
                spec = kind.spec(**{info.name: length})
                assert spec_from_wire(kind.spec, encode(spec)) == spec
                assert getattr(spec_from_plain(kind.spec, spec_to_plain(spec)), info.name) == length or (info.omit_empty and not length)
    assert seen > 5


def test_lists_without_anything_in_them() -> None:
    for kind in typed_kinds():
        for info in fields_of(kind.spec):
            if info.repeated:
                spec = kind.spec(**{info.name: ()})
                assert spec_to_plain(spec_from_plain(kind.spec, spec_to_plain(spec))) == spec_to_plain(spec), (kind.type, info.name)
                assert not encode(spec).startswith(tag(info.number, 2)), (kind.type, info.name)


def test_a_spec_that_is_an_empty_mapping_stands_behind_its_key() -> None:
    empty = [kind for kind in typed_kinds() if spec_to_plain(kind.spec()) == {}]
    assert len(empty) > 2
    for kind in empty:
        made: Resource[Any] = Resource.new(kind.spec(), id="a")
        assert resource_to_yaml(made).endswith("\nspec: {}\n"), kind.type


def test_what_was_made_here_is_written_in_the_style_that_is_asked_for() -> None:
    spec = SeccompProfile(name="off")
    assert spec_to_yaml(spec).startswith("name: 'off'\n")
    assert spec_to_yaml(spec, style=known_release("v1.13").yaml).startswith('name: "off"\n')
    made: Resource[Any] = Resource.new(spec, id="a")
    assert '    name: "off"\n' in resource_to_yaml(made, style=known_release("v1.13").yaml)


def test_features_of_a_link_stand_bare() -> None:
    """Go does not quote them, but those that would be read as something else are quoted here."""
    text = spec_to_yaml(EthernetStatus(features={"null": "off", "tx": "on [fixed]"}))
    assert 'features:\n    "null": off\n    tx: on [fixed]\n' in text
