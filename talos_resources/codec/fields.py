"""The fields of a spec class as the codecs see them: derived once from its attrs declarations.

This is where Python's spelling meets camelCase.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast

import attrs

from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.spec import wire_field
from talos_resources.model.timestamp import Timestamp

P = ParamSpec("P")
T = TypeVar("T")

Shape = Literal["text", "flag", "number", "bytes", "address", "prefix", "addrport", "time", "enum", "message"]

_SHAPES: Final[dict[Any, Shape]] = {
    str: "text",
    bool: "flag",
    int: "number",
    bytes: "bytes",
    IPAddress: "address",
    IPPrefix: "prefix",
    AddrPort: "addrport",
    Timestamp: "time",
}
# Go writes some initialisms in capitals, and not always the same ones.
_KEYS: Final = {
    ("KubeSpanPeerSpec", "allowed_ips"): "allowedIPs",
    ("KubeSpanEndpoint", "affiliate_id"): "affiliateID",
    ("DiscoveryConfig", "service_cluster_id"): "serviceClusterID",
    ("ResourceDefinition", "resource_type"): "type",
}
# A struct of Go and no pointer: when all of it is empty, it is left out, present or not.
_STRUCTS: Final = {("Affiliate", "kubespan")}
# Numbers that are not 64 bits wide with a sign.
_UNSIGNED: Final = {("KubeSpanConfig", "mtu")}


@attrs.frozen(kw_only=True)
class FieldInfo:
    """One field of a spec class.

    Attributes:
        name: the attribute.
        key: its key in YAML and JSON.
        number: its number in the protobuf message.
        shape: what a value is, an item if `repeated`.
        cls: the class of an enum or message.
        repeated: a tuple of such values.
        optional: None stands for no value.
        default: the value of a field that was not sent.
        omit_empty: no key where the value is empty.
        omit_blank: no key where the message has nothing but defaults.
        unsigned: a number of 32 bits without a sign.
        secret: keep the value out of errors.
    """

    name: str
    key: str
    number: int
    shape: Shape
    cls: Any
    repeated: bool
    optional: bool
    default: Any
    omit_empty: bool
    omit_blank: bool
    unsigned: bool
    secret: bool


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
        item, repeated, optional = _unwrapped(hints[name])
        found.append(
            FieldInfo(
                name=name,
                key=_KEYS.get((cls.__name__, name)) or _camel(name),
                number=declared.number,
                shape=_shape(item),
                cls=item,
                repeated=repeated,
                optional=optional,
                default=attribute.default,
                omit_empty=declared.omit_empty,
                omit_blank=(cls.__name__, name) in _STRUCTS,
                unsigned=(cls.__name__, name) in _UNSIGNED,
                secret=declared.secret,
            )
        )
    return tuple(found)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _unwrapped(hint: Any) -> tuple[Any, bool, bool]:
    """The item type, whether it is repeated, whether a value may be None."""
    hint, optional = _without_none(hint)
    if typing.get_origin(hint) is tuple:
        item, nullable = _without_none(typing.get_args(hint)[0])
        return item, True, nullable
    return hint, False, optional


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    return functools.reduce(lambda left, right: left | right, members), len(members) < len(typing.get_args(hint))


def _shape(item: Any) -> Shape:
    shape = _SHAPES.get(item)
    if shape is not None:
        return shape
    if isinstance(item, type) and issubclass(item, Enum):
        return "enum"
    if attrs.has(item):
        return "message"
    raise TypeError(f"no codec knows how to carry a {item!r}")
