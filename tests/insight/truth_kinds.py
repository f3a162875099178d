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
