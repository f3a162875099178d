"""Kinds: a namespace, a type and the class of its spec; and the rules that name them.

Source: COSI runtime v1.16.2, resource definitions (names, aliases).
"""

from __future__ import annotations

import builtins
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import attrs

from talos_resources.model.natural import checked
from talos_resources.model.spec import UntypedSpec

S = TypeVar("S")

_TYPE: Final = re.compile(r"([A-Z][A-Za-z0-9-]+)\.([a-z][a-z0-9-]+(?:\.[a-z][a-z0-9-]+)*)\Z")


class Column(NamedTuple):
    """A column of a kind's table: its heading and the JSONPath of its cells within the spec."""

    name: str
    path: str


@attrs.frozen(kw_only=True, cache_hash=True)
class Kind(Generic[S]):
    """A type of resource in its default namespace.

    Attributes:
        type: the full name, `KubeSpanPeerStatuses.kubespan.talos.dev`.
        namespace: where resources of the type live unless somebody says otherwise.
        spec: the class of the spec, `UntypedSpec` where there is none.
        display_type: the singular for people, `KubeSpanPeerStatus`.
        columns: what tables show after ID and VERSION.
        aliases: every name that finds the kind beside its full type, all lower case.
        short_aliases: the part of the aliases that definitions list as such.
        sensitive: only administrators may read it.
    """

    type: str
    namespace: str
    spec: builtins.type[S]
    display_type: str
    columns: tuple[Column, ...] = ()
    aliases: tuple[str, ...] = ()
    short_aliases: tuple[str, ...] = ()
    sensitive: bool = False

    @property
    def id(self) -> str:
        """The id of the kind's definition: the type in lower case."""
        return self.type.lower()

    def __str__(self) -> str:
        return f"{self.type}({self.namespace})"


def untyped(type: str, namespace: str) -> Kind[UntypedSpec]:
    """A kind of which nothing but its name is known; any type text will do."""
    name = type.partition(".")[0]
    return Kind(type=type, namespace=namespace, spec=UntypedSpec, display_type=singular(name))


def singular(plural: str) -> str:
    """The English singular of a type's plural name: `KubeSpanPeerStatuses` → `KubeSpanPeerStatus`."""
    for ending, replacement in _SINGULARS:
        if plural.endswith(ending):
            return plural[: len(plural) - len(ending)] + replacement
    return plural


