"""A resource in one line, for reprs: what it is, and the first things that it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from talos_resources.model.metadata import Metadata
from talos_resources.model.printable import printable
from talos_resources.model.spec import UntypedSpec, wire_field

FIELDS: Final = 4
"""So many fields are shown, those that are not as they are by default."""
LONGEST: Final = 40
"""A value is cut to so many letters."""


def brief(metadata: Metadata, spec: Any) -> str:
    """`<KubeSpanPeerStatus zXP0…lc= v60: endpoint=172.20.0.5:51820, label=worker-1, state=up, receive_bytes=130044, …>`.

    The id is whole. Secrets are never shown, nor are those of nested structures.
    """
    name = type(spec).__name__ if wire_fields(type(spec)) else metadata.type.partition(".")[0]
    fields = list(_fields(spec))
    more = ["…"] if len(fields) > FIELDS else []
    said = ", ".join([*fields[:FIELDS], *more])
    return f"<{printable(name)} {printable(metadata.id)} v{metadata.version}{f': {said}' if said else ''}>"


def wire_fields(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    """The fields of a spec class."""
    return [field for field in attrs.fields(cls) if wire_field(field) is not None] if attrs.has(cls) else []


def _fields(spec: Any) -> Iterator[str]:
    if isinstance(spec, UntypedSpec):
        return
    for field in wire_fields(type(spec)):
        value = getattr(spec, field.name)
        declared = wire_field(field)
        if declared is None or value is None or value == field.default or value in ("", (), 0):
            continue
        yield f"{field.name}={'<redacted>' if declared.secret else _short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        text = f"[{', '.join(map(_short, value[:3]))}{', …' if len(value) > 3 else ''}]"
    elif isinstance(value, Mapping):
        text = f"{len(value)} entries" if len(value) != 1 else "1 entry"
    elif isinstance(value, bytes) and type(value) is bytes:
        text = f"{len(value)} bytes"
    elif wire_fields(type(value)):
        text = f"{type(value).__name__}(…)"
    else:
        text = printable(str(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
