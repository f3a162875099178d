"""The controllers that collect what several layers of the configuration ask of the network.

On this host there is one layer, KubeSpan's. Source: Talos v1.14, the merge controllers of the network: their names,
and the ids of what they write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from talos_resources.kubespan.network_specs import ADDRESS_SPECS, LINK_SPECS, POLICY_RULE_SPECS, ROUTE_SPECS, SPEC_NAMESPACE
from talos_resources.kubespan.rendered import Form
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output


class MergeController(Controller):
    """Copies the specs of one kind out of the layers into the namespace of what holds."""

    def __init__(self, name: str, form: Form[Any], id_of: Callable[[str, Any], str]) -> None:
        """Takes its name, the kind, and how the id follows from the layer's id and the value."""
        self.name = name
        self.inputs = (Input(kind=form.kind, namespace=SPEC_NAMESPACE),)
        self.outputs = (Output(kind=form.kind),)
        self._form = form
        self._id_of = id_of

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        layers = context.list(self._form.kind, namespace=SPEC_NAMESPACE)
        context.replace(self._form.kind, {self._id_of(found.id, self._form.value(found)): found.spec for found in layers})


def merge_controllers() -> list[Controller]:
    """One for each kind of spec."""
    return [MergeController(f"network.{name}MergeController", form, id_of) for name, form, id_of in _KINDS]


def _without_layer(id: str, _value: Any) -> str:
    return id.partition("/")[2]


_KINDS: Final[tuple[tuple[str, Form[Any], Callable[[str, Any], str]], ...]] = (
    ("Link", LINK_SPECS, _without_layer),
    ("Address", ADDRESS_SPECS, lambda _id, address: f"{address.link}/{address.address}"),
    ("Route", ROUTE_SPECS, _without_layer),
    ("RoutingRule", POLICY_RULE_SPECS, _without_layer),
)
