"""What can happen to a cluster: named scenarios, each a layout of nodes and a list of events.

Every one is a situation that operators meet; `insight` is tested on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.event import Event, passing
from talos_resources.simulate.layouts import MINUTE_S, Scenario, behind_nat, fact, lan, lan_address
from talos_resources.simulate.network import Nat
from talos_resources.simulate.single_faults import SINGLE_FAULTS


def _mesh(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    lan(cluster, nodes)
    return ()


def _nat(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    behind_nat(cluster, nodes)
    return ()


def _nat_harvest(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    behind_nat(cluster, nodes, harvest=True)
    return ()


def _nat_symmetric(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    behind_nat(cluster, nodes, nat=Nat.SYMMETRIC, harvest=True)
    return ()


def _filters(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = behind_nat(cluster, nodes, hidden=1)
    worker = made[-1]
    worker.settings = attrs.evolve(worker.settings, endpoint_filters=("0.0.0.0/0", "!203.0.113.0/24"))
    blocked = [(worker.settings.name, made[0].settings.name)]
    return [
        Event(0.0, f"{blocked[0][0]} cannot send to {blocked[0][1]} and hides its public endpoint", lambda: cluster.network.block(blocked))
    ]


def _partition(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    far = [node.host for node in made[nodes // 2 :]]
    return passing(
        Event(2 * MINUTE_S, f"cut: {len(far)} nodes from the {nodes - len(far)} others", lambda: cluster.network.split(far, 1)),
        Event(12 * MINUTE_S, "the cut is healed", lambda: cluster.network.split(far, 0)),
    )


def _moving(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    mover = lan(cluster, nodes)[-1]

    def move(turn: int) -> Callable[[], None]:
        def act() -> None:
            cluster.network.move(mover.host, address=lan_address(nodes + turn))
            mover.address_changed()

        return act

    return [
        Event((2 + 2 * turn) * MINUTE_S, f"{mover.settings.name} moves to {lan_address(nodes + turn)}", move(turn)) for turn in range(3)
    ]


def _asymmetric(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    pair = [(made[-1].settings.name, made[0].settings.name)]
    text = f"packets from {pair[0][0]} to {pair[0][1]} are dropped"
    return passing(
        Event(2 * MINUTE_S, text, lambda: cluster.network.block(pair)),
        Event(12 * MINUTE_S, f"{text} no more", lambda: cluster.network.unblock(pair)),
    )


def _restart(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    node = lan(cluster, nodes)[-1]
    name = node.settings.name
    return passing(
        Event(2 * MINUTE_S, f"{name} is switched off", lambda: cluster.network.change(node.stop)),
        Event(4 * MINUTE_S, f"{name} is back", lambda: cluster.network.change(node.start)),
    )


def _new_keys(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    node = lan(cluster, nodes)[-1]
    text = f"{node.settings.name} lost its disk and comes back with new keys"
    return [Event(2 * MINUTE_S, text, lambda: cluster.network.change(node.replace_keys))]


def _leave(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    node = lan(cluster, nodes)[-1]
    return [Event(2 * MINUTE_S, f"{node.settings.name} leaves for good", lambda: cluster.network.change(node.stop))]


def _discovery_outage(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    lonely, mover = made[0], made[-1]

    def lose() -> None:
        lonely.host.discovery = False

    def move() -> None:
        cluster.network.move(mover.host, address=lan_address(nodes))
        mover.address_changed()

    return [
        Event(1 * MINUTE_S, f"{lonely.settings.name} cannot reach the discovery service", lambda: cluster.network.change(lose)),
        Event(2 * MINUTE_S, f"{mover.settings.name} moves to {lan_address(nodes)}", move),
    ]


def _skew(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    node = lan(cluster, nodes, last={"skew_s": 600.0})[-1]
    return [fact(f"the clock of {node.settings.name} is ten minutes ahead")]


def _mtu(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    node = lan(cluster, nodes, last={"mtu": 1280})[-1]
    return [fact(f"{node.settings.name} has an MTU of 1280")]


def _overlap(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    for node in made:
        node.settings = attrs.evolve(node.settings, advertise_pods=True)
    first, last = made[0], made[-1]
    last.settings = attrs.evolve(last.settings, pods=first.settings.pods)
    return [fact(f"{first.settings.name} and {last.settings.name} announce the same pod network")]


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="mesh", about="all nodes in one network, nothing happens", build=_mesh, is_calm=True),
        Scenario(name="nat", about="the last two nodes are at home behind NAT", build=_nat, least=3, duration_s=10 * MINUTE_S),
        Scenario(
            name="nat-harvest",
            about="the same, but nodes share the endpoints at which they see others",
            build=_nat_harvest,
            least=3,
            duration_s=10 * MINUTE_S,
        ),
        Scenario(
            name="nat-symmetric",
            about="the same behind symmetric NAT, where shared endpoints are of no use",
            build=_nat_symmetric,
            least=3,
            duration_s=10 * MINUTE_S,
        ),
        Scenario(
            name="filters",
            about="a node behind NAT hides its public endpoint, and a firewall keeps it from one other",
            build=_filters,
            least=3,
            duration_s=10 * MINUTE_S,
        ),
        Scenario(name="partition", about="the cluster is cut in halves and healed", build=_partition, duration_s=16 * MINUTE_S),
        Scenario(name="moving", about="a node gets another address, three times", build=_moving, duration_s=10 * MINUTE_S),
        Scenario(name="asymmetric", about="a firewall drops packets in one direction", build=_asymmetric, duration_s=16 * MINUTE_S),
        Scenario(name="loss", about="every second packet gets lost", build=_mesh, loss=0.5, traffic=1_000, duration_s=10 * MINUTE_S),
        Scenario(name="restart", about="a node is switched off and on", build=_restart, duration_s=12 * MINUTE_S),
        Scenario(name="new-keys", about="a node comes back with new keys", build=_new_keys, duration_s=8 * MINUTE_S),
        Scenario(name="leave", about="a node leaves for good", build=_leave, duration_s=40 * MINUTE_S),
        Scenario(
            name="discovery-outage",
            about="a node cannot reach the discovery service while another moves",
            build=_discovery_outage,
            least=3,
            duration_s=10 * MINUTE_S,
        ),
        Scenario(name="skew", about="a node's clock is ten minutes ahead", build=_skew),
        Scenario(name="mtu", about="a node has another MTU", build=_mtu),
        Scenario(name="overlap", about="two nodes announce one pod network", build=_overlap),
        *SINGLE_FAULTS,
    )
}
"""By name."""


def scenario(name: str) -> Scenario:
    """The scenario of this name.

    Raises:
        ConfigError: there is none.
    """
    found = SCENARIOS.get(name)
    if found is None:
        msg = f'no scenario "{name}"; there are {", ".join(SCENARIOS)}{did_you_mean(name, SCENARIOS)}'
        raise ConfigError(msg)
    return found
