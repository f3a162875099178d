"""Worlds in which something between nodes is at fault: what they announce, NAT, sites, paths."""

from __future__ import annotations

import random

from tests.insight.truth_kinds import Truth, cloud, home, lan, sites, truth
from tests.insight.worlds import Machine, World


@truth
def at_two_homes(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1), home(chance, 2)]
    if seed % 2:
        machines[-1].symmetric = True
    return Truth(World(machines=machines, seed=seed), ("both-behind-nat",), ("home-1", "home-2"))


@truth
def one_home_can_be_called(chance: random.Random, seed: int) -> Truth:
    return Truth(World(machines=[*cloud(chance), home(chance, 1, forwarded=True), home(chance, 2)], seed=seed), ())


@truth
def same_home(chance: random.Random, seed: int) -> Truth:
    one, other = home(chance, 1), home(chance, 1)
    one.address, other.address, other.name = "192.168.1.20", "192.168.1.21", "home-1b"
    return Truth(World(machines=[*cloud(chance), one, other], seed=seed), ())


@truth
def hairpin(chance: random.Random, seed: int) -> Truth:
    one, other = home(chance, 1), home(chance, 1)
    one.address, other.address, other.name = "192.168.1.20", "192.168.1.21", "home-1b"
    one.filters = other.filters = ["0.0.0.0/0", "!192.168.0.0/16"]
    return Truth(World(machines=[*cloud(chance), one, other], seed=seed), ("shared-endpoint", "filtered-endpoint"), ("home-1", "home-1b"))


@truth
def announces_nothing(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1), home(chance, 2, forwarded=True)]
    machines[-1].filters = ["!192.168.0.0/16", "!10.0.0.0/8", "!84.115.0.0/16"]
    return Truth(World(machines=machines, seed=seed), ("no-endpoints",), ("home-2",))


@truth
def old_public_address(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1), home(chance, 2)]
    machines[-1].announces = [f"{machines[-1].address}:51820", "93.184.9.9:51820"]
    return Truth(World(machines=machines, seed=seed), ("stale-endpoint",), ("home-2",))


@truth
def old_public_address_that_nobody_needs_yet(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1)]
    machines[-1].announces = [f"{machines[-1].address}:51820", "93.184.9.9:51820"]
    return Truth(World(machines=machines, seed=seed), ("stale-endpoint",), ("home-1",))


@truth
def families_apart(chance: random.Random, seed: int) -> Truth:
    four = [machine for machine in cloud(chance, 4) if not machine.control]
    both = [
        Machine(name=f"cp-{n}", address=f"49.13.7.{n}", prefix=32, more_addresses=[f"2a01:4f8:c17:{n}::1"], control=True) for n in (1, 2, 3)
    ]
    six = Machine(name="w-six", address="2a01:4f9:c010:22::1", prefix=64)
    world = World(machines=[*both, *four, six], seed=seed)
    for plane in both:  # over IPv6, which this world's cards do not have
        six.announces = [f"[{six.address}]:51820"]
        world.machines[world.machines.index(plane)] = plane
    return Truth(world, ("no-common-family", "mesh-split", "node-isolated"), ("w-six",))


@truth
def swallowed_by_the_service_network(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, chance.choice([4, 5]), six=False)
    for number, machine in enumerate(machines):
        machine.address, machine.swallowed, machine.router = f"10.100.0.{10 + number}", True, "84.115.20.7"
    return Truth(World(machines=machines, seed=seed), ("node-address-in-cluster-network",), ("10.96.0.0/12",))


@truth
def siderolink(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1), home(chance, 2)]
    for machine in machines[-2:]:
        machine.announces = [f"[fdae:41e4:649b:9303::{chance.randrange(9999):x}]:51820"]
    return Truth(World(machines=machines, seed=seed), ("unroutable-endpoint",), ("home-1", "home-2"))


@truth
def gateway_that_translates(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance), home(chance, 1), home(chance, 2, forwarded=True), home(chance, 3)]
    machines[0].seen_gateway, machines[0].harvest = "10.5.0.1", True
    return Truth(World(machines=machines, seed=seed), ("poisoned-endpoints", "both-behind-nat"))


# One common end or place.


@truth
def two_sites_cut(chance: random.Random, seed: int) -> Truth:
    machines, far = sites(chance)
    world = World(machines=machines, seed=seed)
    world.block([machine.name for machine in machines if machine.name not in far], far, since=chance.choice([600, 2500, 20_000]))
    return Truth(world, ("mesh-split",), (far[0],))


