"""Node addresses inside the cluster's own networks."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited, verb
from talos_resources.model.finding import Severity
from talos_resources.model.net import IPAddress, format_address


@cause(
    "node-address-in-cluster-network",
    "node addresses inside pod or service networks are not announced",
    tier=Tier.REACH,
    needs="NodeAddresses: `default` and `routed-no-k8s`",
    predicts="the node's own address is not among its endpoints; only what discovery sees from outside is left",
    against="the address is in routed-no-k8s",
    guide=CONFIGURATION_GUIDE,
)
def node_address_in_cluster_network(case: Case) -> Iterator[Hypothesis]:
    """Talos takes such addresses for those of pods or services."""
    found = {index: lost for index in case.life.fresh if (lost := _lost(case, index))}
    if not found:
        return
    networks = sorted(
        {
            str(network)
            for index, lost in found.items()
            for network in case.life.fresh[index].excluded
            if any(a in network.network for a in lost if a.version == network.address.version)
        }
    )
    own = [pair for pair in case.pairs.faulty if not found.keys().isdisjoint(pair)]
    inside = f" {', '.join(networks[:2])}" if networks else ""
    yield Hypothesis(
        title=f"the addresses of {case.names(found)} lie in the cluster's own networks{inside} and are not announced",
        explains=links(own),
        evidence=lambda: limited(
            [
                f"{case.name(index)}: {', '.join(map(format_address, lost))} is its address, and not in routed-no-k8s; "
                f"it announces {', '.join(map(str, case.announced(index) or ())) or 'no endpoint'}"
                for index, lost in found.items()
            ]
        ),
        why="Talos leaves addresses inside the networks of pods and services out of what a node announces.",
        advice="move the cluster's pod or service network (cluster.network.podSubnets, serviceSubnets), which takes a new cluster, "
        "or the nodes to other addresses",
        steps=(
            f"talosctl -n {case.asked(min(found))} get nodeaddresses",
            f"talosctl -n {case.asked(min(found))} get nodeaddressfilters -o yaml",
        ),
        after=f"routed-no-k8s of {verb(len(found), 'the node', 'the nodes')} holds the address",
        certainty=Certainty.CERTAIN,
        stands=True,
        severity=None if own else Severity.WARNING,
    )


def _lost(case: Case, index: int) -> list[IPAddress]:
    """The node's default address where it is left out of what is announced."""
    view = case.life.fresh[index]
    if not case.life.takes_part(index) or "routed-no-k8s" not in view.addresses:
        return []
    kept = {prefix.address for prefix in view.addresses["routed-no-k8s"]}
    routed = {prefix.address for prefix in view.addresses.get("routed", view.addresses.get("current", ()))}
    return [prefix.address for prefix in view.addresses.get("default", ()) if prefix.address not in kept and prefix.address in routed]
