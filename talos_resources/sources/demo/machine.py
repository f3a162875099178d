"""One machine of the demo, and what all of them have: the description that everything below KubeSpan is made of.

The guide tells names, addresses and hardware addresses. The rest is what five virtual machines that
`talosctl cluster create` makes would have; it fits itself, and the guide.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from talos_resources.model.net import IPAddress, IPPrefix, parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.demo import data
from talos_resources.sources.demo.simulated import BOOTED, SIGHTINGS

GATEWAY: Final = parse_address("172.20.0.1")
NETWORK_BITS: Final = 24
NAMESERVERS: Final = ("8.8.8.8", "1.1.1.1")
TIME_SERVERS: Final = ("time.cloudflare.com",)
MTU: Final = 1500
MESH_MTU: Final = 1420
ETHERNET: Final = "eth0"
TALOS_VERSION: Final = "v1.14.0"
KUBERNETES_VERSION: Final = "v1.37.0"
PAUSE_S: Final = 30
"""How long after switching on everything runs."""

DISK: Final = "vda"
SECTOR_BYTES: Final = 512
MIB: Final = 1 << 20
DISK_BYTES: Final = 10_240 * MIB
PARTITIONS: Final = (
    ("EFI", 2200, "vfat"),
    ("META", 1, ""),
    ("STATE", 100, "xfs"),
    ("EPHEMERAL", 10_240 - 2200 - 1 - 100 - 2, "xfs"),
)
"""Label, MiB and file system of each partition, in their order; a MiB stays free at both ends of the disk."""


class Machine:
    """A machine with what follows from its place in the cluster.

    Attributes:
        index: of the node in `data.NODES`.
        node: what the guide tells.
        booted: when it was switched on.
        ready: when everything ran.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.node = data.NODES[index]
        self.booted = Timestamp.parse(BOOTED[index])
        self.ready = Timestamp(self.booted + PAUSE_S * 1_000_000_000)

    @cached_property
    def address(self) -> IPAddress:
        """In the network of the machines."""
        return parse_address(self.node.address)

    @property
    def sightings(self) -> Iterator[tuple[data.Node, data.Sighting]]:
        """The other machines, and what this one knows of them."""
        return ((data.NODES[seen.ends[1]], seen) for seen in SIGHTINGS if seen.ends[0] == self.index)

    @cached_property
    def prefix(self) -> IPPrefix:
        """The address with the length of its network."""
        return IPPrefix(self.address, NETWORK_BITS)

    @cached_property
    def link_local(self) -> IPPrefix:
        """The address that follows from the hardware address."""
        mesh = ipaddress.IPv6Address(self.node.mesh_address)
        return IPPrefix(ipaddress.IPv6Address((0xFE80 << 112) | (int(mesh) & ((1 << 64) - 1))), 64)

    @cached_property
    def mesh(self) -> IPPrefix:
        """The KubeSpan address with the length of the mesh's subnet."""
        return IPPrefix(parse_address(self.node.mesh_address), IPPrefix.parse(data.MESH_SUBNET).length)

    @property
    def control_plane(self) -> bool:
        """Else a worker."""
        return self.node.control_plane

    @property
    def pods(self) -> IPPrefix:
        """The network of its pods."""
        return IPPrefix.parse(f"10.244.{self.index}.0/24")

    @property
    def memory_mib(self) -> int:
        """Memory."""
        return 2048

    @property
    def uuid(self) -> str:
        """Of the machine, as its firmware tells it; made up, and always the same."""
        from uuid import NAMESPACE_DNS, uuid5

        return str(uuid5(NAMESPACE_DNS, self.node.name))

    def uuid_of(self, part: str) -> str:
        """Of something in the machine."""
        from uuid import UUID, uuid5

        return str(uuid5(UUID(self.uuid), part))


def control_planes() -> list[Machine]:
    """The machines that run etcd and the API server."""
    return [machine for machine in map(Machine, range(len(data.NODES))) if machine.control_plane]
