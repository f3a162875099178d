"""The controller that collects what KubeSpan asks of the host's network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from talos_resources.agent.plan import Wanted
from talos_resources.kubespan.network_specs import (
    ADDRESS_SPECS,
    CHAINS,
    LINK_SPECS,
    POLICY_RULE_SPECS,
    ROUTE_SPECS,
    SPEC_NAMESPACE,
)
from talos_resources.kubespan.rendered import Form, T
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input

_FORMS: Final = (LINK_SPECS, ADDRESS_SPECS, ROUTE_SPECS, POLICY_RULE_SPECS, CHAINS)


class NetworkController(Controller):
    """Hands what KubeSpan asks of the host's network to whoever keeps it so."""

    name = "network.KubeSpanController"
    inputs = tuple(Input(kind=form.kind, namespace=SPEC_NAMESPACE) for form in _FORMS)

    def __init__(self, want: Callable[[Wanted], None], *, link: str) -> None:
        """Takes whom to tell, and what the link is called on this host."""
        self._want = want
        self._name = link

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""

        def values(form: Form[T]) -> tuple[T, ...]:
            return tuple(form.value(found) for found in context.list(form.kind, namespace=SPEC_NAMESPACE))

        links = values(LINK_SPECS)
        if not links:
            self._want(Wanted())
            return
        [link] = links
        self._want(
            Wanted(
                link=attrs.evolve(link, name=self._name),
                addresses=tuple(attrs.evolve(address, link=self._name) for address in values(ADDRESS_SPECS)),
                routes=tuple(attrs.evolve(route, link=self._name) for route in values(ROUTE_SPECS)),
                rules=values(POLICY_RULE_SPECS),
                chains=values(CHAINS),
            )
        )
