"""Resources of some nodes → a file, a directory or an archive that `files` reads back."""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import kind_of, typed_kind, untyped
from talos_resources.model.near import did_you_mean
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.model.spec import RedactedSpec
from talos_resources.resources import Namespace, ResourceDefinition, Sensitivity
from talos_resources.rpc.pki.private_file import write_private
from talos_resources.sources.bundle_writing import NOTHING_BESIDE, Beside, Contents, documents, is_occupied, write_folders, zipped
from talos_resources.sources.files import STDIN
from talos_resources.state.contract import State
from talos_resources.state.registry import defined_kind

ZIP: Final = ".zip"
_STORES: Final = ("etcd", "sqlite")
"""The schemes of what keeps resources itself."""

Track = Callable[[Sequence[str]], Iterator[str]]


def held_by(state: State, types: Sequence[str] = (), *, show_secrets: bool = False) -> list[Resource[Any]]:
    """What a node holds, by type and namespace.

    Args:
        state: of the node.
        types: only these and their definitions; any of their names will do. Empty for everything.
        show_secrets: otherwise secrets are `redacted`.

    Raises:
        UnknownKindError: the node has no such type.
        AmbiguousKindError: several types share a name.
    """
    wanted = {state.kind(name).type for name in types}
    namespaces = [namespace.id for namespace in state.list(Namespace)]
    kept: list[Resource[Any]] = []
    secret: set[str] = set()
    for definition in state.list(ResourceDefinition):
        spec = definition.spec
        if wanted and spec.resource_type not in wanted:
            continue
        kept += [definition] if wanted else []
        kind = defined_kind(spec)
        sensitive = spec.sensitivity is Sensitivity.SENSITIVE
        secret |= {spec.resource_type} if sensitive else set()
        for namespace in dict.fromkeys((spec.default_namespace, *namespaces)):
            kept += _shown(state.list(kind, namespace=namespace), show_secrets=show_secrets, sensitive=sensitive)
    if isinstance(state, Enumerable):
        there = {(resource.namespace, resource.type) for resource in kept}
        for namespace, name in state.held_kinds():
            if (namespace, name) not in there and (not wanted or name in wanted):
                kind = typed_kind(name) or untyped(name, namespace)
                hidden = kind.sensitive or name in secret
                kept += _shown(state.list(kind, namespace=namespace), show_secrets=show_secrets, sensitive=hidden)
    return kept


def bundled(resources: Sequence[Resource[Any]], *, show_secrets: bool = False) -> list[Resource[Any]]:
    """What a support bundle of talosctl has of a node's resources: those in the namespaces of their types, in order of their ids.

    Args:
        resources: as `held_by` gives them, with the definitions.
        show_secrets: otherwise the specs of sensitive types are `<REDACTED>`, all of them.

    Source: talosctl v1.14.0-rc.1, support.
    """
    definition_type = kind_of(ResourceDefinition).type  # no other spec is looked at: one that cannot be read is written as it came
    definitions = {found.spec.resource_type: found.spec for found in resources if found.type == definition_type}

    def shown(resource: Resource[Any]) -> Resource[Any]:
        definition = definitions.get(resource.type)
        hidden = not show_secrets and definition is not None and definition.sensitivity is Sensitivity.SENSITIVE
        return Resource(resource.metadata, RedactedSpec()) if hidden else resource

    def is_usual(resource: Resource[Any]) -> bool:
        definition = definitions.get(resource.type)
        return definition is None or resource.namespace == definition.default_namespace

    return sorted(map(shown, filter(is_usual, resources)), key=lambda found: (found.type.lower(), found.id))


