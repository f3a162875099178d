"""Looking kinds up by their names."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import pytest

from talos_resources.model.errors import AmbiguousKindError, UnknownKindError
from talos_resources.model.kind import Column, kind_of, untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanPeerStatus, PrintColumn, ResourceDefinition, Sensitivity
from talos_resources.state.contract import State
from talos_resources.testing.conformance.parts import Conformance

_LINKS = ResourceDefinition(
    resource_type="LinkStatuses.net.talos.dev",
    display_type="LinkStatus",
    default_namespace="network",
    aliases=("link", "links", "linkstatus", "ls"),
    all_aliases=("linkstatuses", "linkstatuses.net", "linkstatuses.net.talos", "link", "links", "linkstatus", "ls"),
    print_columns=(PrintColumn(name="Kind", json_path="{.kind}"),),
    sensitivity=Sensitivity.SENSITIVE,
)
_SPECS = ResourceDefinition(
    resource_type="LinkSpecs.net.talos.dev",
    display_type="LinkSpec",
    default_namespace="network",
    aliases=("linkspec", "ls"),
    all_aliases=("linkspecs", "linkspecs.net", "linkspecs.net.talos", "linkspec", "ls"),
)


class KindConformance(Conformance):
    """What names find."""

    @pytest.mark.parametrize(
        "name",
        [
            "KubeSpanPeerStatuses.kubespan.talos.dev",
            "kubespanpeerstatuses.kubespan.talos.dev",
            "kubespanpeerstatuses.kubespan.talos",
            "kubespanpeerstatuses.kubespan",
            "kubespanpeerstatuses",
            "KubeSpanPeerStatus",
            "kubespanpeerstatus",
        ],
    )
    def test_typed_kinds_have_their_names(self, state: State, name: str) -> None:
        found = state.kind(name)
        assert (found.type, found.spec) == (kind_of(KubeSpanPeerStatus).type, KubeSpanPeerStatus)

    def test_definitions_in_the_state_count(self, state: State) -> None:
        for definition in (_LINKS, _SPECS):
            state.create(Resource.new(definition, id=definition.resource_type.lower()))
        for name in ("linkstatuses.net.talos.dev", "linkstatuses.net", "Links", "LINK", "linkstatus"):
            found = state.kind(name)
            assert (found.type, found.namespace, found.display_type) == ("LinkStatuses.net.talos.dev", "network", "LinkStatus")
            assert (found.spec, found.columns, found.sensitive) == (UntypedSpec, (Column("Kind", "{.kind}"),), True)
        stored = state.create(Resource.new(UntypedSpec(), id="eth0", kind=untyped(found.type, found.namespace)))
        assert state.get(state.kind("links"), "eth0") == stored

    def test_what_several_types_share_is_ambiguous(self, state: State) -> None:
        for definition in (_LINKS, _SPECS):
            state.create(Resource.new(definition, id=definition.resource_type.lower()))
        with pytest.raises(AmbiguousKindError, match=r"linkspecs\.net\.talos\.dev linkstatuses\.net\.talos\.dev") as caught:
            state.kind("LS")
        assert len(caught.value.matches) == 2

    def test_an_unknown_name_is_helped(self, state: State) -> None:
        with pytest.raises(UnknownKindError, match=r"did you mean kubespanpeerspecs.* or kubespanpeerstatuses") as caught:
            state.kind("kubespanpeers")
        assert len(caught.value.suggestions) == 2
        with pytest.raises(UnknownKindError, match='no resource type or alias "zzz"; `rd` lists all types'):
            state.kind("zzz")
