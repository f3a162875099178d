"""Types without a class that say how a node's network is: its links, routes and rules, and what is no address of Kubernetes."""

from __future__ import annotations

from typing import Final

from talos_resources.kubespan.rendered import classless
from talos_resources.model.kind import Column

LINK_STATUSES: Final = classless(
    "LinkStatuses.net.talos.dev",
    "network",
    aliases=["link", "links"],
    columns=[
        Column("Alias", "{.alias}"),
        Column("Type", "{.type}"),
        Column("Kind", "{.kind}"),
        Column("Hw Addr", "{.hardwareAddr}"),
        Column("Oper State", "{.operationalState}"),
        Column("Link State", "{.linkState}"),
    ],
)
ROUTE_STATUSES: Final = classless(
    "RouteStatuses.net.talos.dev",
    "network",
    aliases=["route", "routes"],
    columns=[
        Column("Destination", "{.dst}"),
        Column("Gateway", "{.gateway}"),
        Column("Link", "{.outLinkName}"),
        Column("Metric", "{.priority}"),
    ],
)
POLICY_RULE_STATUSES: Final = classless(
    "RoutingRuleStatuses.net.talos.dev",
    "network",
    aliases=["routingrule", "routingrules"],
    columns=[Column("Src", "{.src}"), Column("Dst", "{.dst}"), Column("Table", "{.table}"), Column("Priority", "{.priority}")],
)
"""The policy rules that the kernel has, KubeSpan's among them."""
ADDRESS_FILTERS: Final = classless(
    "NodeAddressFilters.net.talos.dev",
    "network",
    columns=[Column("Include Subnets", "{.includeSubnets}"), Column("Exclude Subnets", "{.excludeSubnets}")],
)
SORT_ALGORITHMS: Final = classless("NodeAddressSortAlgorithms.net.talos.dev", "network", columns=[Column("Algorithm", "{.algorithm}")])
STATUS_KINDS: Final = (LINK_STATUSES, ROUTE_STATUSES, POLICY_RULE_STATUSES, ADDRESS_FILTERS, SORT_ALGORITHMS)
