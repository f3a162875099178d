"""Worlds with a known truth: each makes a cluster of its own size and shape, and says what must be found first."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.insight.worlds import Machine, World


class Truth(NamedTuple):
    """A world, the rules of which the first finding must be one (none: nothing must be found), and whom it must name."""

    world: World
    rules: tuple[str, ...]
    names: tuple[str, ...] = ()


Make = Callable[[random.Random, int], Truth]
TRUTHS: dict[str, Make] = {}


def truth(make: Make) -> Make:
    TRUTHS[make.__name__.replace("_", "-")] = make
    return make


def lan(chance: random.Random, size: int | None = None, *, six: bool | None = None) -> list[Machine]:
    """Machines in one network: three control planes at most, the rest workers."""
    count = size or chance.choice([3, 4, 5, 7, 12])
    planes = 3 if count > 3 else 1
    six = chance.random() < 0.25 if six is None else six
    base = chance.choice(["10.0.0.", "192.168.7.", "172.20.3."])
    return [
        Machine(
            name=f"cp-{number + 1}" if number < planes else f"w-{number - planes + 1}",
            address=f"2001:db9:7::{10 + number:x}" if six else f"{base}{10 + number}",
            prefix=64 if six else 24,
            control=number < planes,
        )
        for number in range(count)
    ]


def cloud(chance: random.Random, size: int | None = None) -> list[Machine]:
    """Machines with public addresses, each in a network of its own."""
    return [
        Machine(name=machine.name, address=f"{49 + number}.13.{chance.randrange(200)}.{10 + number}", prefix=32, control=machine.control)
        for number, machine in enumerate(lan(chance, size, six=False))
    ]


def home(chance: random.Random, number: int, **more: object) -> Machine:
    """A machine behind a router of its own."""
    inner = chance.choice(["192.168.1.", "192.168.178.", "10.1.1."])
    return Machine(name=f"home-{number}", address=f"{inner}{20 + number}", prefix=24, router=f"84.115.{number}.7", **more)  # type: ignore[arg-type]


def sites(chance: random.Random) -> tuple[list[Machine], list[str]]:
    """Two sites whose private networks are routed to each other: as public ones, as far as calling goes."""
    here = cloud(chance, chance.choice([4, 5, 8]))
    there = [Machine(name=f"far-{number}", address=f"95.216.{3}.{20 + number}", prefix=24) for number in range(1, chance.choice([3, 4]))]
    return [*here, *there], [machine.name for machine in there]


def workers(machines: list[Machine]) -> list[Machine]:
    return [machine for machine in machines if not machine.control]


# Configuration and identity.


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


# What is announced, and NAT.


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


# Nothing is wrong.


@truth
def healthy(chance: random.Random, seed: int) -> Truth:
    machines = chance.choice([lan, cloud])(chance)
    return Truth(World(machines=machines, seed=seed, busy=bool(seed % 2)), ())


@truth
def healthy_with_a_home(chance: random.Random, seed: int) -> Truth:
    return Truth(World(machines=[*cloud(chance), home(chance, 1)], seed=seed), ())


@truth
def healthy_bypass(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance)
    for machine in machines:
        machine.bypass = True
    return Truth(World(machines=machines, seed=seed), ())


@truth
def upgrade_under_way(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    for machine in machines[: len(machines) // 2]:
        machine.version = "v1.13.1"
    return Truth(World(machines=machines, seed=seed), ())


@truth
def nobody_uses_kubespan(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    for machine in machines:
        machine.enabled = False
    return Truth(World(machines=machines, seed=seed), ())


@truth
def joining(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, 5)
    machines[-1].joined = chance.choice([12, 30])
    world = World(machines=machines, seed=seed)
    return Truth(world, ())


@truth
def read_minutes_apart(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance, 12)
    for number, machine in enumerate(machines):
        machine.old = 20 * number
    return Truth(World(machines=machines, seed=seed), ())


@truth
def large_links(chance: random.Random, seed: int) -> Truth:
    machines = lan(chance)
    for machine in machines:
        machine.link_mtu = chance.choice([1480, 1492, 1500, 9000]) if ":" not in machine.address else 1500
    return Truth(World(machines=machines, seed=seed), ())


@truth
def a_second_apart(chance: random.Random, seed: int) -> Truth:
    machines = cloud(chance)
    for machine in machines:
        machine.skew = chance.choice([-2, -1, 0, 1])
    return Truth(World(machines=machines, seed=seed), ())
