"""The disk of a demo machine: its partitions, the volumes that Talos makes of them, and where they are mounted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from talos_resources.resources import BlockDevice, DiscoveredVolume, Disk, RuntimeMountStatus, SystemDisk, VolumeStatus
from talos_resources.resources.block.filesystem_type import FilesystemType
from talos_resources.resources.block.volume_status import VolumePhase
from talos_resources.resources.block.volume_type import VolumeType
from talos_resources.sources.demo.machine import DISK, DISK_BYTES, MIB, PARTITIONS, SECTOR_BYTES, Machine
from talos_resources.sources.demo.stored import Made, stored

_DEVICE: Final = f"/dev/{DISK}"
_BUS: Final = "/pci0000:00/0000:00:03.0/virtio2"
_SYS: Final = f"/devices{_BUS}/block/{DISK}"
_MOUNTED: Final = {"STATE": "/system/state", "EPHEMERAL": "/var"}
_TYPES: Final = {"EFI": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"}
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_FILESYSTEMS: Final = {"": FilesystemType.NONE, "vfat": FilesystemType.VFAT, "xfs": FilesystemType.XFS}
_LINUX: Final = "0fc63daf-8483-4772-8e79-3d69d8477de4"


class Partition(NamedTuple):
    """A partition: label, number from 1 on, where it begins and its size in bytes, and its file system or nothing."""

    label: str
    number: int
    offset: int
    size: int
    filesystem: str

    @property
    def device(self) -> str:
        """Its device file."""
        return f"{_DEVICE}{self.number}"


def partitions() -> Iterator[Partition]:
    """What the disk is divided into."""
    offset = MIB
    for number, (label, mib, filesystem) in enumerate(PARTITIONS, 1):
        yield Partition(label, number, offset, mib * MIB, filesystem)
        offset += mib * MIB


def pretty(size: int) -> str:
    """Bytes for people, as Talos writes them: powers of a thousand, a decimal below ten."""
    power = 0
    while size >= 1000 ** (power + 1):
        power += 1
    value = size / 1000**power
    return f"{value:.1f} {_UNITS[power]}" if value < 10 and power else f"{value:.0f} {_UNITS[power]}"


def disks(machine: Machine) -> Made:
    """The only disk."""
    disk = Disk(
        dev_path=_DEVICE,
        size=DISK_BYTES,
        pretty_size=pretty(DISK_BYTES),
        io_size=SECTOR_BYTES,
        sector_size=SECTOR_BYTES,
        modalias="virtio:d00000002v00001AF4",
        bus_path=_BUS,
        sub_system="/sys/class/block",
        transport="virtio",
        rotational=True,
        symlinks=("/dev/disk/by-path/pci-0000:00:03.0",),
    )
    yield stored(disk, DISK, created=machine.booted, owner="block.DisksController")


def system_disk(machine: Machine) -> Made:
    """Where Talos is installed."""
    yield stored(SystemDisk(disk_id=DISK, dev_path=_DEVICE), "system-disk", created=machine.booted, owner="block.SystemDiskController")


def devices(machine: Machine) -> Made:
    """The disk and its partitions as the kernel has them."""
    disk = BlockDevice(type="disk", major=254, device_path=_SYS, generation=1)
    yield stored(disk, DISK, created=machine.booted, owner=_DEVICES)
    for part in partitions():
        name = f"{DISK}{part.number}"
        device = BlockDevice(
            type="partition",
            major=254,
            minor=part.number,
            partition_name=name,
            partition_number=part.number,
            device_path=f"{_SYS}/{name}",
            generation=1,
            parent=DISK,
        )
        yield stored(device, name, created=machine.booted, owner=_DEVICES)


def discovered(machine: Machine) -> Made:
    """What is on the disk and in its partitions."""
    whole = DiscoveredVolume(
        dev_path=_DEVICE,
        type="disk",
        device_path=_SYS,
        size=DISK_BYTES,
        pretty_size=pretty(DISK_BYTES),
        sector_size=SECTOR_BYTES,
        io_size=SECTOR_BYTES,
        name="gpt",
        uuid=machine.uuid_of(DISK),
        block_size=SECTOR_BYTES,
        probed_size=DISK_BYTES,
    )
    yield stored(whole, DISK, created=machine.booted, owner=_DISCOVERY)
    for part in partitions():
        volume = DiscoveredVolume(
            dev_path=part.device,
            type="partition",
            device_path=f"{_SYS}/{DISK}{part.number}",
            parent=DISK,
            parent_dev_path=_DEVICE,
            offset=part.offset,
            size=part.size,
            pretty_size=pretty(part.size),
            sector_size=SECTOR_BYTES,
            io_size=SECTOR_BYTES,
            name=part.filesystem or "talosmeta",
            uuid=machine.uuid_of(part.label),
            label=part.label if part.filesystem else "",
            block_size=SECTOR_BYTES,
            filesystem_block_size=4096 if part.filesystem == "xfs" else 0,
            probed_size=part.size,
            partition_uuid=_partition_uuid(machine, part),
            partition_type=_TYPES.get(part.label, _LINUX),
            partition_label=part.label,
            partition_index=part.number,
        )
        yield stored(volume, f"{DISK}{part.number}", created=machine.booted, owner=_DISCOVERY)


def volumes(machine: Machine) -> Made:
    """What Talos makes of the partitions."""
    for part in partitions():
        status = VolumeStatus(
            phase=VolumePhase.READY,
            type=VolumeType.PARTITION,
            location=part.device,
            mount_location=part.device,
            partition_index=part.number,
            parent_location=_DEVICE,
            uuid=machine.uuid_of(part.label),
            partition_uuid=_partition_uuid(machine, part),
            size=part.size,
            pretty_size=pretty(part.size),
            filesystem=_FILESYSTEMS[part.filesystem],
        )
        yield stored(status, part.label, created=machine.booted, owner="block.VolumeManagerController", version=2, updated=machine.ready)


def mounts(machine: Machine) -> Made:
    """Where volumes are mounted."""
    for part in partitions():
        if (target := _MOUNTED.get(part.label)) is not None:
            mount = RuntimeMountStatus(source=part.device, target=target, filesystem_type=part.filesystem)
            yield stored(mount, part.label, created=machine.booted, owner="runtime.MountStatusController")


def _partition_uuid(machine: Machine, part: Partition) -> str:
    return machine.uuid_of(f"partition {part.number}")


_DEVICES: Final = "block.DevicesController"
_DISCOVERY: Final = "block.DiscoveryController"
