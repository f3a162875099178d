"""What lines of the controllers' log tell: which causes each speaks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.snapshot import NodeView

SHOWN: Final = 2
"""So many lines of one node are shown, the newest."""
SHOWN_LENGTH: Final = 200
"""So much of each."""


def says(view: NodeView, pattern: re.Pattern[str]) -> bool:
    """Whether a line of a node's log is of this form."""
    return any(pattern.search(line) for line in view.log)


@attrs.frozen
class Telling:
    """Lines of a form, and what they speak for.

    Attributes:
        pattern: of the line.
        causes: by name.
    """

    pattern: re.Pattern[str]
    causes: frozenset[str]


def _telling(pattern: str, *causes: str) -> Telling:
    return Telling(re.compile(pattern, re.IGNORECASE), frozenset(causes))


UNREADABLE: Final = re.compile(r"(discovery|affiliate).*(decrypt|message authentication failed)", re.IGNORECASE)
"""What others announce cannot be read: it is sealed with another secret."""
REGISTRY_DENIED: Final = re.compile(r"kubernetes ?registry.*forbidden|Kubernetes(Pull|Push)Controller.*forbidden", re.IGNORECASE)
"""The Kubernetes registry does not get what it needs, as from Kubernetes 1.32 on."""

UNREACHED: Final = re.compile(
    r"(DiscoveryService|hello failed|discovery).*(dial|timeout|no such host|refused|exceeded|unavailable|certificate)", re.IGNORECASE
)
"""The discovery service does not answer."""

TELLINGS: Final[tuple[Telling, ...]] = (
    Telling(UNREADABLE, frozenset({"secret-differs", "discovery-unreachable"})),
    _telling(r"Kubernetes(Pull|Push)Controller|kubernetes ?registry", "kubernetes-registry"),
    Telling(UNREACHED, frozenset({"discovery-unreachable", "discovery-service-differs", "unknown-peer"})),
    _telling(r"time\.SyncController|\bNTP\b|time sync|query.*time server", "clock-skew"),
    _telling(r"certificate.*(expired|not yet valid)", "clock-skew", "discovery-unreachable"),
    _telling(r"kubespan\.IdentityController|hardware ?address", "no-identity"),
    _telling(r"peer address overlap", "overlapping-networks", "duplicate-address", "stale-affiliate"),
    _telling(r"kubespan\.ManagerController|wireguard|link.*kubespan", "spec-without-status", "report-old", "status-without-spec"),
    _telling(r"nf_?tables|NfTablesChain", "chain-mismatch"),
    _telling(r"(RouteSpec|RoutingRuleSpec|PolicyRule)Controller", "routing-missing"),
    _telling(r"LocalAffiliateController|filter.*(endpoint|cidr|prefix)", "no-endpoints", "filtered-endpoint"),
)
"""Every line that `doctor` knows; the controllers are those of Talos v1.9 to v1.14."""


def is_known(line: str) -> bool:
    """Whether a line tells of anything here."""
    return any(telling.pattern.search(line) for telling in TELLINGS)


def told_by_logs(case: Case, name: str, nodes: Iterable[int]) -> Iterator[str]:
    """The lines in the logs of some nodes that speak for a cause."""
    patterns = [telling.pattern for telling in TELLINGS if name in telling.causes]
    for index in nodes if patterns else ():
        view = case.views.get(index)
        lines = [line for line in view.log if any(pattern.search(line) for pattern in patterns)] if view is not None else []
        for line in lines[-SHOWN:]:
            yield f"{case.name(index)}, controller-runtime: {line[:SHOWN_LENGTH]}{'…' if len(line) > SHOWN_LENGTH else ''}"
