"""Types that say how a node's network is: its links, routes and rules, and what is no address of Kubernetes."""

from __future__ import annotations

from typing import Final

from talos_resources.model.kind import untyped

LINK_STATUSES: Final = untyped("LinkStatuses.net.talos.dev", "network")
ROUTE_STATUSES: Final = untyped("RouteStatuses.net.talos.dev", "network")
POLICY_RULE_STATUSES: Final = untyped("RoutingRuleStatuses.net.talos.dev", "network")
"""The policy rules that the kernel has, KubeSpan's among them."""
ADDRESS_FILTERS: Final = untyped("NodeAddressFilters.net.talos.dev", "network")
SORT_ALGORITHMS: Final = untyped("NodeAddressSortAlgorithms.net.talos.dev", "network")
