"""Clusters made up by rules of their own: what WireGuard, NAT and discovery do, told without the doctor's code.

A world is machines in places; `views` are what each would hold. Faults are done to the world, not to its data.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import random
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.documents import by_node, parse
from talos_resources.sources.load import memory_state
from talos_resources.sources.snapshots import view_of

NOW = 1_795_900_000
PORT = 51820
TRY = 148
PREFIX = "fd12:3456:789a:102"


@attrs.define(kw_only=True)
class Machine:
    name: str
    address: str
    prefix: int
    control: bool = False
    router: str = ""
    """The public address in front of it; empty for none."""
    symmetric: bool = False
    port_seed: str = ""
    forwarded: bool = False
    filters: list[str] | None = None
    announces: list[str] | None = None
    """Instead of what follows from its addresses."""
    more_addresses: list[str] = attrs.field(factory=list)
    networks: list[str] = attrs.field(factory=list)
    on: bool = True
    enabled: bool = True
    bypass: bool = False
    harvest: bool = False
    seen_gateway: str = ""
    """Inbound packets seem to come from here."""
    identity: bool = True
    device: bool = True
    device_died: bool = False
    discovery: bool = True
    service: str = "discovery.example.org:443"
    secret: str = "cluster"
    cluster: str = "one"
    cluster_name: str = "one"
    registry: str = "service"
    skew: int = 0
    synced: bool = True
    old: int = 0
    mtu: int = 1420
    link_mtu: int = 1500
    version: str = "v1.12.3"
    cni: str = ""
    key_of: str = ""
    """Another machine, whose disk this one has."""
    mac_of: str = ""
    label: str = ""
    swallowed: bool = False
    joined: int = 800_000
    absent: bool = False
    """Nothing was read of it."""
    excluded: tuple[str, ...] = ("10.244.0.0/16", "10.96.0.0/12")
    chain_lacks: str = ""
    rules: bool = True

    @property
    def key(self) -> str:
        return base64.b64encode(hashlib.sha256((self.key_of or self.name).encode()).digest()).decode()

    @property
    def node_id(self) -> str:
        return hashlib.sha256(("id" + (self.key_of or self.name)).encode()).hexdigest()[:43]

    @property
    def ula(self) -> str:
        part = hashlib.sha256((self.mac_of or self.name).encode()).hexdigest()
        return f"{PREFIX}::{part[:4]}:{part[4:8]}"

    @property
    def is_private(self) -> bool:
        return ipaddress.ip_address(self.address).is_private or self.address.startswith("100.")


@attrs.define(kw_only=True)
class World:
    machines: list[Machine]
    seed: int = 0
    blocked: dict[tuple[str, str], int] = attrs.field(factory=dict)
    """Direction (sender, receiver) → for how many seconds; 0 for always."""
    forgotten: set[tuple[str, str]] = attrs.field(factory=set)
    """(who, whom): discovery has not told."""
    lost: dict[str, int] = attrs.field(factory=dict)
    """Names of machines that are off → seconds since."""
    busy: bool = True

    def of(self, name: str) -> Machine:
        return next(machine for machine in self.machines if machine.name == name)

    def block(self, ones: Iterable[str], others: Iterable[str], *, since: int = 0, both: bool = True) -> None:
        for one in ones:
            for other in others:
                self.blocked[one, other] = since
                if both:
                    self.blocked[other, one] = since

    def announced(self, machine: Machine) -> list[str]:
        if machine.announces is not None:
            return machine.announces
        told = [] if machine.swallowed else [machine.address, *machine.more_addresses]
        told += [machine.router] if machine.router else []
        kept = [address for address in told if passes(address, machine.filters)]
        return [f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}" for address in kept]

    def knows(self, one: Machine, other: Machine) -> bool:
        apart = one.cluster != other.cluster or one.secret != other.secret or one.service != other.service
        hears = one.discovery and one.registry == "service" and (other.discovery or other.name in self.lost)
        told = other.enabled and other.identity and other.registry == "service"
        return not apart and hears and told and (one.name, other.name) not in self.forgotten and one.key != other.key

    def endpoint(self, one: Machine, other: Machine) -> str | None:
        """The endpoint at which a machine can call another."""
        for at in self.announced(other):
            address = at.rsplit(":", 1)[0].strip("[]")
            if (":" in address) != (":" in one.address):
                continue
            near = one.router == other.router and subnet(one) == subnet(other)
            if address == other.address and (near or not other.is_private):
                return at
            if address == other.router and other.forwarded and one.router != other.router:
                return at
        return None

    def link(self, one: Machine, other: Machine) -> tuple[str, int]:
        """`up`, `down` or `unknown`, and since when it is not up; 0 for ever."""
        for each in (one, other):
            if each.name in self.lost or not each.on:
                return "down", self.lost.get(each.name, 0)
        ways = [self.blocked.get((one.name, other.name)), self.blocked.get((other.name, one.name))]
        if any(way is not None for way in ways):
            return "down", max(way for way in ways if way is not None)
        callable_ = self.endpoint(one, other) or self.endpoint(other, one)
        return ("up", 0) if callable_ and one.device and other.device else ("down", 0)

    def snapshot(self) -> Snapshot:
        read = [machine for machine in self.machines if not machine.absent and machine.name not in self.lost]
        return Snapshot(views=tuple(self.view(machine) for machine in read))

    def view(self, machine: Machine) -> NodeView:
        from tests.insight.world_resources import documents

        text = "\n".join(documents(self, machine))
        ((_, resources),) = by_node(parse(text.encode(), source=machine.name)).items()
        shared = sum(other.address == machine.address for other in self.machines) > 1
        return view_of(memory_state(resources), machine.name if shared else machine.address, full=True)

    def chance(self, *words: str) -> random.Random:
        """The same for the same pair, whoever asks."""
        return random.Random("/".join((str(self.seed), *sorted(words))))  # no secret


def passes(address: str, filters: list[str] | None) -> bool:
    """Talos: the last filter that matches decides; without any nothing passes, and no list passes all."""
    if filters is None:
        return True
    verdict = False
    for item in filters:
        network = ipaddress.ip_network(item.removeprefix("!"))
        if ipaddress.ip_address(address) in network if ipaddress.ip_address(address).version == network.version else False:
            verdict = not item.startswith("!")
    return verdict


def subnet(machine: Machine) -> Any:
    return ipaddress.ip_interface(f"{machine.address}/{machine.prefix}").network


def when(seconds: float, machine: Machine) -> str:
    """So many seconds ago, by the machine's own clock."""
    return str(Timestamp(int((NOW - seconds + machine.skew) * 1e9)))


Change = Callable[[World, random.Random], list[str]]
"""Does a fault to a world; returns the names that the finding must have."""
