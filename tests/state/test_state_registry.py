"""Names of kinds: who they find, and what is suggested instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import AmbiguousKindError, UnknownKindError
from talos_resources.model.kind import Kind, names, own_kinds, singular, typed_kinds
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources.meta.definition import definition_of
from talos_resources.state.registry import defined_kind, resolve, resolve_defined


def make(type: str, *extra: str) -> Kind[UntypedSpec]:
    short, every = names(type, extra_aliases=extra)
    plural = type.partition(".")[0]
    return Kind(type=type, namespace="n", spec=UntypedSpec, display_type=singular(plural), aliases=every, short_aliases=short)


KINDS = [
    make("KubeSpanPeerSpecs.kubespan.talos.dev", "kspss"),
    make("KubeSpanPeerStatuses.kubespan.talos.dev"),
    make("Nodenames.k8s.talos.dev"),
]


def message(name: str) -> str:
    with pytest.raises(UnknownKindError) as caught:
        resolve(name, KINDS)
    return caught.value.message


def test_what_is_suggested() -> None:
    assert message("kubespanpeers") == (
        'no resource type or alias "kubespanpeers"; did you mean kubespanpeerspecs (kspss) or kubespanpeerstatuses? `rd` lists all types'
    )
    assert message("kubespanpeerstatusse").count(" or ") == 2
    assert "did you mean nodenames?" in message("nodenaems")
    assert "did you mean nodenames?" in message("node"), "the beginning of a name"
    assert message("xyz") == 'no resource type or alias "xyz"; `rd` lists all types'


def test_aliases_of_several_types_are_ambiguous() -> None:
    with pytest.raises(AmbiguousKindError) as caught:
        resolve("KSPS", KINDS)
    assert caught.value.matches == ("kubespanpeerspecs.kubespan.talos.dev", "kubespanpeerstatuses.kubespan.talos.dev")


def test_a_definition_and_its_kind_are_two_ways_to_say_the_same() -> None:
    for kind in own_kinds():
        assert defined_kind(definition_of(kind)) == kind


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_name_finds_or_is_refused(name: str) -> None:
    try:
        found = resolve(name, KINDS)
    except (UnknownKindError, AmbiguousKindError) as error:
        assert repr(name)[1:-1] or error.message
    else:
        assert name.lower() == found.id or name.lower() in found.aliases


def held_state(count: int) -> MemoryState:
    """A state that defines so many types of Talos, the last of them by their names."""
    state = MemoryState()
    for kind in sorted(typed_kinds(), key=lambda kind: kind.id, reverse=True)[:count]:
        state.create(Resource.new(definition_of(kind), id=kind.id))
    return state


def test_what_holds_some_types_knows_the_names_of_all() -> None:
    """What is simulated or pasted holds nothing of a type that it does not define; a node that defines its types lacks it."""
    with held_state(20) as simulated:
        assert [simulated.kind(name).type for name in ("links", "Disks", "kse")] == [
            "LinkStatuses.net.talos.dev", "Disks.block.talos.dev", "KubeSpanEndpoints.kubespan.talos.dev",
        ]  # fmt: skip
        with pytest.raises(UnknownKindError, match="nosuch"):
            simulated.kind("nosuch")
    with held_state(150) as node, pytest.raises(UnknownKindError, match='"bgpinstanceconfigs"'):
        node.kind("bgpinstanceconfigs")


def outcome(resolver: Callable[[], Kind[Any]]) -> Kind[Any] | str:
    try:
        return resolver()
    except (UnknownKindError, AmbiguousKindError) as error:
        return error.message


@pytest.mark.parametrize("left_out", [(), ("Members.cluster.talos.dev", "Namespaces.meta.cosi.dev")])
def test_resolving_by_definitions_is_resolving_among_all_kinds(left_out: tuple[str, ...]) -> None:
    """Also where a definition takes an alias of a class that the node does not define, and where one is there twice."""
    own = make("NewSettings.ns.example.dev", "ns", "cluster")
    definitions = [definition_of(kind) for kind in (*own_kinds(), own, *KINDS, own) if kind.type not in left_out]
    every = {kind.type: kind for kind in (*own_kinds(), *map(defined_kind, definitions))}.values()
    asked = {name for kind in every for name in (kind.type, kind.id, *kind.aliases)} | {"", "nosuch", "KSPS", "Member"}
    for name in asked:
        assert outcome(partial(resolve_defined, name, definitions)) == outcome(partial(resolve, name, every)), name