class LazyContents(Mapping[str, Sequence[Resource[Any]]]):
    """Contents of which a node's resources are collected when they are written, so that not all are there at a time."""

    def __init__(self, nodes: Sequence[str], held: Callable[[str], Sequence[Resource[Any]]], track: Track = iter) -> None:
        """Collects nothing yet.

        Args:
            nodes: their names.
            held: gives what is to be written of one.
            track: passes the names on as they are written.
        """
        self._nodes = nodes
        self._held = held
        self._track = track

    def __getitem__(self, node: str) -> Sequence[Resource[Any]]:
        return self._held(node)

    def __iter__(self) -> Iterator[str]:
        return self._track(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


@runtime_checkable
class Enumerable(Protocol):
    """A state that may hold kinds without a definition, and knows which."""

    def held_kinds(self) -> Sequence[tuple[str, str]]:
        """Namespace and type of every kind of which there is a resource."""
        ...


def _shown(resources: Sequence[Resource[Any]], *, show_secrets: bool, sensitive: bool) -> Sequence[Resource[Any]]:
    return resources if show_secrets else [redacted(resource, sensitive=sensitive) for resource in resources]


def write(contents: Contents, target: str, beside: Beside = NOTHING_BESIDE) -> None:
    """Writes resources in the form that the target's name asks for, whole or not at all.

    Args:
        contents: as `held_by` gives them.
        target: `*.wire.json`, `*.json`, `*.yaml`, `*.yml`, `*.zip`, `-` for YAML on stdout,
            `etcd://HOST:PORT/PREFIX`, `sqlite:PATH`, a name without an ending, or with a `/` behind it, for a
            directory; archives and directories have a folder per node, as in a support bundle. Files are readable by their owner alone.
        beside: the other files of each node, for archives and directories; see `beside.all_beside`.

    Raises:
        ConfigError: the target exists already, has an ending that stands for another form, or cannot be written.
    """
    scheme, _, rest = target.partition(":")
    if _is_store(target):
        importlib.import_module(f"talos_resources.sources.{scheme}").write(contents, rest)
        return
    if target == STDIN:
        sys.stdout.write(_yaml(contents))
        return
    path = _path(target)
    render = next((render for suffix, render in _RENDERERS.items() if path.name.endswith(suffix)), None)
    try:
        if render is not None:
            write_private(path, render(contents), overwrite=False)
        elif path.name.endswith(ZIP):
            write_private(path, zipped(contents, beside), overwrite=False)
        else:
            write_folders(path, contents, beside)
    except FileExistsError:
        raise _occupied(target) from None
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror or error}; nothing of it was kept") from None


def check_target(target: str) -> None:
    """Says before long work that `write` would refuse the target because it exists.

    Raises:
        ConfigError: it exists already, or has an ending that stands for another form.
    """
    if target == STDIN or _is_store(target):
        return
    path = _path(target)
    if path.exists() if target.endswith(_ENDINGS) else is_occupied(path):
        raise _occupied(target)


def has_folders(target: str) -> bool:
    """Whether a target gets a folder for each node, in which there is place for other files than resources."""
    return target.endswith(ZIP) or not (target == STDIN or _is_store(target) or target.endswith(_ENDINGS))


def _is_store(target: str) -> bool:
    """Whether the target is a URL of something that keeps resources itself."""
    scheme, _, rest = target.partition(":")
    return scheme in _STORES and bool(rest)


def _path(target: str) -> Path:
    """The path of a target that is a file or a folder.

    Raises:
        ConfigError: it looks like a file of a form that we do not write.
    """
    scheme, colon, rest = target.partition(":")
    if colon and (rest.startswith("//") or did_you_mean(scheme, _STORES)) and not Path(target).exists():
        raise ConfigError(
            f"nothing is written to {scheme}:; there are etcd://HOST:PORT/PREFIX, sqlite:PATH and paths{did_you_mean(scheme, _STORES)}"
        )
    path = Path(target)
    suffix = path.suffix
    if suffix[1:].isalpha() and not target.endswith((*_ENDINGS, "/")) and not path.is_dir():
        raise ConfigError(f"{target}: no form is called {suffix}; there are {', '.join(_ENDINGS)}, and {target}/ for a folder")
    return path


def _occupied(target: str) -> ConfigError:
    return ConfigError(f"{target} exists already; remove it or name another target")


def _yaml(contents: Contents) -> str:
    return documents((resource, {"node": node}) for node, resources in contents.items() for resource in resources)


def _json(contents: Contents) -> bytes:
    from talos_resources.codec.text import resource_to_json

    return "".join(
        f"{resource_to_json(resource, head={'node': node})}\n" for node, resources in contents.items() for resource in resources
    ).encode()


def _wire(contents: Contents) -> bytes:
    """A list of wire entries; they name their node if there are several."""
    from talos_resources.codec.wire import resource_to_wire

    entries = [
        ({"node": node} if len(contents) > 1 else {})
        | {
            "namespace": resource.namespace,
            "type": resource.type,
            "id": resource.id,
            "wire": base64.b64encode(resource_to_wire(resource)).decode(),
        }
        for node, resources in contents.items()
        for resource in resources
    ]
    return f"{json.dumps(entries, indent=1)}\n".encode()


_RENDERERS: Final[dict[str, Callable[[Contents], bytes]]] = {
    ".wire.json": _wire,
    ".json": _json,
    ".yaml": lambda contents: _yaml(contents).encode(),
    ".yml": lambda contents: _yaml(contents).encode(),
}
"""Ending → renderer; the first that fits counts."""
_ENDINGS: Final = (*_RENDERERS, ZIP)
