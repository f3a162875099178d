"""Worlds in which nothing is wrong."""

from __future__ import annotations

import random

from tests.insight.truth_kinds import Truth, cloud, home, lan, truth
from tests.insight.worlds import World


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
