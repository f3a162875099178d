"""Which file holds which class.

A type has a file; a structure or enumeration that only one file needs is in that file, others have their own.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Final

import attrs

from talos_resources.resources.generate.names import class_name, snake
from talos_resources.resources.generate.shapes import shape
from talos_resources.resources.generate.table import Table, table

PACKAGE: Final = "talos_resources.resources"
_GROUPS: Final = {
    "nethelpers": "network",
    "machine": "cluster",
    "specs": "k8s",
    "x509": "secrets",
    "extensions": "runtime",
    "kubeaccess": "cluster",
    "protobuf": "network",
    "spec": "meta",
}
# Written by hand: the type, its module, the class of its structure, and what else is in there.
BY_HAND: Final = {
    "Affiliates.cluster.talos.dev": "cluster.affiliate",
    "DiscoveryConfigs.cluster.talos.dev": "cluster.config",
    "Identities.cluster.talos.dev": "cluster.identity",
    "Infos.cluster.talos.dev": "cluster.info",
    "Members.cluster.talos.dev": "cluster.member",
    "KubeSpanConfigs.kubespan.talos.dev": "kubespan.config",
    "KubeSpanEndpoints.kubespan.talos.dev": "kubespan.endpoint",
    "KubeSpanIdentities.kubespan.talos.dev": "kubespan.identity",
    "KubeSpanPeerSpecs.kubespan.talos.dev": "kubespan.peer_spec",
    "KubeSpanPeerStatuses.kubespan.talos.dev": "kubespan.peer_status",
    "ResourceDefinitions.meta.cosi.dev": "meta.definition",
    "Namespaces.meta.cosi.dev": "meta.namespace",
}
HANDMADE_CLASSES: Final = {
    "machine.Type": ("cluster.affiliate", "MachineType"),
    "kubespan.PeerState": ("kubespan.peer_status", "PeerState"),
}


@attrs.define
class File:
    """A file to write.

    Attributes:
        module: its name within the package, `network.link_status`.
        members: Go's names of its classes, each after those that it needs.
        type: the resource type, if it is the file of one.
    """

    module: str
    members: list[str]
    type: str | None = None


def group(go_name: str) -> str:
    """The folder of a package of Go."""
    package = go_name.partition(".")[0]
    return _GROUPS.get(package, package)


def class_of(go_name: str) -> str:
    """The class of a structure or enumeration: of a spec, that of its type."""
    if go_name in HANDMADE_CLASSES:
        return HANDMADE_CLASSES[go_name][1]
    name = class_name(go_name)
    if go_name not in _spec_types() and name in _spec_types().values():
        name += "Entry"  # a part that is called like a type
    return _spec_types().get(go_name, name)


@cache
def _spec_types() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in table().types.values():
        if entry.name not in BY_HAND:
            found.setdefault(entry.spec, entry.class_name)
    return found


def needs(go_name: str, known: Table) -> list[str]:
    """The structures and enumerations that a structure needs itself, in the order of its fields."""
    if go_name in known.enums:
        return []
    return list(dict.fromkeys(used for field in known.structs[go_name] for used in shape(field.type, known).uses))


def layout() -> list[File]:
    """All files, in the order of their names."""
    known = table()
    files: dict[str, File] = {}
    home: dict[str, str] = {}
    for entry in known.types.values():
        if entry.name in BY_HAND:
            continue
        module = f"{group(entry.spec)}.{snake(entry.class_name)}"
        files[module] = File(module, [], entry.name)
        home.setdefault(entry.spec, module)
    users_of = _users(known)
    for name in _by_need(known, list(home)):
        users = {home[user] for user in users_of[name] if user in home}
        module = f"{group(name)}.{snake(class_of(name))}"
        home[name] = users.pop() if len(users) == 1 else module
    for name, module in home.items():
        files.setdefault(module, File(module, [])).members.append(name)
    for file in files.values():
        file.members = _ordered(file.members, known)
    return sorted(files.values(), key=lambda file: file.module)


def _users(known: Table) -> dict[str, set[str]]:
    """By structure or enumeration, which structures need it themselves."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in known.structs:
        for used in needs(name, known):
            found[used].add(name)
    return found


def _by_need(known: Table, roots: list[str]) -> list[str]:
    """The structures and enumerations below the specs, each after all that need it."""
    done: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen or name in HANDMADE_CLASSES:
            return
        seen.add(name)
        for used in needs(name, known):
            visit(used)
        done.append(name)

    for root in roots:
        visit(root)
    return [name for name in reversed(done) if name not in roots]


def _ordered(members: list[str], known: Table) -> list[str]:
    done: list[str] = []

    def visit(name: str) -> None:
        for used in needs(name, known):
            if used in members and used not in done:
                visit(used)
        if name not in done:
            done.append(name)

    for name in sorted(members):
        visit(name)
    return done
