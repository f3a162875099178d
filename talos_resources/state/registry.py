"""Which kinds a state knows, and what their names are.

Source: COSI runtime v1.16.2, resource definitions; the matching of names is talosctl's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

import talos_resources.resources  # noqa: F401 - announces the typed kinds
from talos_resources.model.errors import AmbiguousKindError, UnknownKindError
from talos_resources.model.kind import Column, Kind, own_kind, own_kinds, own_names, typed_aliases, typed_kind, typed_kinds, untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.state.contract import State

if TYPE_CHECKING:
    from talos_resources.resources import ResourceDefinition

# How alike a known name must be to be suggested; difflib's own 0.6 suggests half of all types.
_ALIKE: Final = 0.75
_SUGGESTIONS: Final = 3

_OF_A_NODE: Final = 100
"""A node of Talos defines all of its types, v1.14 has 196; what is simulated or pasted defines the few that it holds."""


def known_kinds(state: State) -> tuple[Kind[Any], ...]:
    """The kinds with a class here and those that the state holds a definition of.

    A definition's names and columns go before ours: it is what the node says of itself.
    """
    return _all_kinds(definitions_of(state))


def definitions_of(state: State) -> tuple[ResourceDefinition, ...]:
    """What the state says of the types that it has."""
    from talos_resources.resources import ResourceDefinition  # the demo is asked without

    found: Iterable[Resource[Any]] = state.list(ResourceDefinition)
    return tuple(definition.spec for definition in found if isinstance(definition.spec, ResourceDefinition))


def _all_kinds(definitions: Iterable[ResourceDefinition]) -> tuple[Kind[Any], ...]:
    kinds = {kind.type: kind for kind in own_kinds()}
    for definition in definitions:
        kinds[definition.resource_type] = _defined(definition, own_kind(definition.resource_type))
    return tuple(kinds.values())


def resolve_defined(name: str, definitions: Sequence[ResourceDefinition]) -> Kind[Any]:
    """As `resolve` of the kinds with a class here and the defined ones, without making classes that are not needed.

    Raises:
        UnknownKindError: none; it suggests names that are alike.
        AmbiguousKindError: several.
    """
    wanted = name.lower()
    defined = {definition.resource_type for definition in definitions}
    matches = [found for found in definitions if wanted in {found.resource_type.lower(), *map(str.lower, found.all_aliases)}]
    undefined = [full for full, aliases in typed_aliases(own_names()) if full not in defined and wanted in {full.lower(), *aliases}]
    if len(matches) + len(undefined) == 1:
        kind = defined_kind(matches[0]) if matches else typed_kind(undefined[0])
        if kind is not None:
            return kind
    return resolve(name, _all_kinds(definitions))


def resolve_class(name: str, *, among: Collection[str] = ()) -> Kind[Any]:
    """As `resolve`, of all kinds that have a class here; no class is made but that of the one found.

    Args:
        name: see `resolve`.
        among: full types that go before all others where they have the name.

    Raises:
        UnknownKindError: none; it suggests names that are alike.
        AmbiguousKindError: several.
    """
    wanted = name.lower()
    matches = [full for full, aliases in typed_aliases() if wanted in {full.lower(), *aliases}]
    matches = [full for full in matches if full in among] or matches
    if len(matches) > 1:
        raise AmbiguousKindError(name, sorted(full.lower() for full in matches))
    found = typed_kind(matches[0]) if matches else None
    return resolve(name, typed_kinds()) if found is None else found


def defined_kind(definition: ResourceDefinition) -> Kind[Any]:
    """The kind that a definition describes, with the class of its type if there is one here."""
    return _defined(definition, typed_kind(definition.resource_type))


def _defined(definition: ResourceDefinition, typed: Kind[Any] | None) -> Kind[Any]:
    from talos_resources.resources import Sensitivity

    return Kind(
        type=definition.resource_type,
        namespace=definition.default_namespace,
        spec=UntypedSpec if typed is None else typed.spec,
        display_type=definition.display_type,
        columns=tuple(Column(column.name, column.json_path) for column in definition.print_columns),
        aliases=definition.all_aliases,
        short_aliases=definition.aliases,
        sensitive=definition.sensitivity is Sensitivity.SENSITIVE,
    )


def resolve(name: str, kinds: Iterable[Kind[Any]]) -> Kind[Any]:
    """The kind whose full type or one of whose aliases is `name`, in any case.

    Raises:
        UnknownKindError: none; it suggests names that are alike.
        AmbiguousKindError: several.
    """
    wanted = name.lower()
    every = tuple(kinds)
    matches = [kind for kind in every if wanted == kind.id or wanted in _names(kind)]
    if not matches:
        raise UnknownKindError(name, _suggestions(wanted, every))
    if len(matches) > 1:
        raise AmbiguousKindError(name, sorted(kind.id for kind in matches))
    typed = typed_kind(matches[0].type) if matches[0].spec is UntypedSpec else None
    return matches[0] if typed is None else attrs.evolve(matches[0], spec=typed.spec)


def resolve_held(name: str, kinds: Sequence[Kind[Any]], held: Callable[[], Iterable[tuple[str, str]]]) -> Kind[Any]:
    """As `resolve`; kinds that are held without a definition are known by the names that follow from their type.

    Args:
        name: see `resolve`.
        kinds: those with a class or a definition.
        held: gives namespace and type of the kinds of which there are resources.
    """
    try:
        return resolve(name, kinds)
    except UnknownKindError:
        defined = {kind.type for kind in kinds}
        others = {found: untyped(found, namespace) for namespace, found in held() if found not in defined}
        try:
            return resolve(name, (*kinds, *others.values()))
        except UnknownKindError:
            if len(defined) >= _OF_A_NODE:
                raise  # a node, which says itself what it has
            return resolve_class(name)


def _names(kind: Kind[Any]) -> list[str]:
    return [alias.lower() for alias in kind.aliases]


def _suggestions(wanted: str, kinds: Sequence[Kind[Any]]) -> list[str]:
    """Names that are like the wanted one, the most alike first, each with a short alias that is its own."""
    import difflib

    owners: dict[str, list[Kind[Any]]] = {}
    for kind in kinds:
        for name in {kind.id, *_names(kind)}:
            owners.setdefault(name, []).append(kind)
    alike = difflib.get_close_matches(wanted, owners, n=10, cutoff=_ALIKE)
    if len(wanted) > 2:
        alike += sorted(name for name in owners if name.startswith(wanted))
    found = dict.fromkeys(kind.type for name in alike for kind in owners[name])
    by_type = {kind.type: kind for kind in kinds}
    return [_described(by_type[full], owners) for full in list(found)[:_SUGGESTIONS]]


def _described(kind: Kind[Any], owners: dict[str, list[Kind[Any]]]) -> str:
    plural = kind.id.partition(".")[0]
    own = [alias for alias in kind.short_aliases if len(owners.get(alias.lower(), ())) == 1 and alias.lower() != kind.display_type.lower()]
    return f"{plural} ({min(own, key=len)})" if own else plural
