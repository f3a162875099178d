"""Every type through every codec and back, with values as strange as they may be."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.plain import metadata_to_plain, resource_from_plain, resource_to_plain, spec_from_plain, spec_to_plain
from talos_resources.codec.specs import spec_from_wire, spec_to_wire
from talos_resources.codec.text import resource_from_json, resource_from_yaml, resource_to_json, resource_to_yaml, spec_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.kind import own_kinds, typed_kinds, untyped
from talos_resources.model.spec import Unknown
from talos_resources.releases import NEWEST
from talos_resources.resources import Affiliate, ControlPlane, KubeSpanAffiliate, KubeSpanPeerStatus, ResourceDefinition
from talos_resources.testing import strategies

_OWN = [*(kind.spec for kind in own_kinds()), KubeSpanAffiliate, ControlPlane]
_OTHERS = [kind.spec for kind in typed_kinds() if kind.spec not in _OWN]
_CASSETTES = untyped("Cassettes.test.talos.dev", "test")


def _as_printed(spec: Any) -> Any:
    """What YAML keeps of a spec: of an affiliate not an empty KubeSpan part, of Talos's other types what Talos prints."""
    if isinstance(spec, Affiliate) and spec.kubespan == KubeSpanAffiliate():
        return attrs.evolve(spec, kubespan=None)
    return spec if type(spec) in _OWN else spec_from_plain(type(spec), spec_to_plain(spec))


@pytest.mark.parametrize("cls", _OWN)
def test_specs(cls: Any) -> None:
    @settings(max_examples=40)
    @given(strategies.specs(cls))
    def check(spec: Any) -> None:
        assert spec_from_wire(cls, spec_to_wire(spec)) == spec
        assert spec_from_plain(cls, spec_to_plain(spec)) == _as_printed(spec)
        assert spec_to_yaml(spec) == dump(spec_to_plain(spec), style=NEWEST.yaml)

    check()


@pytest.mark.parametrize("cls", _OTHERS)
def test_specs_of_other_types(cls: Any) -> None:
    """Nothing is lost on the wire; YAML, which does not show all, says the same when it is read and written again."""

    @settings(max_examples=10)
    @given(strategies.specs(cls))
    def check(spec: Any) -> None:
        assert spec_from_wire(cls, spec_to_wire(spec)) == spec
        assert spec_to_yaml(spec) == dump(spec_to_plain(spec), style=NEWEST.yaml)
        printed = _as_printed(spec)
        assert _as_printed(printed) == printed

    check()


@given(strategies.any_resources())
def test_resources_as_protobuf(resource: Any) -> None:
    assert resource_from_wire(resource_to_wire(resource)) == resource


@given(strategies.any_resources(whole_seconds=True))
def test_resources_as_text(resource: Any) -> None:
    printed = attrs.evolve(resource, spec=_as_printed(resource.spec))
    assert resource_from_plain(resource_to_plain(resource)) == printed
    assert resource_from_yaml(resource_to_yaml(resource, head={"node": "true", "event": "created"})) == printed
    assert resource_from_json(resource_to_json(resource, head={"node": "10.5.0.2"})) == printed


@given(strategies.resources(_CASSETTES, whole_seconds=True))
def test_metadata_is_written_as_its_plain_values_are(resource: Any) -> None:
    style = NEWEST.yaml
    whole = dump({"metadata": metadata_to_plain(resource)}, style=style, width=style.get_width)
    assert resource_to_yaml(resource).startswith(whole.replace("\n    owner: null\n", "\n    owner:\n", 1))


@given(strategies.resources(_CASSETTES, whole_seconds=True))
def test_untyped_resources(resource: Any) -> None:
    assert resource_from_wire(resource_to_wire(resource)) == resource
    back = resource_from_yaml(resource_to_yaml(resource))
    assert back.metadata == resource.metadata
    assert spec_to_plain(back.spec) == spec_to_plain(resource.spec)
    assert resource_to_yaml(back) == resource_to_yaml(resource)
    assert resource_to_json(resource_from_json(resource_to_json(resource))) == resource_to_json(resource)


_extra = st.dictionaries(
    st.text("abc", min_size=3, max_size=9).map(lambda name: f"x{name}"),
    st.one_of(st.none(), st.integers(-5, 5), strategies.texts(), st.lists(st.booleans(), max_size=2).map(tuple)),
    min_size=1,
    max_size=3,
)


@given(strategies.specs(KubeSpanPeerStatus), _extra)
def test_unknown_keys_survive(spec: Any, extra: Any) -> None:
    spec = attrs.evolve(spec, unknown=Unknown(fields=tuple(extra.items())))
    plain = spec_to_plain(spec)
    assert list(plain)[-len(extra) :] == list(extra)
    assert spec_from_plain(KubeSpanPeerStatus, plain) == spec
    assert spec_to_yaml(spec) == dump(plain, style=NEWEST.yaml)


def test_unknown_keys_of_nested_messages_survive() -> None:
    plain = {"type": "A.b.c", "printColumns": [{"name": "N", "jsonPath": "{.n}", "width": {"min": [1, 2]}}]}
    spec = spec_from_plain(ResourceDefinition, plain)
    assert spec.print_columns[0].unknown == Unknown(fields=(("width", immutabledict({"min": (1, 2)})),))
    assert spec_to_plain(spec)["printColumns"] == plain["printColumns"]
    assert hash(spec) is not None


# Fields 50 (varint), 51 (text), 52 (64 bits), 53 (group with a field), 54 (32 bits).
_UNKNOWN = b"\x90\x03\x96\x01\x9a\x03\x03abc\xa1\x0312345678\xab\x03\x08\x01\xac\x03\xb5\x031234"


@given(strategies.specs(Affiliate), st.sampled_from([b"", _UNKNOWN]))
def test_unknown_protobuf_fields_survive(spec: Any, inner: Any) -> None:
    known = spec_to_wire(spec)
    # A field before and after, and one within a message of its own.
    data = _UNKNOWN + known + (b"\x42" + bytes([len(inner)]) + inner if inner else b"") + _UNKNOWN
    back = spec_from_wire(Affiliate, data)
    assert back.unknown == Unknown(wire=_UNKNOWN + _UNKNOWN)
    if inner:
        assert back.control_plane is not None
        assert back.control_plane.unknown == Unknown(wire=inner)
    again = spec_to_wire(back)
    assert again.endswith(_UNKNOWN + _UNKNOWN)
    assert spec_from_wire(Affiliate, again) == back
