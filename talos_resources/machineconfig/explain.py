"""What Talos accepts and hardly anybody means: `validate --explain` beside the rules of `cilium check`.

Source: Talos guide, KubeSpan, Configuration; patches append to lists (reference of the machine-config workflow).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_patch import only_excludes
from talos_resources.machineconfig.schema.table import MAIN, document_type
from talos_resources.machineconfig.schema.types import ListOf, Struct, Type
from talos_resources.model.errors import DecodeError
from talos_resources.model.finding import Finding, Severity
from talos_resources.releases import NEWEST, Release

_MAY_REPEAT: Final = frozenset({"extraArgs", "extraKernelArgs", "command", "args", "rules", "parameters", "env"})
"""Keys of lists in which a thing may well stand twice."""

_UNKNOWN: Final = "unknown key"


def explain(config: MachineConfig, *, source: str) -> Iterator[Finding]:
    """What is accepted and does not do what it looks like.

    Args:
        config: of any form.
        source: its name in findings.
    """
    yield from _only_exclusions(config, source)
    yield from _twice(config, source)


def _only_exclusions(config: MachineConfig, source: str) -> Iterator[Finding]:
    """Filters name what is advertised; those that only exclude leave nothing."""
    places = (("machine.network.kubespan.filters.endpoints", MAIN), ("filters.endpoints", "KubeSpanConfig"))
    for path, kind in places:
        if config.find(kind) is None:  # which a release may not even know
            continue
        filters = config.get(path, [], kind=kind)
        if filters and only_excludes(filters):
            where = path if kind == MAIN else f"{kind}.{path}"
            yield Finding(
                severity=Severity.WARNING,
                rule="only-exclusions",
                title=f"{source}: the endpoint filters only exclude, so this machine advertises no endpoint",
                evidence=(f"{where}: {', '.join(map(str, filters))}",),
                cause="An endpoint is advertised if a filter takes it; what no filter names is left out.",
                advice="put 0.0.0.0/0 and ::/0 before the exclusions",
                guide="KubeSpan, Configuration",
            )


def _twice(config: MachineConfig, source: str) -> Iterator[Finding]:
    """Patches append to lists, so a patch that was applied twice leaves its items twice."""
    for document in config.documents:
        label = "" if document.kind == MAIN else f"{document}."
        for path, item in _repeated(document.fields, ""):
            yield Finding(
                severity=Severity.WARNING,
                rule="twice",
                title=f"{source}: {label}{path} holds {_shown(item)} twice",
                cause="A patch appends to a list; one that is applied twice leaves what it adds twice.",
                advice="remove one of them, and patch the configuration as it was before",
                guide="",
            )


def _repeated(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The lists below a value that hold something twice, and what."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _MAY_REPEAT:
                yield from _repeated(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item and item in value[:index]:
                yield path, item
                break
        for index, item in enumerate(value):
            yield from _repeated(item, f"{path}[{index}]")


def _shown(item: Any) -> str:
    """An item, short; of a mapping only what tells it."""
    if isinstance(item, Mapping):
        return next((f"{key} {item[key]}" for key in ("name", "network", "interface") if key in item), "one entry")
    text = str(item)
    return f'"{text}"' if len(text) <= 60 and "\n" not in text else "one text"


def nearest_keys(error: DecodeError, *, release: Release = NEWEST) -> tuple[str, ...]:
    """For each unknown key, where a key of this or nearly this name is: in the same document, else in another one.

    Args:
        error: of a configuration; its text begins with the document's kind where that is not the v1alpha1 one.
        release: whose keys they are.
    """
    head, found_one, _ = error.text.rpartition(_UNKNOWN)
    if not found_one:
        return ()
    label = head.removesuffix(": ")
    kind, before = label.partition("/")[0] or MAIN, f"{label}." if label else ""
    own = list(_paths(document_type(kind, release), ""))
    others = [f"{_prefix(other)}{path}" for other in _kinds(release) if other != kind for path in _paths(document_type(other, release), "")]
    found = []
    for path, _ in error.faults or ():
        mine = _nearest(path, own)
        best = f"{before}{mine}" if mine else _nearest(path, others, exact=True) or _nearest(path, others)
        if best:
            found.append(f"{before}{path} is no key that Talos knows; did you mean {best}?")
    return tuple(found)


def _kinds(release: Release) -> list[str]:
    """All kinds, the v1alpha1 document first."""
    return [MAIN, *sorted(release.document_kinds)]


def _prefix(kind: str) -> str:
    return "" if kind == MAIN else f"{kind}."


def _nearest(path: str, paths: list[str], *, exact: bool = False) -> str:
    """The path whose last key is that of another one, or nearly; the one in the same section before others."""
    names = {_last(other) for other in paths}
    wanted = {_last(path)} & names or (set() if exact else set(get_close_matches(_last(path), names, n=1)))
    near = [other for other in paths if _last(other) in wanted and other != path]
    section = path.rpartition(".")[0]
    return min(near, key=lambda other: (not other.startswith(section), len(other)), default="")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _paths(kind: Type | None, prefix: str) -> Iterator[str]:
    if isinstance(kind, ListOf):
        yield from _paths(kind.item, f"{prefix}[]")
    elif isinstance(kind, Struct):
        for key, field in kind.fields.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from _paths(field.type, path)
