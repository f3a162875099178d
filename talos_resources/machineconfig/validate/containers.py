"""ContainerConfig: containers that Talos itself runs.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl; published
reference of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.schema.sizes import parse_size
from talos_resources.machineconfig.validate.report import Report, Section, Subject

_NAME: Final = re.compile(r"[a-z0-9-]+", re.ASCII)
_LONGEST_NAME: Final = 63
_PROFILES: Final = ("restricted", "privileged")
_MODES: Final = ("none", "host")
_SOURCES: Final = ("userVolume", "tmpfs", "hostPath")
_OPTIONS: Final = (
    "ro",
    "rw",
    "exec",
    "noexec",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "atime",
    "noatime",
    "bind",
    "rbind",
    "rshared",
    "rslave",
    "rprivate",
)
_NETWORKS: Final = ("addresses", "connectivity", "hostname", "etcfiles")
_CPU: Final = re.compile(r"[0-9]{1,9}m", re.ASCII)
_REFERENCE: Final = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?", re.ASCII
)
_SHORTEST_REPOSITORY: Final = 2


def check_container(subject: Subject) -> None:
    """Checks the document by itself."""
    name = subject.text("name")
    if not 1 <= len(name) <= _LONGEST_NAME:
        subject.error(f'name "{name[:80]}": name must be between 1 and {_LONGEST_NAME} characters long')
    elif _NAME.fullmatch(name) is None:
        subject.error(f'name "{name}": name can only contain lowercase ASCII letters, digits and hyphens')
    _check_image(subject, subject.text("image"))
    for index, entry in enumerate(subject.fields.get("environment") or ()):
        if not entry.partition("=")[0] or "=" not in entry:
            subject.error(f"environment[{index}] must be in KEY=value form")
    for index, mount in enumerate(subject.fields.get("mounts") or ()):
        _check_mount(subject, f"mounts[{index}]", mount or {})
    for path, what, words in (("security.profile", "security profile", _PROFILES), ("network.mode", "network mode", _MODES)):
        section, _, key = path.partition(".")
        word = subject.section(section).get(key, "")
        if word and word not in words:
            subject.error(f'unsupported {what} "{word[:40]}", expected {" or ".join(words)}')
    _check_capabilities(subject, subject.section("security.capabilities"))
    _check_limits(subject, subject.section("resources.limits"))
    _check_depends(subject, name, subject.section("dependsOn"))
    for key in ("uid", "gid"):
        if (number := subject.section("runAs").get(key, 0)) < 0:
            subject.error(f"runAs.{key} must be non-negative, got {number}")


def _check_image(subject: Subject, image: str) -> None:
    if not image:
        subject.error("image is required")
        return
    repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if len(image) > 1024 or _REFERENCE.fullmatch(image) is None or ("/" not in image and len(repository) < _SHORTEST_REPOSITORY):
        subject.error(f'invalid image reference "{image[:80]}"')
    elif "@" not in image:
        subject.warn(f'image "{image}" is not pinned by a digest')


def _check_mount(subject: Subject, where: str, mount: Section) -> None:
    sources = [source for source in _SOURCES if mount.get(source) is not None]
    if len(sources) != 1:
        subject.error(f"{where}: exactly one of userVolume, tmpfs or hostPath must be set")
        return
    (source,) = sources
    spec = mount[source]
    for key in ("source", "destination") if source == "hostPath" else ("destination",):
        path = spec.get(key, "")
        if not path.startswith("/"):
            subject.error(f'{where}: {source}.{key} "{path[:80]}" must be an absolute path')
    if source == "userVolume" and not spec.get("name"):
        subject.error(f"{where}: userVolume.name is required")
    if source == "tmpfs" and spec.get("size") and not _is_size(spec["size"]):
        subject.error(f'{where}: tmpfs.size "{spec["size"][:40]}" is not a valid size')
    options = spec.get("options") or []
    for option in options:
        if option not in _OPTIONS:
            subject.error(f'{where}: unsupported mount option "{option[:40]}"')
    if "ro" in options and "rw" in options:
        subject.error(f"{where}: mount options ro and rw are mutually exclusive")


def _check_capabilities(subject: Subject, capabilities: Section) -> None:
    for what in ("add", "drop"):
        for name in capabilities.get(what) or ():
            if name == "ALL":
                if what == "add":
                    subject.error("capabilities.add does not accept ALL, use profile: privileged instead")
            elif name.upper().startswith("CAP_"):
                subject.error(f'capabilities.{what}: capability "{name[:40]}" must be given without the CAP_ prefix')
            elif name != name.upper() or not name:
                subject.error(f'capabilities.{what}: capability "{name[:40]}" must be upper case')


def _check_limits(subject: Subject, limits: Section) -> None:
    memory, cpu = limits.get("memory", ""), limits.get("cpu", "")
    if memory and not _is_size(memory):
        subject.error(f'limits.memory "{memory[:40]}" is not a valid size')
    if cpu and _CPU.fullmatch(cpu) is None:
        subject.error(f'limits.cpu "{cpu[:40]}" must be expressed in millicores, e.g. 1500m')


def _is_size(text: str) -> bool:
    try:
        return parse_size(text) >= 0
    except ValueError:
        return False


def _check_depends(subject: Subject, name: str, depends: Section) -> None:
    for path in depends.get("paths") or ():
        if not path.startswith("/"):
            subject.error(f'dependsOn.paths entry "{path[:80]}" must be an absolute path')
    for network in depends.get("networks") or ():
        if network not in _NETWORKS:
            subject.error(f'unsupported dependsOn.networks condition "{network[:40]}"')
    for other in depends.get("containers") or ():
        if not other:
            subject.error("dependsOn.containers entry must not be empty")
        elif other == name:
            subject.error(f'container "{name}" cannot depend on itself')


def check_dependencies(report: Report, containers: Iterable[Document]) -> None:
    """The containers that others wait for have to be there, and may not wait for each other in a circle."""
    needed: Mapping[str, list[str]] = {document.name: list(_depends(document.fields)) for document in containers}
    for name, others in needed.items():
        for other in others:
            if other not in needed:
                report.error("", f'container "{name}" depends on container "{other}", which is not configured')
    circle = _circle(needed)
    if circle:
        report.error("", f"container dependsOn cycle detected: {' -> '.join(circle)}")


def _depends(fields: Mapping[str, Any]) -> Iterable[str]:
    return (fields.get("dependsOn") or {}).get("containers") or ()


def _circle(needed: Mapping[str, list[str]]) -> list[str]:
    """The first circle that is found, its first name again at its end; a walk without recursion."""
    done: set[str] = set()
    for start in needed:
        path: list[str] = []
        pending: list[tuple[str, bool]] = [(start, True)]
        while pending:
            name, entering = pending.pop()
            if not entering:
                done.add(path.pop())
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name in needed and name not in done:
                path.append(name)
                pending.append((name, False))
                pending += [(other, True) for other in reversed(needed[name])]
    return []
