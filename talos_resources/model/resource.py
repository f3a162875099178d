"""A resource: metadata and a spec, frozen."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, Self, TypeVar, cast

import attrs
from immutabledict import immutabledict

from talos_resources.model.build import evolve, same, twin
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata, OpenMetadata, Phase, Reference
from talos_resources.model.natural import rules_of
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp

S = TypeVar("S")


@attrs.frozen(repr=False, weakref_slot=False)
class Resource(Generic[S]):
    """One resource. Stores hand out the very object they hold: it cannot change."""

    metadata: Metadata
    spec: S

    @classmethod
    def new(
        cls,
        spec: S,
        *,
        id: str,
        kind: builtins.type[S] | Kind[S] | None = None,
        namespace: str | None = None,
        owner: str = "",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        finalizers: Iterable[str] = (),
    ) -> Resource[S]:
        """A resource that no store has seen yet (version 0).

        Args:
            spec: its class says the kind.
            id: unique within namespace and type.
            kind: needed for an `UntypedSpec` only.
            namespace: instead of the kind's own.
            owner: see `Metadata`.
            labels: see `Metadata`.
            annotations: see `Metadata`.
            finalizers: see `Metadata`.

        Raises:
            TypeError: the spec's class is that of no kind, or of another one; or something of another sort than is wanted.
            ValueError: no id.
        """
        own: Kind[Any] | None = getattr(spec, "KIND", None)
        kind = kind_of(builtins.type(spec) if kind is None else kind)
        if not isinstance(spec, (kind.spec, UntypedSpec)) and (own is None or own.type != kind.type):
            raise TypeError(f"{kind.type} holds {kind.spec.__name__}, got {builtins.type(spec).__name__}")
        if id == "":
            raise ValueError(f"a {kind.display_type} needs an id")
        return Resource(
            Metadata(
                namespace=kind.namespace if namespace is None else namespace,
                type=kind.type,
                id=id,
                owner=owner,
                labels=cast("Labels", labels) if labels else NO_LABELS,  # which Metadata makes what they should be
                annotations=cast("Labels", annotations) if annotations else NO_LABELS,
                finalizers=cast("tuple[str, ...]", finalizers),
            ),
            spec,
        )

    @property
    def id(self) -> str:
        """The resource's id."""
        return self.metadata.id

    @property
    def type(self) -> str:
        """The full type name."""
        return self.metadata.type

    @property
    def namespace(self) -> str:
        """The namespace that the resource lives in."""
        return self.metadata.namespace

    @property
    def version(self) -> int:
        """0 before creation, then 1, one more with every update."""
        return self.metadata.version

    @property
    def phase(self) -> Phase:
        """Running or tearing down."""
        return self.metadata.phase

    @property
    def owner(self) -> str:
        """The controller that owns the resource; empty for nobody."""
        return self.metadata.owner

    @property
    def labels(self) -> Labels:
        """The labels, for queries."""
        return self.metadata.labels

    @property
    def reference(self) -> Reference:
        """What errors call this resource."""
        return self.metadata.reference

    def with_spec(self, spec: S | None = None, **changes: Any) -> Self:
        """The same resource with another spec, or with some fields of its spec changed.

        Raises:
            TypeError: no such field, or a value that means nothing there.
            ValueError: a text that means none.
        """
        base = self.spec if spec is None else spec
        changed: Self = _resource(self.metadata, evolve(base, changes, rules_of) if changes else base)
        return changed

    def with_metadata(self, **changes: Any) -> Self:
        """The same resource with some fields of its metadata changed.

        Raises:
            TypeError: no such field, or a value that means nothing there.
            ValueError: a text or number that means none.
        """
        changed: Self = _resource(evolve(self.metadata, changes, rules_of), self.spec)
        return changed

    def with_labels(self, **labels: str) -> Self:
        """The same resource with these labels added or replaced."""
        return self.with_metadata(labels=immutabledict({**self.metadata.labels, **labels}))

    def without_labels(self, *keys: str) -> Self:
        """The same resource without these labels."""
        return self.with_metadata(labels=immutabledict({k: v for k, v in self.metadata.labels.items() if k not in keys}))

    def with_annotations(self, **annotations: str) -> Self:
        """The same resource with these annotations added or replaced."""
        return self.with_metadata(annotations=immutabledict({**self.metadata.annotations, **annotations}))

    def with_finalizers(self, *finalizers: str) -> Self:
        """The same resource with exactly these finalizers."""
        return self.with_metadata(finalizers=tuple(dict.fromkeys(finalizers)))

    def stamped(self, version: int, owner: str, created: Timestamp, updated: Timestamp) -> Resource[S]:
        """The same resource with what a store sets at every write."""
        # In one piece, because every write goes through here.
        given = self.metadata
        metadata = _new(OpenMetadata)
        metadata.namespace = given.namespace
        metadata.type = given.type
        metadata.id = given.id
        metadata.version = version
        metadata.owner = owner
        metadata.phase = given.phase
        metadata.finalizers = given.finalizers
        metadata.labels = given.labels
        metadata.annotations = given.annotations
        metadata.created = created
        metadata.updated = updated
        metadata.__class__ = Metadata
        made = _new(_OpenResource)
        made.metadata = metadata
        made.spec = self.spec
        made.__class__ = Resource
        stamped: Resource[S] = made
        return stamped

    def as_created(self, owner: str, now: Timestamp) -> Resource[S]:
        """The same resource as a store holds it first: a time of update that it has is kept, as that of Go's programs is."""
        given = self.metadata.updated
        return self.stamped(1, owner, now, now if given == Timestamp.ZERO else given)

    def same_content(self, other: Resource[Any]) -> bool:
        """Whether nothing but the times differs, so that an update would change nothing.

        Finalizers are compared as sets. Source: COSI runtime v1.16.2, resource equality.
        """
        mine, theirs = self.metadata, other.metadata
        if mine is theirs:
            return same(self.spec, other.spec)
        return (
            mine.version == theirs.version
            and same(self.spec, other.spec)
            and mine.phase == theirs.phase
            and mine.owner == theirs.owner
            and same(mine.labels, theirs.labels)
            and same(mine.annotations, theirs.annotations)
            and (mine.finalizers == theirs.finalizers or set(mine.finalizers) == set(theirs.finalizers))
            and (mine.id, mine.type, mine.namespace) == (theirs.id, theirs.type, theirs.namespace)
        )

    def __repr__(self) -> str:
        from talos_resources.model.brief import brief

        return brief(self.metadata, self.spec)


_new: Final[Callable[[builtins.type[Any]], Any]] = object.__new__
_OpenResource: Final = twin(Resource)


def _resource(metadata: Metadata, spec: Any) -> Any:
    """`Resource(metadata, spec)`, which every write makes; see `talos_resources.model.build`."""
    made = _new(_OpenResource)
    made.metadata = metadata
    made.spec = spec
    made.__class__ = Resource
    return made
