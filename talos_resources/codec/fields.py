"""The fields of a spec class as the codecs see them: derived once from its attrs declarations.

This is where Python's spelling meets camelCase.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from typing import Any, Final, Literal, NamedTuple, ParamSpec, TypeVar, cast

import attrs

from talos_resources.model.duration import Duration
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.spec import Form, Width, wire_field
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import URL, Expression, HardwareAddr

P = ParamSpec("P")
T = TypeVar("T")

Shape = Literal[
    "text", "flag", "number", "float", "bytes", "address", "prefix", "addrport", "time", "duration", "enum", "flags",
    "url", "hardware", "expression", "free", "message",
]  # fmt: skip

_SHAPES: Final[dict[Any, Shape]] = {
    str: "text",
    bool: "flag",
    int: "number",
    float: "float",
    bytes: "bytes",
    IPAddress: "address",
    IPPrefix: "prefix",
    AddrPort: "addrport",
    Timestamp: "time",
    Duration: "duration",
    URL: "url",
    HardwareAddr: "hardware",
    Expression: "expression",
}
SCALARS: Final[frozenset[Shape]] = frozenset({"flag", "number", "enum", "flags"})
"""The shapes that are a number on the wire; several of them are packed into one field."""
# Go writes some initialisms in capitals, and not always the same ones.
_KEYS: Final = {
    ("KubeSpanPeerSpec", "allowed_ips"): "allowedIPs",
    ("KubeSpanEndpoint", "affiliate_id"): "affiliateID",
    ("DiscoveryConfig", "service_cluster_id"): "serviceClusterID",
    ("ResourceDefinition", "resource_type"): "type",
}
# A struct of Go and no pointer: when all of it is empty, it is left out, present or not.
_STRUCTS: Final = {("Affiliate", "kubespan")}


class FieldInfo(NamedTuple):
    """One field of a spec class.

    Attributes:
        name: the attribute.
        key: its key in YAML and JSON; "" if it is inlined.
        number: its number in the protobuf message.
        shape: what a value is, an item if `repeated` or a `mapping`.
        cls: the class of an enum or message.
        repeated: a tuple of such values.
        mapping: a mapping of texts to such values.
        optional: None stands for no value.
        default: the value of a field that was not sent.
        omit_empty: no key where the value is empty.
        omit_blank: no key where the message has nothing but defaults.
        width: which numbers it holds.
        form: see `WireField`.
        secret: keep the value out of errors.
    """

    name: str
    key: str
    number: int
    shape: Shape
    cls: Any
    repeated: bool
    mapping: bool
    optional: bool
    default: Any
    omit_empty: bool
    omit_blank: bool
    width: Width
    form: Form | None
    secret: bool

    @property
    def plural(self) -> bool:
        """Whether there are several values, in a tuple or a mapping."""
        return self.repeated or self.mapping


def cached(function: Callable[P, T]) -> Callable[P, T]:
    """`functools.cache` with the types of the function; mypy does not take a class for hashable."""
    return cast("Callable[P, T]", functools.cache(function))


@cached
def fields_of(cls: type[Any]) -> tuple[FieldInfo, ...]:
    """The wire fields of a spec class, in the order of its keys in YAML.

    Raises:
        TypeError: a field has a type that no codec knows.
    """
    hints = typing.get_type_hints(cls)
    found = []
    for attribute in attrs.fields(cls):
        declared = wire_field(attribute)
        if declared is None:
            continue
        name = attribute.name
        item, container, optional = _unwrapped(hints[name])
        shape = _shape(item)
        single = container is None and shape == "message" and not optional
        found.append(
            FieldInfo(
                name=name,
                key=declared.key if declared.key is not None else _KEYS.get((cls.__name__, name)) or _camel(name),
                number=declared.number,
                shape=shape,
                cls=item,
                repeated=container is tuple,
                mapping=container is Mapping,
                optional=optional,
                default=attribute.default,
                omit_empty=declared.omit_empty,
                omit_blank=single or (cls.__name__, name) in _STRUCTS,
                width=declared.width,
                form=declared.form,
                secret=declared.secret,
            )
        )
    return tuple(found)


@cached
def inlined(cls: type[Any]) -> bool:
    """Whether a spec is its only field, without a key: a list, a text or a free-form mapping."""
    infos = fields_of(cls)
    return len(infos) == 1 and not infos[0].key


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _unwrapped(hint: Any) -> tuple[Any, Any, bool]:
    """The item type, what holds several of them, whether a value may be None."""
    hint, optional = _without_none(hint)
    container = typing.get_origin(hint)
    if container is tuple:
        item, nullable = _without_none(typing.get_args(hint)[0])
        return item, tuple, nullable
    if container is Mapping and typing.get_args(hint)[1] is not Any:
        return typing.get_args(hint)[1], Mapping, False
    return hint, None, optional


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    return functools.reduce(lambda left, right: left | right, members), len(members) < len(typing.get_args(hint))


def _shape(item: Any) -> Shape:
    shape = _SHAPES.get(item)
    if shape is not None:
        return shape
    if typing.get_origin(item) is Mapping:
        return "free"
    if isinstance(item, type) and issubclass(item, Enum):
        return "flags" if issubclass(item, Flag) else "enum"
    if attrs.has(item):
        return "message"
    raise TypeError(f"no codec knows how to carry a {item!r}")
