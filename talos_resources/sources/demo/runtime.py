"""What a demo machine runs: its stage, services, clock and hardware."""

from __future__ import annotations

from typing import Final

from talos_resources.resources import (
    MachineStatus,
    MachineType,
    MachineTypeConfig,
    MemoryModule,
    PCIDevice,
    PlatformMetadata,
    Processor,
    SecurityState,
    Service,
    SystemInformation,
    TimeStatus,
    Version,
)
from talos_resources.resources.runtime.machine_status import MachineStage, MachineStatusStatus
from talos_resources.resources.runtime.security_state import SELinuxState
from talos_resources.sources.demo.machine import TALOS_VERSION, Machine
from talos_resources.sources.demo.stored import Made, stored

_EVERYWHERE: Final = ("apid", "auditd", "containerd", "cri", "dashboard", "kubelet", "machined", "syslogd", "udevd")
_ON_CONTROL_PLANES: Final = ("etcd", "trustd")
_WITHOUT_HEALTH: Final = frozenset({"dashboard"})
"""Services that nobody asks how they are."""


def machine_type(machine: Machine) -> Made:
    """Control plane or worker."""
    found = MachineType.CONTROL_PLANE if machine.control_plane else MachineType.WORKER
    yield stored(MachineTypeConfig(machine_type=found), "machine-type", created=machine.booted, owner="config.MachineTypeController")


def stage(machine: Machine) -> Made:
    """What it is doing."""
    status = MachineStatus(stage=MachineStage.RUNNING, status=MachineStatusStatus(ready=True))
    yield stored(status, "machine", created=machine.booted, owner="runtime.MachineStatusController", version=9, updated=machine.ready)


def services(machine: Machine) -> Made:
    """What runs on it."""
    for name in sorted((*_EVERYWHERE, *(_ON_CONTROL_PLANES if machine.control_plane else ()))):
        told = name not in _WITHOUT_HEALTH
        service = Service(running=True, healthy=told, health_unknown=not told)
        yield stored(service, name, created=machine.booted, owner="v1alpha1.ServiceController", version=2, updated=machine.ready)


def clock(machine: Machine) -> Made:
    """Whether the clock is right."""
    yield stored(TimeStatus(synced=True), "node", created=machine.booted, owner="time.SyncController", version=2, updated=machine.ready)


def version(machine: Machine) -> Made:
    """Which Talos it is."""
    yield stored(Version(name="Talos", version=TALOS_VERSION), "version", created=machine.booted, owner="runtime.VersionController")


def platform(machine: Machine) -> Made:
    """Where it runs."""
    metadata = PlatformMetadata(platform="metal", hostname=machine.node.name)
    yield stored(metadata, "platformmetadata", created=machine.booted, owner="network.PlatformConfigController")


def security(machine: Machine) -> Made:
    """How it was started."""
    state = SecurityState(selinux_state=SELinuxState.ENABLED_PERMISSIVE, module_signature_enforced=True)
    yield stored(state, "securitystate", created=machine.booted, owner="runtime.SecurityStateController")


def system(machine: Machine) -> Made:
    """What the firmware calls the machine."""
    found = SystemInformation(
        manufacturer="QEMU",
        product_name="Standard PC (Q35 + ICH9, 2009)",
        version="pc-q35-8.2",
        uuid=machine.uuid,
        wake_up_type="Power Switch",
    )
    yield stored(found, "systeminformation", created=machine.booted, owner=_HARDWARE)


def processors(machine: Machine) -> Made:
    """Its processors."""
    for number in range(2):
        found = Processor(
            socket=f"CPU {number}",
            manufacturer="QEMU",
            product_name="pc-q35-8.2",
            max_speed_mhz=2000,
            boot_speed_mhz=2000,
            status=65,
            core_count=1,
            core_enabled=1,
            thread_count=1,
        )
        yield stored(found, f"CPU-{number}", created=machine.booted, owner=_HARDWARE)


def memory(machine: Machine) -> Made:
    """Its memory."""
    found = MemoryModule(size_mi_b=machine.memory_mib, device_locator="DIMM 0", manufacturer="QEMU")
    yield stored(found, "DIMM-0", created=machine.booted, owner=_HARDWARE)


def devices(machine: Machine) -> Made:
    """Its network card and its disk, on the bus."""
    found = {
        "0000:00:02.0": ("Network controller", "02", "Ethernet controller", "00", "Virtio network device", "0x1000"),
        "0000:00:03.0": ("Mass storage controller", "01", "SCSI storage controller", "00", "Virtio block device", "0x1001"),
    }
    for place, (kind, kind_id, below, below_id, product, product_id) in found.items():
        device = PCIDevice(
            class_=kind,
            subclass=below,
            vendor="Red Hat, Inc.",
            product=product,
            class_id=f"0x{kind_id}",
            subclass_id=f"0x{below_id}",
            vendor_id="0x1af4",
            product_id=product_id,
            driver="virtio-pci",
        )
        yield stored(device, place, created=machine.booted, owner="hardware.PCIDevicesController")


_HARDWARE: Final = "hardware.SystemInfoController"
