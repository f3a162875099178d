"""Worlds in which a node is at fault: its settings, its identity, its discovery, or the node itself."""

from __future__ import annotations

import random

from tests.insight.truth_kinds import Truth, cloud, lan, sites, truth
from tests.insight.worlds import World


@truth
def secret_differs(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    odd = chance.choice(machines[1:])
    odd.secret = "another"
    return Truth(World(machines=machines, seed=seed), ("secret-differs",), (odd.name,))


@truth
def another_cluster(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance)
    odd = chance.choice(machines[1:])
    odd.cluster, odd.secret = "two", "another"
    return Truth(World(machines=machines, seed=seed), ("different-clusters",), (odd.name,))


@truth
def two_clusters_of_one_bundle(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, 7)
    for machine in machines[-2:]:
        machine.cluster_name = "staging"
    return Truth(World(machines=machines, seed=seed), ("mixed-clusters",), ("staging",))


@truth
def another_service(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    odd = machines[-1]
    odd.service = "disco.internal:3000"
    return Truth(World(machines=machines, seed=seed), ("discovery-service-differs",), (odd.name,))


@truth
def two_halves_on_two_services(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, 7)
    for machine in machines[-3:]:
        machine.service = "disco.internal:3000"
    return Truth(World(machines=machines, seed=seed), ("discovery-service-differs",), (machines[-1].name,))


@truth
def discovery_off(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    machines[-1].registry, machines[-1].discovery = "off", False
    return Truth(World(machines=machines, seed=seed), ("discovery-disabled",), (machines[-1].name,))


@truth
def only_the_kubernetes_registry(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    for machine in machines if seed % 2 else machines[-1:]:
        machine.registry = "kubernetes"
    return Truth(World(machines=machines, seed=seed), ("kubernetes-registry",), (machines[-1].name,))


@truth
def kubespan_off(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance)
    machines[-1].enabled = False
    return Truth(World(machines=machines, seed=seed), ("kubespan-disabled",), (machines[-1].name,))


@truth
def no_identity(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance)
    machines[-1].identity = False
    return Truth(World(machines=machines, seed=seed), ("no-identity",), (machines[-1].name,))


@truth
def no_device(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance, chance.choice([4, 5, 7]))
    machines[-1].device = False
    return Truth(World(machines=machines, seed=seed), ("spec-without-status",), (machines[-1].name,))


@truth
def device_that_died(chance: random.Random, seed: int) -> Truth:
    """What the peers were is still there, the device is not."""
    machines = chance.choice([lan, cloud])(chance, chance.choice([4, 5, 7]))
    machines[-1].device_died = True
    world = World(machines=machines, seed=seed)
    world.block([machines[-1].name], [machine.name for machine in machines[:-1]], since=1200)
    return Truth(world, ("spec-without-status",), (machines[-1].name, "no WireGuard device"))


@truth
def cloned_disk(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7]))
    machines[-1].key_of = machines[-2].name
    return Truth(World(machines=machines, seed=seed), ("duplicate-key",), (machines[-1].name, machines[-2].name))


@truth
def cloned_card(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7]))
    machines[-1].mac_of = machines[-2].name
    return Truth(World(machines=machines, seed=seed), ("duplicate-address",), (machines[-1].name, machines[-2].name))


@truth
def one_name_twice(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([5, 7]))
    machines[-1].label = machines[-2].label = "talos-node"
    return Truth(World(machines=machines, seed=seed), ("duplicate-label",), ("talos-node",))


@truth
def clock_off_while_up(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance, chance.choice([4, 5, 7, 12]))
    machines[-1].skew = chance.choice([-7200, -900, -240, 300, 3600, 86400 * 3])
    return Truth(World(machines=machines, seed=seed), ("clock-skew",), (machines[-1].name,))


@truth
def hung_manager(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7, 12]))
    machines[-1].old = chance.choice([1500, 3600, 7200, 86400])
    return Truth(World(machines=machines, seed=seed), ("report-old",), (machines[-1].name,))


# Discovery.


@truth
def cannot_reach_discovery(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7]))
    for machine in machines[-chance.choice([1, 2]) :]:
        machine.discovery = False
    return Truth(World(machines=machines, seed=seed), ("discovery-unreachable",), (machines[-1].name,))


@truth
def one_does_not_know_another(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7]))
    world = World(machines=machines, seed=seed, forgotten={(machines[0].name, machines[-1].name)})
    world.block([machines[0].name], [machines[-1].name], since=2000)
    return Truth(world, ("unknown-peer",), (machines[0].name, machines[-1].name))


# Nodes.


@truth
def switched_off(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance, chance.choice([4, 5, 7]))
    return Truth(World(machines=machines, seed=seed, lost={machines[-1].name: 900}), ("node-silent",), (machines[-1].name,))


@truth
def two_planes_off(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, chance.choice([5, 7]))
    return Truth(World(machines=machines, seed=seed, lost={"cp-2": 700, "cp-3": 750}), ("node-silent",), ("cp-2", "cp-3", "quorum lost"))


@truth
def a_site_that_was_not_read(chance: random.Random, seed: int) -> Truth:
    machines, far = sites(chance)
    world = World(machines=machines, seed=seed)
    for name in far:
        world.of(name).absent = True
    world.block([machine.name for machine in machines if machine.name not in far], far, since=4000)
    return Truth(world, ("mesh-split",), tuple(far))


@truth
def one_address_twice(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7]))
    machines[-1].address = machines[-2].address
    world = World(machines=machines, seed=seed)
    world.block([machines[-1].name], [machine.name for machine in machines[:-1]], since=900)
    return Truth(world, ("duplicate-address",), (machines[-1].name, machines[-2].name))


@truth
def two_bundles_of_two_clusters(chance: random.Random, seed: int) -> Truth:
    ours, theirs = lan(chance, 4, six=False), lan(chance, 3, six=False)
    for machine in theirs:
        machine.name, machine.address = f"other-{machine.name}", f"10.77.0.{machine.address.rsplit('.', 1)[1]}"
        machine.cluster, machine.cluster_name, machine.secret = "two", "other", "another"
    return Truth(World(machines=[*ours, *theirs], seed=seed), ("different-clusters",), ("other-cp-1",))


@truth
def unread_but_listed_for_hours(chance: random.Random, seed: int) -> Truth:
    """It is not off: discovery heard of it since."""
    machines = cloud(chance, chance.choice([5, 7]))
    machines[-1].absent = True
    world = World(machines=machines, seed=seed)
    world.block([machines[-1].name], [machine.name for machine in machines[:-1]], since=10_000)
    return Truth(world, ("node-isolated", "udp-blocked"), (machines[-1].name, "not off"))


@truth
def cut_off(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5, 7, 12]))
    world = World(machines=machines, seed=seed)
    world.block([machines[-1].name], [machine.name for machine in machines[:-1]], since=chance.choice([400, 900, 5000]))
    return Truth(world, ("node-isolated",), (machines[-1].name,))
