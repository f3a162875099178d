"""Values built through their mutable twins are the same values."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.model.build import evolve, same, twin
from talos_resources.model.metadata import NO_LABELS, Metadata, Phase
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanEndpoint, KubeSpanPeerStatus, PeerState
from talos_resources.state.events import Created, Updated

RESOURCE = Resource.new(KubeSpanPeerStatus(label="x", endpoint=AddrPort.parse("10.0.0.1:1")), id="a", labels={"l": "1"})


def test_a_stamped_resource_is_the_one_that_attrs_makes() -> None:
    stamped = RESOURCE.stamped(3, "me", Timestamp(1), Timestamp(2))
    metadata = attrs.evolve(RESOURCE.metadata, version=3, owner="me", created=Timestamp(1), updated=Timestamp(2))
    assert stamped == attrs.evolve(RESOURCE, metadata=metadata)
    assert (type(stamped), type(stamped.metadata)) == (Resource, Metadata)
    assert hash(stamped) == hash(attrs.evolve(RESOURCE, metadata=metadata))
    assert pickle.loads(pickle.dumps(stamped)) == stamped


def test_what_was_built_is_frozen() -> None:
    stamped: Any = RESOURCE.stamped(1, "", Timestamp(1), Timestamp(2))
    for value, field in ((stamped, "spec"), (stamped.metadata, "version"), (stamped.with_spec(label="y").spec, "label")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field, None)


@pytest.mark.parametrize("cls", [Metadata, Resource, Created, Updated, KubeSpanPeerStatus, KubeSpanEndpoint])
def test_all_values_of_the_hot_paths_have_twins(cls: type[Any]) -> None:
    assert twin(cls).__basicsize__ == cls.__basicsize__


@settings(max_examples=50)
@given(
    st.fixed_dictionaries(
        {}, optional={"label": st.text(), "receive_bytes": st.integers(-(2**63), 2**63 - 1), "state": st.sampled_from(PeerState)}
    )
)
def test_evolve_is_that_of_attrs(changes: dict[str, Any]) -> None:
    spec = RESOURCE.spec
    changed = evolve(spec, changes)
    assert changed == attrs.evolve(spec, **changes)
    assert same(changed, spec) is (changed == spec)
    assert RESOURCE.with_spec(**changes) == attrs.evolve(RESOURCE, spec=changed)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match="KubeSpanPeerStatus has no field 'colour'; it has endpoint, label"):
        RESOURCE.with_spec(colour="red")
    with pytest.raises(TypeError, match="Metadata has no field 'ids'"):
        RESOURCE.with_metadata(ids="x")


@attrs.frozen
class Checked:
    """A class that checks, which must not be passed over."""

    number: int = attrs.field(validator=attrs.validators.gt(0))


def test_a_class_that_checks_is_built_by_attrs() -> None:
    assert evolve(Checked(1), {"number": 2}) == Checked(2)
    with pytest.raises(ValueError, match="must be > 0"):
        evolve(Checked(1), {"number": 0})
    with pytest.raises(TypeError, match="does more"):
        twin(Checked)


def test_same_is_equality() -> None:
    assert same(Checked(1), Checked(1))
    assert not same(Checked(1), Checked(2))
    assert same((1, 2), (1, 2))
    assert not same(Checked(1), 1)
    assert same(RESOURCE.spec, pickle.loads(pickle.dumps(RESOURCE.spec)))


def test_same_content_ignores_times_and_the_order_of_finalizers() -> None:
    one = RESOURCE.with_finalizers("f", "g")
    assert one.same_content(one.with_finalizers("g", "f").with_metadata(created=Timestamp(5), updated=Timestamp(6)))
    for changes in (
        {"namespace": "x"},
        {"type": "x"},
        {"id": "x"},
        {"version": 2},
        {"owner": "x"},
        {"phase": Phase.TEARING_DOWN},
        {"labels": NO_LABELS},
        {"annotations": RESOURCE.labels},
        {"finalizers": ("f",)},
    ):
        assert not one.same_content(one.with_metadata(**changes))
    assert not one.same_content(one.with_spec(label="y"))


def test_shortcuts_make_new_resources() -> None:
    changed = RESOURCE.with_labels(m="2").without_labels("l", "none").with_annotations(n="3").with_finalizers("f", "f")
    assert (dict(changed.labels), dict(changed.metadata.annotations), changed.metadata.finalizers) == ({"m": "2"}, {"n": "3"}, ("f",))
    assert dict(RESOURCE.labels) == {"l": "1"}
    assert RESOURCE.with_spec(KubeSpanPeerStatus()).spec == KubeSpanPeerStatus()
