"""Specs that are values of KubeSpan's own: what their types make of them is worked out when somebody looks.

A simulated cluster holds a million WireGuard peers in its link specs, of which hardly any is ever
printed; so the text that an `UntypedSpec` keeps is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from talos_resources.model.kind import Kind, typed_kind
from talos_resources.model.resource import Resource
from talos_resources.model.sent import spec_at_hand
from talos_resources.model.spec import UntypedSpec
from talos_resources.releases import NEWEST

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Form(Generic[T]):
    """How values of a class of KubeSpan's own stand in resources.

    Attributes:
        kind: the resource type by its name; its class, columns and aliases are in `talos_resources.resources`.
        plain: the value as its YAML has it.
        parse: the value from what its YAML holds; None for types that are only written.
    """

    kind: Kind[UntypedSpec]
    plain: Callable[[T], Any]
    parse: Callable[[Any], T] | None = None

    def spec(self, value: T) -> RenderedSpec[T]:
        """The spec of a resource with this value."""
        return RenderedSpec(value, self)

    def value(self, resource: Resource[UntypedSpec]) -> T:
        """The value of a resource of the type, wherever it comes from.

        Raises:
            DecodeError: its YAML is not what the type holds.
        """
        spec: Any = spec_at_hand(resource)
        if isinstance(spec, RenderedSpec):
            value: T = spec.value
            return value
        from talos_resources.codec.shown import shown_spec
        from talos_resources.model.errors import DecodeError

        content = shown_spec(resource)
        if self.parse is None:
            msg = f"a {self.kind.display_type} is expected here"
            raise DecodeError(msg, source=str(resource.metadata.reference))
        try:
            return self.parse(content)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DecodeError(str(error), source=str(resource.metadata.reference)) from None


class RenderedSpec(UntypedSpec, Generic[T]):
    """An `UntypedSpec` that is made of a value; equal if the values are."""

    __slots__ = ("form", "value")

    value: T
    form: Form[T]

    def __init__(self, value: T, form: Form[T]) -> None:
        set_slot = object.__setattr__
        set_slot(self, "value", value)
        set_slot(self, "form", form)

    @property
    def yaml(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # made when it is asked for
        """The value as YAML."""
        from talos_resources.codec.goyaml import emit

        return emit.dump(self.form.plain(self.value), style=NEWEST.yaml)

    @property
    def wire(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride]  # as well
        """The value as a message, which is what clients in Go read."""
        from talos_resources.codec.plain import spec_from_plain
        from talos_resources.codec.specs import spec_to_wire

        kind = typed_kind(self.form.kind.type)
        return b"" if kind is None else spec_to_wire(spec_from_plain(kind.spec, self.form.plain(self.value)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RenderedSpec):
            return self.form is other.form and bool(self.value == other.value)
        return isinstance(other, UntypedSpec) and self.yaml == other.yaml

    def __hash__(self) -> int:
        return hash(self.yaml)

    def __repr__(self) -> str:
        return f"RenderedSpec({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return UntypedSpec, (self.yaml, self.wire)
