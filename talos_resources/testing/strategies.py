"""Hypothesis strategies for every type of resource, for property tests of software that reads or stores them.

Values are legal, and hostile within what is legal: empty and missing values, texts that YAML or JSON
would take for something else, IPv4-mapped and zoned addresses, times before 1970, counters at the edge
of 64 bits.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from immutabledict import immutabledict

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.fields import FieldInfo, Shape, cached, fields_of
from talos_resources.codec.goyaml.emit import dump
from talos_resources.model.duration import Duration
from talos_resources.model.enums import NumberedEnum, WireFlags
from talos_resources.model.freezing import frozen
from talos_resources.model.kind import Kind, kind_of, own_kinds
from talos_resources.model.metadata import Labels, Metadata, Phase
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.spec import BOUNDS, UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import URL, Expression, HardwareAddr

S = TypeVar("S")

TRICKY: Final = (
    "", " ", "~", "null", "true", "no", "Off", "y", "=", "<<", "-", "- a", "? b", ":", "a: b", "a #b", "#", "1", "0x10", "0o17", "1_000",
    "1e3", ".5", ".inf", ".nan", "12:30", "2022-03-23", "2022-03-23T17:45:12Z", "---", "...", "'q'", '"dq"', "*alias", "&anchor", "!tag",
    "%", "@", "`", "[a]", "{a: b}", "a,b", " lead", "trail ", "two\nlines", "\nfirst", "last\n", "last\n\n", "\t", "a\tb", "a\r\nb",
    "\x00\x1b\x7f\x85\xa0", "\u2028", "a\u2028b", "\ufeff", "\ufeffbom", "<script>&", "\\", "漢字", "😀",
)  # fmt: skip
"""Texts that writers and readers of YAML, JSON and tables get wrong."""

_EARLIEST: Final = Timestamp.ZERO
_LATEST: Final = Timestamp.parse("9999-12-31T23:59:59.999999999Z")


def texts(*, max_size: int = 20) -> st.SearchStrategy[str]:
    """Any text, and often one of `TRICKY`."""
    return st.one_of(st.sampled_from(TRICKY), st.text(max_size=max_size))


def addresses() -> st.SearchStrategy[IPAddress]:
    """IPv4 and IPv6, IPv4-mapped ones and ones with a zone among them."""
    mapped = st.ip_addresses(v=4).map(lambda address: ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed))
    zoned = st.ip_addresses(v=6).map(lambda address: ipaddress.IPv6Address(f"{address}%eth0"))
    return st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), mapped, zoned)


def prefixes() -> st.SearchStrategy[IPPrefix]:
    """Addresses with a length of their family; a prefix has no zone."""
    plain = addresses().filter(lambda address: getattr(address, "scope_id", None) is None)
    return plain.flatmap(lambda address: st.integers(0, address.max_prefixlen).map(lambda length: IPPrefix(address, length)))


def addrports() -> st.SearchStrategy[AddrPort]:
    """Addresses with a port of 0 to 65535."""
    return st.builds(AddrPort, addresses(), st.integers(0, 65535))


def timestamps() -> st.SearchStrategy[Timestamp]:
    """Moments of the years 1 to 9999 in nanoseconds, often whole seconds or none at all."""
    seconds = st.integers(_EARLIEST.seconds, _LATEST.seconds)
    return st.one_of(st.just(Timestamp.ZERO), seconds.map(Timestamp.from_seconds), st.integers(_EARLIEST, _LATEST).map(Timestamp))


def durations() -> st.SearchStrategy[Duration]:
    """Lengths of time in nanoseconds, of either sign."""
    return st.one_of(st.just(Duration.ZERO), st.integers(-(2**62), 2**62).map(Duration))


def free_form() -> st.SearchStrategy[Any]:
    """Immutable mappings of texts to plain values, as free-form fields hold them; numbers are those that a double can tell."""
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), texts())
    values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=8)
    return st.dictionaries(texts(), values, max_size=3).map(frozen)


def _flags(cls: type[WireFlags]) -> st.SearchStrategy[WireFlags]:
    return st.sets(st.sampled_from(list(cls))).map(lambda members: cls(sum(members)))


def _enum(cls: type[NumberedEnum]) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(cls)) | st.integers(0, 255).map(cls.of)


_VALUES: Final[dict[Shape, Callable[[], st.SearchStrategy[Any]]]] = {
    "text": texts,
    "flag": st.booleans,
    "float": lambda: st.floats(allow_nan=False, allow_infinity=False),
    "bytes": lambda: st.binary(max_size=32),
    "address": addresses,
    "prefix": prefixes,
    "addrport": addrports,
    "time": timestamps,
    "duration": durations,
    "url": lambda: st.sampled_from(("https://example.org:6443/a%20b?x=1#y", "http://[fd00::1]:80", "mailto:a@b", "/path")).map(URL),
    "hardware": lambda: st.binary(max_size=8).map(HardwareAddr),
    "expression": lambda: st.binary(max_size=8).map(lambda data: Expression(checked=data)),
    "free": free_form,
}


def _value(info: FieldInfo) -> st.SearchStrategy[Any]:
    match info.shape:
        case "number":
            bounds = BOUNDS[info.width]
            value: st.SearchStrategy[Any] = st.integers(bounds.start, bounds.stop - 1)
        case "enum":
            value = _enum(info.cls)
        case "flags":
            value = _flags(info.cls)
        case "message":
            value = specs(info.cls)
        case "text" if info.form == "yaml":
            value = st.sampled_from(("", "{}\n", "a: 1\n"))
        case shape:
            value = _VALUES[shape]()
    if info.optional:
        value = st.none() | value
    if info.mapping:
        return st.dictionaries(texts(), value, max_size=3).map(immutabledict)
    if not info.repeated:
        return value
    lists = st.lists(value, max_size=4).map(tuple)
    # No codec tells an empty list from none: where None is the default, that is what empty means.
    return lists if info.default is not None else lists.map(lambda items: items or None)


@cached
def specs(cls: type[S]) -> st.SearchStrategy[S]:
    """Specs of a class, without unknown fields."""
    return st.builds(cls, **{info.name: _value(info) for info in fields_of(cls)})


def untyped_specs() -> st.SearchStrategy[UntypedSpec]:
    """Specs of a type that has no class: YAML of any form."""
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), texts())
    values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=8)
    return st.dictionaries(texts(), values, min_size=1, max_size=4).map(lambda value: UntypedSpec(yaml=dump(value)))


def labels() -> st.SearchStrategy[Labels]:
    """Labels or annotations."""
    return st.dictionaries(texts(), texts(), max_size=3).map(immutabledict)


def metadata(kind: Kind[Any], *, whole_seconds: bool = False) -> st.SearchStrategy[Metadata]:
    """Metadata of a resource of the kind.

    Args:
        kind: gives the type and the namespace.
        whole_seconds: times as YAML and JSON carry them.
    """
    times = timestamps().map(lambda moment: Timestamp.from_seconds(moment.seconds)) if whole_seconds else timestamps()
    return st.builds(
        Metadata,
        namespace=st.just(kind.namespace),
        type=st.just(kind.type),
        id=texts().filter(bool),
        version=st.integers(0, 2**64 - 1),
        owner=texts(),
        phase=st.sampled_from(list(Phase)),
        finalizers=st.lists(texts(), max_size=3, unique=True).map(tuple),
        labels=labels(),
        annotations=labels(),
        created=times,
        updated=times,
    )


def resources(spec_or_kind: type[S] | Kind[S], *, whole_seconds: bool = False) -> st.SearchStrategy[Resource[S]]:
    """Resources of one kind; see `metadata` for the arguments.

    A kind without a class gives resources with untyped specs.
    """
    kind = kind_of(spec_or_kind)
    spec: st.SearchStrategy[Any] = untyped_specs() if kind.spec is UntypedSpec else specs(kind.spec)
    return st.builds(Resource, metadata(kind, whole_seconds=whole_seconds), spec)


def any_resources(*, kinds: Iterable[Kind[Any]] | None = None, whole_seconds: bool = False) -> st.SearchStrategy[Resource[Any]]:
    """Resources of several kinds.

    Args:
        kinds: which; None for those of KubeSpan and discovery. `typed_kinds()` gives all that have a class.
        whole_seconds: see `metadata`.
    """
    return st.sampled_from(sorted(own_kinds() if kinds is None else kinds, key=lambda kind: kind.type)).flatmap(
        lambda kind: resources(kind, whole_seconds=whole_seconds)
    )
