"""Resources by what people call them: a peer by its label, a member by its host name.

A resource is called what its spec's fields `label`, `hostname`, `nodename` and `name` say (those keys of its
YAML where its type has no class), and a full host name such as `cp-1.example.com` also by its first part,
`cp-1`, as long as nobody else is called just that. The labels of its metadata are for queries and no names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from talos_resources.model.errors import AmbiguousNameError, DecodeError, NotFoundError, UnknownNameError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.state.contract import State

S = TypeVar("S")

FIELDS: Final = ("label", "hostname", "nodename", "name")
"""The fields of specs whose texts are names, in Python as in YAML."""


def get_named(state: State, kind: type[S] | Kind[S], id: str | None, *, label: str | None, namespace: str | None) -> Resource[S]:
    """The one resource of a kind that is called so; the part of `State.get` that all states share.

    Raises:
        TypeError: an id was given too, or neither.
        UnknownNameError: no resource is called so.
        AmbiguousNameError: several are.
    """
    if label is None:
        raise TypeError("get() takes the id of the resource, or label= with what it is called")
    if id is not None:
        raise TypeError(f"get() takes an id or a label; these are both: {id!r} and {label!r}")
    return the_one(state.list(kind, namespace=namespace), kind, label, namespace=namespace)


def by_id_or_name(state: State, kind: type[S] | Kind[S], text: str, *, namespace: str | None = None) -> Resource[S]:
    """The resource of this id, or else the one that is called so: what commands take as an ID.

    Raises:
        NotFoundError: there is neither.
        AmbiguousNameError: several are called so, and none has the id.
    """
    try:
        return state.get(kind, text, namespace=namespace)
    except NotFoundError:
        found = called(state.list(kind, namespace=namespace), text)
        if not found:
            raise
    return the_one(found, kind, text, namespace=namespace)


def the_one(resources: Iterable[Resource[S]], kind: type[S] | Kind[S], name: str, *, namespace: str | None = None) -> Resource[S]:
    """The one of some resources of a kind that is called so.

    Raises:
        UnknownNameError: none is.
        AmbiguousNameError: several are.
    """
    known = kind_of(kind)
    about = Reference(known.namespace if namespace is None else namespace, known.type, name)
    held = tuple(resources)
    found = called(held, name)
    if not found:
        raise UnknownNameError(about, tuple(dict.fromkeys(each for resource in held for each in names_of(resource))))
    if len(found) > 1:
        raise AmbiguousNameError(about, tuple(resource.id for resource in found))
    return found[0]


def called(resources: Iterable[Resource[S]], name: str) -> Sequence[Resource[S]]:
    """The resources that are called so: those whose name it is, or else those of whose host name it is the first part."""
    exact, shortened = [], []
    for resource in resources:
        names = names_of(resource)
        if name in names:
            exact.append(resource)
        elif name in map(_short, names):
            shortened.append(resource)
    return exact or shortened


def names_of(resource: Resource[Any]) -> tuple[str, ...]:
    """What people call a resource, without its id; empty where it has no name."""
    try:
        return tuple(dict.fromkeys(_names(resource.spec)))
    except DecodeError:  # the fault is for who looks at the spec; here it only has no name
        return ()


def _names(spec: Any) -> Iterator[str]:
    if isinstance(spec, UntypedSpec):
        from talos_resources.codec.plain import spec_to_plain

        plain = spec_to_plain(spec)
        values = [plain.get(field) for field in FIELDS] if isinstance(plain, dict) else []
    else:
        values = [getattr(spec, field, None) for field in FIELDS]
    yield from (value for value in values if isinstance(value, str) and value)


def _short(name: str) -> str:
    """The first part of a host name; of anything else, an address for example, nothing."""
    first, dot, _ = name.partition(".")
    return first if dot and not first.isdecimal() and ":" not in name else ""
