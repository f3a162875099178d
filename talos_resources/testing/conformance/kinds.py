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

# Types that have no class, whatever else has been imported.
_STATUSES = ResourceDefinition(
    resource_type="WidgetStatuses.test.talos.dev",
    display_type="WidgetStatus",
    default_namespace="test",
    aliases=("widget", "widgets", "widgetstatus", "ws"),
    all_aliases=("widgetstatuses", "widgetstatuses.test", "widgetstatuses.test.talos", "widget", "widgets", "widgetstatus", "ws"),
    print_columns=(PrintColumn(name="Kind", json_path="{.kind}"),),
    sensitivity=Sensitivity.SENSITIVE,
)
_SPECS = ResourceDefinition(
    resource_type="WidgetSpecs.test.talos.dev",
    display_type="WidgetSpec",
    default_namespace="test",
    aliases=("widgetspec", "ws"),
    all_aliases=("widgetspecs", "widgetspecs.test", "widgetspecs.test.talos", "widgetspec", "ws"),
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
        for definition in (_STATUSES, _SPECS):
            state.create(Resource.new(definition, id=definition.resource_type.lower()))
        for name in ("widgetstatuses.test.talos.dev", "widgetstatuses.test", "Widgets", "WIDGET", "widgetstatus"):
            found = state.kind(name)
            assert (found.type, found.namespace, found.display_type) == ("WidgetStatuses.test.talos.dev", "test", "WidgetStatus")
            assert (found.spec, found.columns, found.sensitive) == (UntypedSpec, (Column("Kind", "{.kind}"),), True)
        stored = state.create(Resource.new(UntypedSpec(), id="eth0", kind=untyped(found.type, found.namespace)))
        assert state.get(state.kind("widgets"), "eth0") == stored

    def test_what_several_types_share_is_ambiguous(self, state: State) -> None:
        for definition in (_STATUSES, _SPECS):
            state.create(Resource.new(definition, id=definition.resource_type.lower()))
        with pytest.raises(AmbiguousKindError, match=r"widgetspecs\.test\.talos\.dev widgetstatuses\.test\.talos\.dev") as caught:
            state.kind("WS")
        assert len(caught.value.matches) == 2

    def test_an_unknown_name_is_helped(self, state: State) -> None:
        with pytest.raises(UnknownKindError, match=r"did you mean kubespanpeerspecs.* or kubespanpeerstatuses") as caught:
            state.kind("kubespanpeers")
        assert len(caught.value.suggestions) == 2
        with pytest.raises(UnknownKindError, match='no resource type or alias "zzz"; `rd` lists all types'):
            state.kind("zzz")
