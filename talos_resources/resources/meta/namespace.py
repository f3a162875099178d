"""Namespace: a registered namespace."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(type="Namespaces.meta.cosi.dev", namespace="meta", aliases=["ns"])
@attrs.frozen(kw_only=True, weakref_slot=False)
class Namespace:
    """A namespace of resources; the id is its name. Source: COSI runtime v1.16.2."""

    description: str = wire(1, default="", doc="What lives in the namespace.")
    unknown: Unknown | None = unknown_field()