@truth
def no_udp_out(chance: random.Random, seed: int) -> Truth:
    machines, _ = sites(chance)
    machines = [machine for machine in machines if not machine.name.startswith("far")]
    machines += [Machine(name=f"office-{n}", address=f"10.9.9.{n}", prefix=24, router="84.115.50.7") for n in range(1, 2 + seed % 3)]
    world = World(machines=machines, seed=seed)
    office = [machine.name for machine in machines if machine.router]
    world.block(office, [machine.name for machine in machines if not machine.router])
    return Truth(world, ("udp-blocked",), tuple(office))


@truth
def nothing_gets_in(chance: random.Random, seed: int) -> Truth:
    machines = [*cloud(chance, chance.choice([4, 5, 7])), *(home(chance, n) for n in range(1, 3 + seed % 2))]
    world = World(machines=machines, seed=seed)
    closed = machines[seed % 3].name
    world.block([machine.name for machine in machines if machine.router], [closed])
    return Truth(world, ("inbound-blocked",), (closed,))


@truth
def neighbours_apart(chance: random.Random, seed: int) -> Truth:
    guests = [Machine(name=f"wifi-{n}", address=f"192.168.5.{n}", prefix=24, router="84.115.60.7") for n in range(1, 3 + seed % 2)]
    world = World(machines=[*cloud(chance), *guests], seed=seed)
    for one in guests:
        world.block([one.name], [other.name for other in guests if other is not one], since=chance.choice([0, 3000]))
    return Truth(world, ("lan-isolation",), ("wifi-1", "wifi-2"))


# Single links.


@truth
def one_path_lost(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, chance.choice([4, 5, 7]))
    world = World(machines=machines, seed=seed)
    world.block([machines[0].name], [machines[-1].name], since=chance.choice([600, 4000, 90_000]))
    return Truth(world, ("path-blocked",), (machines[0].name, machines[-1].name))


@truth
def one_direction(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, chance.choice([4, 5, 7]))
    world = World(machines=machines, seed=seed)
    world.block([machines[0].name], [machines[-1].name], both=False)
    return Truth(world, ("path-blocked",), (f"What {machines[0].name} sends does not reach {machines[-1].name}",))


@truth
def never_a_path(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, chance.choice([4, 5, 7]))
    world = World(machines=machines, seed=seed)
    world.block([machines[0].name], [machines[-1].name])
    return Truth(world, ("endpoint-unreachable", "path-blocked"), (machines[0].name, machines[-1].name))


@truth
def one_view_of_a_link(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, 5)
    for machine in machines[1:]:
        machine.absent = True
    world = World(machines=machines, seed=seed)
    world.block([machines[0].name], [machines[-1].name], since=1500)
    return Truth(world, ("link-down",), (machines[-1].name,))


# Settings and sizes.


@truth
def tunnel_too_large(chance: random.Random, seed: int) -> Truth:
    six = seed % 2 == 1
    machines = lan(chance, six=six)
    for machine in machines:
        machine.link_mtu = 1492 if six else chance.choice([1450, 1400, 1470])
    return Truth(World(machines=machines, seed=seed), ("mtu-too-large",), (machines[0].name,))


@truth
def tunnels_differ(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    machines[-1].mtu = 1280
    return Truth(World(machines=machines, seed=seed), ("mtu-differs",), (machines[-1].name,))


@truth
def forgotten_upgrade(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    machines[-1].version = chance.choice(["v1.9.5", "v1.10.1", "v1.8.0"])
    return Truth(World(machines=machines, seed=seed), ("versions-differ",), (machines[-1].name,))


@truth
def default_route(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    machines[-1].networks = [chance.choice(["0.0.0.0/0", "::/0"])]
    return Truth(World(machines=machines, seed=seed), ("default-route-announced",), (machines[-1].name,))


@truth
def pods_overlap(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    for number, machine in enumerate(machines):
        machine.networks = [f"10.244.{number}.0/24"]
    machines[-1].networks = machines[-2].networks
    return Truth(World(machines=machines, seed=seed), ("overlapping-networks",), (machines[-1].name, machines[-2].name))


@truth
def filter_lacks_a_peer(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, six=False)
    machines[0].chain_lacks = machines[-1].address
    return Truth(World(machines=machines, seed=seed), ("chain-mismatch",), (machines[0].name,))


@truth
def flushed_rules(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance)
    machines[0].rules = False
    return Truth(World(machines=machines, seed=seed), ("routing-missing",), (machines[0].name,))


@truth
def cilium_and_public_addresses(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance)
    for machine in machines:
        machine.cni = "cilium_host"
    return Truth(World(machines=machines, seed=seed), ("public-address-taken",), (machines[0].name,))


@truth
def a_bypass_that_leaks(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance, 5)
    for machine in machines:
        machine.bypass = True
    world = World(machines=machines, seed=seed)
    world.block([machines[0].name], [machines[-1].name], since=7000)
    return Truth(world, ("path-blocked", "down-peer-bypass"), (machines[0].name, machines[-1].name))