# In order; the first ending that fits decides.
_SINGULARS: Final = (
    ("ies", "y"),
    ("sses", "ss"),
    ("uses", "us"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ss", "ss"),
    ("us", "us"),
    ("s", ""),
)


def names(type: str, *, extra_aliases: Sequence[str] = (), automatic: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The (short, all) aliases that COSI gives a type.

    Args:
        type: plural CamelCase name and suffix.
        extra_aliases: those that a definition lists by hand; they come first.
        automatic: whether the singular and the initials are aliases too.

    Raises:
        ValueError: the type has not this form.
    """
    match = _TYPE.match(type)
    if match is None:
        msg = f"{type!r} is no resource type; one looks like KubeSpanPeerStatuses.kubespan.talos.dev"
        raise ValueError(msg)
    plural, suffix = match[1], match[2].split(".")
    initials = "".join(letter for letter in plural if letter.isupper()).lower()
    short = [*extra_aliases, singular(plural).lower()] if automatic else [*extra_aliases]
    if automatic and len(initials) > 1:
        short += [initials] if initials.endswith("s") else [initials, f"{initials}s"]
    if not automatic:
        return tuple(short), tuple(short)
    lower = plural.lower()
    prefixes = [".".join([lower, *suffix[:n]]) for n in range(len(suffix))]
    return tuple(short), (*prefixes, *short)


_REGISTRY: dict[str, Kind[Any]] = {}
_READY: dict[str, Kind[Any]] = {}
"""Those whose modules have been imported to their end. A class is registered in the middle of that, and whoever looks up its
annotations then may find its module gone: an import takes it out of `sys.modules` for a moment when it is through."""


class _Announced(NamedTuple):
    module: str
    aliases: Sequence[str]
    automatic: bool
    own: bool


_ANNOUNCED: dict[str, _Announced] = {}


def kind(
    *,
    type: str,
    namespace: str,
    columns: Sequence[Column] = (),
    aliases: Sequence[str] = (),
    automatic_aliases: bool = True,
    sensitive: bool = False,
) -> Callable[[type[S]], type[S]]:
    """Makes a spec class the typed spec of a resource type.

    Args:
        type: the full type name; its plural gives the display type and the aliases.
        namespace: the default namespace.
        columns: the columns of its tables.
        aliases: further names, beside those that follow from the type.
        automatic_aliases: whether any follow from the type.
        sensitive: only administrators may read it.
    """
    short, every = names(type, extra_aliases=aliases, automatic=automatic_aliases)

    def register(spec: Any) -> Any:
        _READY.pop(type, None)
        spec.KIND = _REGISTRY[type] = Kind(
            type=type,
            namespace=namespace,
            spec=spec,
            display_type=singular(type.partition(".")[0]),
            columns=tuple(columns),
            aliases=every,
            short_aliases=short,
            sensitive=sensitive,
        )
        return checked(spec)

    return register


def kind_of(spec_or_kind: type[S] | Kind[S]) -> Kind[S]:
    """The kind of a spec class; a kind is its own.

    Raises:
        TypeError: the class is no spec class.
    """
    if isinstance(spec_or_kind, Kind):
        return spec_or_kind
    found = getattr(spec_or_kind, "KIND", None)
    if not isinstance(found, Kind):
        given: object = spec_or_kind
        instead = f"; state.kind({given!r}) finds the Kind of a name or alias" if isinstance(given, str) else ""
        msg = f"{given!r} is neither a Kind nor a resource class such as KubeSpanPeerStatus{instead}"
        raise TypeError(msg)
    return found


def announce(type: str, module: str, *, aliases: Sequence[str] = (), automatic: bool = True, own: bool = False) -> None:
    """Says that a module has the class of a type; it is imported when somebody asks for the kind.

    Args:
        type: the full name.
        module: to import.
        aliases: see `kind`.
        automatic: see `kind`.
        own: whether it is one of those that this library works with itself (KubeSpan, discovery and what describes them).
    """
    _ANNOUNCED[type] = _Announced(module, aliases, automatic, own)


def typed_kind(type: str) -> Kind[Any] | None:
    """The kind of a type that has a class here, as far as `talos_resources.resources` is imported."""
    found = _READY.get(type)
    if found is None:
        if type in _ANNOUNCED:
            importlib.import_module(_ANNOUNCED[type].module)  # waits for a thread that is at it
        if (found := _REGISTRY.get(type)) is not None:
            _READY[type] = found
    return found


def own_kind(type: str) -> Kind[Any] | None:
    """The kind of a type that this library works with itself, or of a class that is not announced; None for all others."""
    known = _ANNOUNCED.get(type)
    return typed_kind(type) if known is None or known.own else None


def has_class(type: str) -> bool:
    """Whether a type has a class here; the class is not made for it."""
    return type in _ANNOUNCED or type in _REGISTRY


def typed_names() -> tuple[str, ...]:
    """The types that have a class here, in the order in which they are announced."""
    return tuple(dict.fromkeys((*_ANNOUNCED, *_REGISTRY)))


def typed_aliases(among: Iterable[str] | None = None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The types that have a class here, or those of them that are given, and all their aliases; no class is made for it."""
    for full in typed_names() if among is None else among:
        known = _ANNOUNCED.get(full)
        yield full, _REGISTRY[full].aliases if known is None else names(full, extra_aliases=known.aliases, automatic=known.automatic)[1]


def typed_kinds() -> Iterator[Kind[Any]]:
    """All kinds that have a class here, in the order of `typed_names`; it makes every class."""
    return iter([found for name in typed_names() if (found := typed_kind(name)) is not None])


def own_names() -> tuple[str, ...]:
    """The types that this library works with itself, and those of classes that are not announced."""
    return tuple(name for name in typed_names() if name not in _ANNOUNCED or _ANNOUNCED[name].own)


def own_kinds() -> Iterator[Kind[Any]]:
    """The kinds of `own_names`."""
    return iter([found for name in own_names() if (found := typed_kind(name)) is not None])
