"""What of a node `doctor` looks at beside its peers: clock, versions, secrets, routing, devices, logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from talos_resources.insight.secret_hash import fingerprint
from talos_resources.insight.snapshot import NodeView
from talos_resources.kubespan.constants import LINK_NAME, MARK_INTO_MESH, ROUTING_TABLE
from talos_resources.kubespan.host import HARDWARE_ADDRESSES, NODE_STATUSES
from talos_resources.kubespan.network_specs import ROUTE_SPECS
from talos_resources.kubespan.network_statuses import ADDRESS_FILTERS, POLICY_RULE_STATUSES, ROUTE_STATUSES
from talos_resources.model.kind import untyped
from talos_resources.model.net import IPPrefix
from talos_resources.resources import Affiliate, DiscoveryConfig, KubeSpanConfig
from talos_resources.sources.reading import Reader

TIME_STATUSES: Final = untyped("TimeStatuses.v1alpha1.talos.dev", "runtime")
INFOS: Final = untyped("Infos.cluster.talos.dev", "cluster")
_FAMILIES: Final = frozenset({"inet4", "inet6"})
_VERSION: Final = re.compile(r"v\d+\.\d+\.\d+[-.\w]*")


def surroundings(
    reader: Reader, view: NodeView, config: KubeSpanConfig | None, discovery: DiscoveryConfig | None, links: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields of a `NodeView` that are not about its peers."""
    time, info = _mapping(reader.plain(TIME_STATUSES), "node"), _mapping(reader.plain(INFOS), "current")
    synced = time.get("synced")
    kubernetes = _own_kubernetes_node(reader, view)
    pods = _prefixes(kubernetes.get("podCIDRs"))
    return {
        "nodename": view.nodename or str(kubernetes.get("nodename") or "") or None,
        "pods": pods,
        "is_ready": _flag(kubernetes, "nodeReady"),
        "is_cordoned": _flag(kubernetes, "unschedulable"),
        "is_whole": bool(config is not None or discovery is not None or view.node_id or links),
        "secret": fingerprint(config.shared_secret) if config is not None else "",
        "cluster_id": str(info.get("clusterId") or ""),
        "cluster_name": str(info.get("clusterName") or ""),
        "is_synced": synced if isinstance(synced, bool) and not time.get("syncDisabled") else None,
        "version": _version(view),
        "hardware": tuple(sorted(value.address for value in reader.plain(HARDWARE_ADDRESSES).values())),
        "devices": frozenset(links) if links else None,
        "excluded": _prefixes(_mapping(reader.plain(ADDRESS_FILTERS), "no-k8s").get("excludeSubnets")) or pods,
        "services": _services(discovery),
        "kernel": tuple(_missing_in_kernel(reader, links)) if (config.enabled if config is not None else view.statuses) else (),
    }


def _mapping(values: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    found = values.get(id)
    return found if isinstance(found, Mapping) else {}


def _version(view: NodeView) -> str:
    return next((announced_version(affiliate.spec) for affiliate in view.affiliates if affiliate.id == view.node_id), "")


def announced_version(affiliate: Affiliate) -> str:
    """The release of Talos in what a node announces of itself, `v1.14.0`; empty if it does not say."""
    found = _VERSION.search(affiliate.operating_system)
    return found[0] if found else ""


def _own_kubernetes_node(reader: Reader, view: NodeView) -> Mapping[str, Any]:
    """What Kubernetes says of the node: there is one such resource, of the node itself."""
    every = {name: value for name, value in reader.plain(NODE_STATUSES.kind).items() if isinstance(value, Mapping)}
    return every.get(view.nodename or "", next(iter(every.values())) if len(every) == 1 else {})


def _flag(values: Mapping[str, Any], name: str) -> bool | None:
    value = values.get(name)
    return value if isinstance(value, bool) else None


def _prefixes(texts: Any) -> tuple[IPPrefix, ...]:
    found = []
    for text in texts if isinstance(texts, list | tuple) else ():
        try:
            found.append(IPPrefix.parse(str(text)))
        except ValueError:
            continue
    return tuple(found)


def _services(discovery: DiscoveryConfig | None) -> tuple[str, ...] | None:
    """From Talos 1.14 on there may be several."""
    if discovery is None:
        return None
    return tuple(service.endpoint for service in discovery.services if service.endpoint) or None


def _missing_in_kernel(reader: Reader, links: Mapping[str, Any]) -> Iterable[str]:
    """Rules and routes by which marked packets find the mesh; nothing is said without lists of what there is."""
    rules = [rule for rule in reader.plain(POLICY_RULE_STATUSES).values() if isinstance(rule, Mapping)]
    table = str(ROUTING_TABLE)
    used = {str(rule.get("family")) for rule in rules} & _FAMILIES
    ruled = {str(rule.get("family")) for rule in rules if _leads_into_mesh(rule, table)}
    if used - ruled and LINK_NAME in links:
        yield f"no rule sends marked packets to table {table} ({' and '.join(sorted(used - ruled))})"
    wanted = [route for route in reader.plain(ROUTE_SPECS.kind).values() if isinstance(route, Mapping) and str(route.get("table")) == table]
    routes = [route for route in reader.plain(ROUTE_STATUSES).values() if isinstance(route, Mapping)]
    have = {str(route.get("family")) for route in routes if str(route.get("table")) == table and route.get("outLinkName") == LINK_NAME}
    needed = {str(route.get("family")) for route in wanted} or ruled
    if routes and needed - have and LINK_NAME in links:
        yield f"table {table} has no route to {LINK_NAME} ({' and '.join(sorted(needed - have))})"


def _leads_into_mesh(rule: Mapping[str, Any], table: str) -> bool:
    return str(rule.get("table")) == table and rule.get("fwMark") == MARK_INTO_MESH
