"""Resources without their secrets, for dumps and recordings."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED, RedactedSpec, UnreadableSpec, UntypedSpec, wire_field

__all__ = ["REDACTED", "redacted"]

S = TypeVar("S")


def redacted(resource: Resource[S], *, sensitive: bool) -> Resource[S]:
    """The same resource with `REDACTED` for every secret that there is.

    Args:
        resource: returned itself if it has no secret.
        sensitive: its kind is; nothing can be told of such a spec without a class, nor of fields that
            its class does not know, so they go altogether.
    """
    spec: Any = resource.spec
    if isinstance(spec, UntypedSpec):
        # Nobody can tell which part of a spec that its class cannot read is a secret.
        hidden = sensitive or isinstance(spec, UnreadableSpec)
        return resource.with_spec(RedactedSpec()) if hidden else resource  # type: ignore[arg-type]  # S is UntypedSpec
    changes: dict[str, Any] = {"unknown": None} if sensitive and spec.unknown is not None else {}
    for attribute in attrs.fields(type(spec)):
        declared = wire_field(attribute)
        value = getattr(spec, attribute.name)
        if declared is not None and declared.secret and value:
            changes[attribute.name] = REDACTED if isinstance(value, str) else type(value)()
    return resource.with_spec(**changes) if changes else resource
