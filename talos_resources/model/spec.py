"""How a spec class declares its fields, and the spec of the types that have no class.

A spec class is a frozen attrs class whose fields are made with `wire`. The codecs read these
declarations; the names in YAML and JSON are the codecs' affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import attrs
from immutabledict import immutabledict

Unit = Literal[
    "bytes", "KiB", "MiB", "bits", "sectors", "seconds", "milliseconds", "microseconds",
    "MHz", "Mbit/s", "MT/s", "millicores", "percent", "port",
]  # fmt: skip
Width = Literal["int64", "int32", "uint64", "uint32", "uint16", "uint8"]
Form = Literal["base64", "text", "yaml", "entries"]
BOUNDS: Final[dict[Width, range]] = {
    "int64": range(-(2**63), 2**63),
    "int32": range(-(2**31), 2**31),
    "uint64": range(2**64),
    "uint32": range(2**32),
    "uint16": range(2**16),
    "uint8": range(2**8),
}
"""The numbers that a field of a width holds."""

_KEY: Final = "talos_resources.wire"
NO_ENTRIES: Final[Mapping[str, Any]] = immutabledict()
"""The mapping of a field that was not sent, the default of those that hold one."""


class WireField(NamedTuple):
    """What `wire` was told about a field.

    Attributes:
        number: the field number in the protobuf message.
        doc: one sentence for people (`explain`).
        unit: the unit of a number.
        omit_empty: left out of YAML and JSON when empty.
        secret: shown by `get -o yaml|json` only; never in a repr, a log or an error.
        key: its key in YAML and JSON where that does not follow from the name; "" if its own keys, or its
            value, stand in its place (Go's inline).
        width: which numbers the field holds.
        form: how YAML shows bytes: in base64, or as text where they are UTF-8 (else, as without it, as a
            list of numbers). Of a text `yaml`: what it says as YAML. `entries` is a mapping that keeps its
            order and is a list on the wire.
    """

    number: int
    doc: str
    unit: Unit | None = None
    omit_empty: bool = False
    secret: bool = False
    key: str | None = None
    width: Width = "int64"
    form: Form | None = None


def _redacted(value: object) -> str:
    return "<redacted>" if value else repr(value)


def wire(
    number: int,
    *,
    default: Any,
    doc: str,
    unit: Unit | None = None,
    omit_empty: bool = False,
    secret: bool = False,
    key: str | None = None,
    width: Width = "int64",
    form: Form | None = None,
) -> Any:
    """Declares a field of a spec class; see `WireField` for the arguments.

    Every field has a default, the zero value of its type, because protobuf does not send zeros.
    """
    field = WireField(number=number, doc=doc, unit=unit, omit_empty=omit_empty, secret=secret, key=key, width=width, form=form)
    return attrs.field(default=default, repr=_redacted if secret else True, metadata={_KEY: field})


def wire_field(attribute: attrs.Attribute[Any]) -> WireField | None:
    """The declaration behind an attrs attribute; None for one that is not on the wire."""
    return cast("WireField | None", attribute.metadata.get(_KEY))


@attrs.frozen(kw_only=True, weakref_slot=False)
class Unknown:
    """Fields that this version does not know; kept, so that writing back loses nothing.

    Attributes:
        wire: the protobuf fields, encoded, in the order in which they came.
        fields: the keys of YAML and JSON with their plain values.
        order: all keys of the YAML or JSON in which they stood, known and unknown ones, as they came.
    """

    wire: bytes = b""
    fields: tuple[tuple[str, Any], ...] = ()
    order: tuple[str, ...] = ()


def unknown_field() -> Any:
    """Declares the field of a spec class that holds what the class does not know."""
    return attrs.field(default=None, repr=False)


@attrs.frozen(weakref_slot=False)
class UntypedSpec:
    """The spec of a type that has no class here: kept as it came.

    Attributes:
        yaml: the spec as YAML text, empty if there is none.
        wire: the spec as an encoded protobuf message of the type, empty if there is none.
    """

    yaml: str = attrs.field(default="", repr=lambda text: f"<{len(text)} characters>")
    wire: bytes = attrs.field(default=b"", repr=lambda data: f"<{len(data)} bytes>")


REDACTED: Final = "<REDACTED>"
"""What stands where a secret was: the word of Talos's support bundles."""


@attrs.frozen(weakref_slot=False, repr=False)
class RedactedSpec(UntypedSpec):
    """The spec that somebody has taken out: nothing is known of it, of whatever type it is.

    Attributes:
        unreadable: why it could not be read, so that nobody could tell what of it is secret; empty where that was not why.
    """

    yaml: str = f"{REDACTED}\n"
    unreadable: str = attrs.field(default="", eq=False, kw_only=True)

    def __repr__(self) -> str:
        return REDACTED

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not known: the spec is {REDACTED}")


@attrs.frozen(weakref_slot=False, repr=False)
class UnreadableSpec(UntypedSpec):
    """A spec that its class cannot be made of, kept as it is written: one field that was edited by hand costs one resource.

    Attributes:
        reason: what is wrong with it, with the path of the field.
    """

    reason: str = ""

    def __repr__(self) -> str:
        return f"<unreadable: {self.reason}>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not known: {self.reason}")


def untyped_spec(yaml: str, wire: bytes = b"") -> UntypedSpec:
    """The spec of a type without a class, or of one whose spec was taken out."""
    is_redacted = len(yaml) < 20 and not wire and yaml.strip().strip("'\"") == REDACTED
    return RedactedSpec() if is_redacted else UntypedSpec(yaml=yaml, wire=wire)
