"""Volumes: of the system, of users, external ones; LVM and RAID.

Source: Talos v1.12.3 and v1.14.0-rc.1, validation of volume documents; verdicts and texts observed on talosctl
where recorded.
"""

from __future__ import annotations

import re
from typing import Final

from talos_resources.machineconfig.cel import DISK, VOLUME, Scope, fault_of
from talos_resources.machineconfig.schema.sizes import is_more
from talos_resources.machineconfig.validate.report import Section, Subject
from talos_resources.model.duration import Duration

_SYSTEM: Final = ("STATE", "EPHEMERAL", "IMAGECACHE", "ETCD", "CRI", "KUBELET", "LOG")
_PROMOTABLE: Final = ("ETCD", "CRI", "KUBELET", "LOG")
_NAME: Final = re.compile(r"[A-Za-z0-9-]*", re.ASCII)
_LONGEST_NAME: Final = 34
"""A partition label of 36 characters without the two that Talos puts in front."""

_LEAST_SCRUB_NS: Final = 10 * 10**9


def check_volume(subject: Subject) -> None:
    """VolumeConfig: of the system's own volumes, with what each may have."""
    name = subject.text("name")
    if name not in _SYSTEM:
        listed = " ".join(f'"{system}"' for system in _SYSTEM)
        subject.error(f"only [{listed}] volumes are supported")
        return
    _check_system(subject, name)
    _check_provisioning(subject, required=False)
    _check_encryption(subject)
    _check_trim_scrub(subject)


def _check_system(subject: Subject, name: str) -> None:
    provisioning, mount = subject.section("provisioning"), subject.section("mount")
    if name == "STATE":
        if _is_set(provisioning):
            subject.error(f'provisioning config is not allowed for the "{name}" volume')
        if any(key.get("lockToState") for key in subject.section("encryption").get("keys") or ()):
            subject.error(f'state-locked key is not allowed for the "{name}" volume')
    if name in {"STATE", "IMAGECACHE"} and mount:
        subject.error(f'mount config is not allowed for the "{name}" volume')
    if name == "IMAGECACHE" and subject.section("filesystem"):
        subject.error(f'filesystem config is not allowed for the "{name}" volume')
    if name in _PROMOTABLE and mount and not _is_set(provisioning):
        subject.error(f'mount config for the "{name}" volume is only supported when it is provisioned onto a dedicated partition')


def _is_set(section: Section) -> bool:
    """Whether a section says anything."""
    return any(_is_set(value) if isinstance(value, dict) else value not in ("", None) for value in section.values())


def check_user_volume(subject: Subject) -> None:
    """UserVolumeConfig: a partition, a whole disk, or a directory, which has nothing to set."""
    _check_name(subject, longest=_LONGEST_NAME)
    kind = subject.fields.get("volumeType", "partition")
    if kind == "directory":
        for key in ("provisioning", "encryption", "filesystem", "mount"):
            if _is_set(subject.section(key)):
                subject.error(f"{key} spec is invalid for volumeType directory")
    elif kind in {"partition", "disk"}:
        _check_provisioning(subject, required=True, sized=kind == "partition")
        _check_filesystem(subject)
        _check_encryption(subject)
    else:
        subject.error(f'unsupported volume type "{kind}"')
    _check_trim_scrub(subject)


def check_raw_volume(subject: Subject) -> None:
    """RawVolumeConfig, SwapVolumeConfig: a partition."""
    _check_name(subject, longest=_LONGEST_NAME)
    _check_provisioning(subject, required=True)
    _check_encryption(subject)


def check_existing_volume(subject: Subject) -> None:
    """ExistingVolumeConfig: found by an expression."""
    _check_name(subject, longest=None)
    match = subject.section("discovery.volumeSelector").get("match", "")
    if not match:
        subject.error("volume selector is required")
    elif fault := fault_of(match, VOLUME):
        subject.error(f"volume selector is invalid: {fault}")
    _check_trim_scrub(subject)


def check_external_volume(subject: Subject) -> None:
    """ExternalVolumeConfig: virtiofs with a tag."""
    _check_name(subject, longest=None)
    kind = subject.fields.get("filesystemType", "none")
    if kind != "virtiofs":
        subject.error(f"unsupported filesystem type: {kind}")
        return
    virtiofs = subject.section("mount").get("virtiofs")
    if virtiofs is None:
        subject.error("virtiofs mount spec is required")
    elif not virtiofs.get("tag"):
        subject.error("virtiofs tag is required")


