"""LVM, RAID and the unattended installation: disks that are chosen by an expression.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl where recorded.
"""

from __future__ import annotations

import re
from typing import Final

from talos_resources.machineconfig.cel import DISK, VOLUME, fault_of
from talos_resources.machineconfig.schema.sizes import is_more
from talos_resources.machineconfig.validate.report import Subject
from talos_resources.machineconfig.validate.volumes import check_selector

_LVM_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]{1,127}", re.ASCII)
_RAID_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def check_install(subject: Subject) -> None:
    """UnattendedInstallConfig; Talos calls its disk selector a volume selector in its messages."""
    if not subject.section("installer").get("image"):
        subject.warn("installer.image is not set, if Talos is not booted from asset built by Image Factory, installation will fail")
    match = subject.section("provisioning.diskSelector").get("match", "")
    if not match:
        subject.error("provisioning.diskSelector.match is required")
    elif fault := fault_of(match, DISK):
        subject.error(f"provisioning.diskSelector.match: {fault}")


def check_volume_group(subject: Subject) -> None:
    """LVMVolumeGroupConfig."""
    _check_lvm_name(subject)
    check_selector(subject, VOLUME)


def check_logical_volume(subject: Subject) -> None:
    """LVMLogicalVolumeConfig."""
    _check_lvm_name(subject)
    kind = subject.fields.get("type", "linear")
    for key, kinds in (("mirrors", ("raid1", "raid10")), ("stripes", ("raid0", "raid10"))):
        if subject.fields.get(key) is not None and kind not in kinds:
            subject.error(f"{key} is only valid for {'/'.join(kinds)}, not {kind}")
    provisioning = subject.section("provisioning")
    if not provisioning.get("volumeGroup"):
        subject.error("provisioning.volumeGroup is required")
    least, most = provisioning.get("minSize", ""), provisioning.get("maxSize", "")
    if not most:
        subject.error("provisioning.maxSize is required")
    elif is_more(least, most):
        subject.error("min size is greater than max size")


def _check_lvm_name(subject: Subject) -> None:
    name = subject.text("name")
    if not name:
        subject.error("name is required")
    elif _LVM_NAME.fullmatch(name) is None or name.startswith("-") or name in {".", ".."}:
        subject.error(f'name "{name[:80]}" is invalid: it takes letters, digits and _ . + -, and does not begin with a dash')


def check_raid(subject: Subject) -> None:
    """RAIDArrayConfig."""
    name = subject.text("name")
    if not name:
        subject.error("name is required")
    elif _RAID_NAME.fullmatch(name) is None:
        subject.error("name must be 1-32 characters: ASCII letters, digits, hyphens, underscores")
    check_selector(subject, VOLUME)
