"""Every error that the library raises, in one tree.

A message says what failed on which resource, the values that disagree and what to do next. The same
facts are attributes, so that nobody has to parse a text, and every error survives pickling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from talos_resources.model.metadata import Phase, Reference


class TalosResourcesError(Exception):
    """The root of all errors of this library."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.__dict__.update(facts)

    @property
    def message(self) -> str:
        """The text, one line unless a fault list needs more."""
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses build their message from typed arguments, so the default (call the class with
        # `args`) cannot rebuild them.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[TalosResourcesError], args: tuple[Any, ...], facts: dict[str, Any]) -> TalosResourcesError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error


class NotFoundError(TalosResourcesError):
    """There is no such resource."""

    reference: Reference

    def __init__(self, reference: Reference) -> None:
        super().__init__(f"resource {reference} doesn't exist", reference=reference)


class UnknownKindError(NotFoundError):
    """No registered resource type or alias has this name."""

    name: str
    suggestions: Sequence[str]

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ";"
        TalosResourcesError.__init__(
            self,
            f'no resource type or alias "{name}"{hint} `rd` lists all types',
            name=name,
            suggestions=tuple(suggestions),
        )


class UnknownNameError(NotFoundError):
    """No resource of the kind is called so."""

    name: str
    known: Sequence[str]

    def __init__(self, reference: Reference, known: Sequence[str] = ()) -> None:
        from difflib import get_close_matches

        near = [name for name in known if reference.id and reference.id in name][:5] or get_close_matches(reference.id, known, n=2)
        near = near or list(known[:5])
        more = f" and {len(known) - len(near)} more" if len(known) > len(near) else ""
        there = f"there are {', '.join(near)}{more}" if known else "none there has a name"
        TalosResourcesError.__init__(
            self,
            f'no {reference.type} in {reference.namespace} is called "{reference.id}"; {there}',
            reference=reference,
            name=reference.id,
            known=tuple(known),
        )


class AmbiguousNameError(TalosResourcesError):
    """Several resources of the kind are called so."""

    reference: Reference
    name: str
    candidates: Sequence[str]

    def __init__(self, reference: Reference, candidates: Sequence[str]) -> None:
        super().__init__(
            f'{len(candidates)} {reference.type} in {reference.namespace} are called "{reference.id}": '
            f"{', '.join(candidates)}; name one of them",
            reference=reference,
            name=reference.id,
            candidates=tuple(candidates),
        )


class AmbiguousKindError(TalosResourcesError):
    """Several registered resource types share this alias."""

    name: str
    matches: Sequence[str]

    def __init__(self, name: str, matches: Sequence[str]) -> None:
        super().__init__(
            f'resource type "{name}" is ambiguous: [{" ".join(matches)}]; use one of these names',
            name=name,
            matches=tuple(matches),
        )


class ConflictError(TalosResourcesError):
    """A write was refused because of what the store holds; nothing was changed."""

    reference: Reference


class AlreadyExistsError(ConflictError):
    """Create met a resource of the same id."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(f"resource {reference} already exists", reference=reference)


class VersionConflictError(ConflictError):
    """Update was based on a version that is not the stored one."""

    expected: int
    actual: int

    def __init__(self, reference: Reference, *, expected: int, actual: int) -> None:
        super().__init__(
            f'resource {reference} update conflict: expected version "{expected or "undefined"}", actual version '
            f'"{actual}": you hold version {expected or "undefined"}, the store has {actual}; '
            "get it again and reapply, or use modify()",
            reference=reference,
            expected=expected,
            actual=actual,
        )


class OwnerConflictError(ConflictError):
    """The resource belongs to another owner."""

    owner: str

    def __init__(self, reference: Reference, *, owner: str) -> None:
        super().__init__(f'resource {reference} is owned by "{owner}"', reference=reference, owner=owner)


class PhaseConflictError(ConflictError):
    """The stored resource is not in the phase that the caller expects."""

    expected: Phase

    def __init__(self, reference: Reference, *, expected: Phase) -> None:
        super().__init__(f"resource {reference} is not in phase {expected}", reference=reference, expected=expected)


class PendingFinalizersError(ConflictError):
    """Destroy met finalizers that nobody has removed yet."""

    finalizers: Sequence[str]

    def __init__(self, reference: Reference, *, finalizers: Sequence[str]) -> None:
        super().__init__(
            f"resource {reference} has pending finalizers [{' '.join(finalizers)}]",
            reference=reference,
            finalizers=tuple(finalizers),
        )


class WatchError(TalosResourcesError):
    """A watch cannot go on."""


class WatchOverrunError(WatchError):
    """A watcher fell further behind than the history reaches.

    `bookmark` is the position after the last event that was delivered (None before the first one):
    start a new watch from it while the history still has it, or list again.
    """

    bookmark: bytes | None

    def __init__(self, message: str, *, bookmark: bytes | None) -> None:
        super().__init__(message, bookmark=bookmark)


class InvalidBookmarkError(WatchError):
    """The bookmark is of another process, too old, in the future or no bookmark at all."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid watch bookmark: {reason}; list again and watch from there", reason=reason)

    reason: str


class DecodeError(TalosResourcesError):
    """Bytes or text that are not what they should be.

    Attributes:
        path: where in the document, as in `spec.endpoints[2]`; empty for the document itself.
        value: what stood there, None when it is a secret or there is none.
        source: file name or the like, with the line where one is known.
        faults: all faults of the document as (path, text), of which the message names the first.
    """

    path: str
    value: Any
    source: str
    faults: Sequence[tuple[str, str]]

    def __init__(
        self,
        text: str,
        *,
        path: str = "",
        value: Any = None,
        source: str = "",
        faults: Sequence[tuple[str, str]] = (),
    ) -> None:
        where = ": ".join(part for part in (source, path) if part)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(
            f"{where}: {text}{more}" if where else f"{text}{more}",
            text=text,
            path=path,
            value=value,
            source=source,
            faults=tuple(faults) or ((path, text),),
        )

    text: str


class QueryError(TalosResourcesError):
    """A label query, an id pattern or a JSONPath that cannot be understood."""


class UnsupportedError(TalosResourcesError):
    """The backend or the other side cannot do this (etcd has no tail events, for example)."""


class PermissionDeniedError(TalosResourcesError):
    """The role of the caller does not allow this."""


class ConfigError(TalosResourcesError):
    """A configuration (talosconfig, URL, machine configuration) that cannot be used."""


class ConnectError(TalosResourcesError):
    """The other side cannot be reached, or does not speak the protocol; `silent` if it had been away before that was noticed."""

    silent: bool = False


class RemoteError(TalosResourcesError):
    """The other side answered with a failure of its own; `code` is its gRPC code, `INTERNAL` for example."""

    code: str

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code)