def _check_name(subject: Subject, *, longest: int | None) -> None:
    name = subject.text("name")
    if not name:
        subject.error("name is required")
    if longest is not None and not 1 <= len(name) <= longest:
        subject.error(f"name must be between 1 and {longest} characters long")
    if _NAME.fullmatch(name) is None:
        subject.error("name can only contain lowercase and uppercase ASCII letters, digits, and hyphens")


def _check_provisioning(subject: Subject, *, required: bool, sized: bool = True) -> None:
    provisioning = subject.section("provisioning")
    match = provisioning.get("diskSelector", {}).get("match", "")
    if match:
        if fault := fault_of(match, DISK):
            subject.error(f"disk selector is invalid: {fault}")
    elif required:
        subject.error("disk selector is required")
    least, most = provisioning.get("minSize", ""), provisioning.get("maxSize", "")
    if not sized:
        for key, value in (("minSize", least), ("maxSize", most), ("grow", provisioning.get("grow"))):
            if value not in ("", None):
                subject.error(f"provisioning.{key} is not supported for volumeType disk")
        return
    if required and not least and not most:
        subject.error("min size or max size is required")
    if is_more(least, most):
        subject.error("min size is greater than max size")
    if least.startswith("-"):
        subject.error("min size cannot be negative")


def _check_filesystem(subject: Subject) -> None:
    filesystem = subject.section("filesystem")
    kind = filesystem.get("type", "none")
    if kind not in {"none", "xfs", "ext4"}:
        subject.error(f"unsupported filesystem type: {kind}")
    elif kind == "ext4":
        if filesystem.get("projectQuotaSupport"):
            subject.error("project quota support is only available for xfs filesystem")
        elif filesystem.get("xfs") is not None:
            subject.error("xfs options are only available for xfs filesystem")


def _check_encryption(subject: Subject) -> None:
    encryption = subject.section("encryption")
    keys = encryption.get("keys") or []
    if encryption.get("provider", "none") == "none":
        if keys:
            subject.error("unsupported encryption provider: none")
        return
    if not keys:
        subject.error("encryption keys are required")
    slots: set[int] = set()
    for key in keys:
        slot = (key or {}).get("slot", 0)
        if slot in slots:
            subject.error(f"duplicate key slot {slot}")
        slots.add(slot)
        if not any((key or {}).get(kind) is not None for kind in ("static", "nodeID", "kms", "tpm")):
            subject.error(f"encryption key configuration is required for slot {slot}")


def _check_trim_scrub(subject: Subject) -> None:
    check_trim(subject, subject.section("trim"), "trim interval")
    check_scrub(subject, subject.section("scrub"))


def check_trim(subject: Subject, fields: Section, what: str) -> None:
    """An interval that is not negative."""
    if str(fields.get("interval", "")).startswith("-"):
        subject.error(f"{what} cannot be negative")


def check_scrub(subject: Subject, fields: Section) -> None:
    """An interval of ten seconds at least, or none."""
    interval = Duration.parse(fields.get("interval", "0s")).nanoseconds
    if interval and interval < _LEAST_SCRUB_NS:
        subject.error("scrub interval: minimum value is 10s")


def check_trim_document(subject: Subject) -> None:
    """FilesystemTrimConfig."""
    check_trim(subject, subject.fields, "interval")


def check_scrub_document(subject: Subject) -> None:
    """FilesystemScrubConfig."""
    check_scrub(subject, subject.fields)


def check_zswap(subject: Subject) -> None:
    """ZswapConfig."""
    percent = subject.fields.get("maxPoolPercent")
    if percent is not None and not 0 <= percent <= 100:
        subject.error("maxPoolPercent must be between 0 and 100")


def check_selector(subject: Subject, scope: Scope) -> None:
    """`provisioning.volumeSelector.match`: there, and an expression that is true or false."""
    match = subject.section("provisioning.volumeSelector").get("match", "")
    if not match:
        subject.error("provisioning.volumeSelector.match is required")
    elif fault := fault_of(match, scope):
        subject.error(f"provisioning.volumeSelector.match: {fault}")
