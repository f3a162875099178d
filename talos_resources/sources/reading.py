"""Lists types of one node for `insight`: what cannot be read is named, the rest counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from talos_resources.insight.snapshot import REDACTED_REASON, Hidden
from talos_resources.kubespan.rendered import Form
from talos_resources.model.errors import DecodeError, NotFoundError, PermissionDeniedError, UnknownKindError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.resource import Resource
from talos_resources.model.sent import classes_at_hand, spec_at_hand
from talos_resources.model.spec import RedactedSpec, UnreadableSpec
from talos_resources.sources.hidden_addresses import without_hidden_addresses
from talos_resources.state.contract import State

S = TypeVar("S")


class Reader:
    """Lists types of one node; remembers those that it cannot.

    Attributes:
        state: of the node.
        unreadable: type, or type and id → why.
        hidden: type and id of those that were read without addresses which somebody has hidden → what is known of these.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.unreadable: dict[str, str] = {}
        self.hidden: dict[str, Hidden] = {}

    def list(self, kind: type[S] | Kind[S], *, namespace: str | None = None) -> Sequence[Resource[S]]:
        """All of a type; nothing if the node does not have the type, or does not let it be read."""
        try:
            found = self.state.list(kind, namespace=namespace)
        except (PermissionDeniedError, DecodeError) as error:
            self.unreadable[kind_of(kind).type] = error.message
            return ()
        except (UnknownKindError, NotFoundError):  # an older Talos, or a file with some types only
            return ()
        odd = classes_at_hand(found) & {RedactedSpec, UnreadableSpec}  # of millions in a large mesh hardly any
        return [read for resource in found if (read := self._readable(resource)) is not None] if odd else found

    def _readable(self, resource: Resource[S]) -> Resource[S] | None:
        spec = spec_at_hand(resource)
        if isinstance(spec, RedactedSpec):
            self.unreadable[resource.type] = REDACTED_REASON
            return None
        if isinstance(spec, UnreadableSpec):
            name, read = f"{resource.type}/{resource.id}", without_hidden_addresses(resource, spec)
            if read is None:
                self.unreadable[name] = spec.reason
                return None
            rest, self.hidden[name] = read
            return rest
        return resource

    def one(self, kind: type[S] | Kind[S], id: str) -> S | None:
        """The spec of one resource, if it is there."""
        return next((resource.spec for resource in self.list(kind) if resource.id == id), None)

    def plain(self, form: Form[Any] | Kind[Any]) -> dict[str, Any]:
        """The values of a type without a class, by id; those that make no sense are left out and named."""
        values: dict[str, Any] = {}
        for resource in self.list(form.kind if isinstance(form, Form) else form):
            try:
                values[resource.id] = form.value(resource) if isinstance(form, Form) else plain_spec(resource)
            except (DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                self.unreadable[f"{resource.type}/{resource.id}"] = str(error)
        return values


def plain_spec(resource: Resource[Any]) -> Any:
    """The spec as plain values."""
    from talos_resources.codec.shown import shown_spec

    return shown_spec(resource)
