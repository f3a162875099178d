"""What validation found, and how the checks read fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs


@attrs.frozen
class Fault:
    """One finding.

    Attributes:
        path: the field, `machine.install.disk`; with the document's name in front for other documents.
        text: what is wrong with it and, where it is not plain, what to do.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


@attrs.define
class Report:
    """The findings of one configuration, in the order of the checks."""

    errors: list[Fault] = attrs.Factory(list)
    warnings: list[Fault] = attrs.Factory(list)

    def error(self, path: str, text: str) -> None:
        """Talos refuses the configuration."""
        self.errors.append(Fault(path, text))

    def warn(self, path: str, text: str) -> None:
        """Talos accepts it, and `--strict` does not."""
        self.warnings.append(Fault(path, text))

    def strict(self) -> Report:
        """The report with every warning as an error."""
        return Report([*self.errors, *self.warnings], [])


Section = Mapping[str, Any]
"""The fields of a struct; what is absent has no key."""

_NOTHING: Final[Section] = {}


def section(fields: Section, path: str) -> Section:
    """The section at a path of keys; an empty one where it is not set."""
    for key in path.split("."):
        fields = fields.get(key) or _NOTHING
    return fields


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_cidr(text: str) -> bool:
    """Whether it is an address with a prefix length, as Go reads it: no netmask, no padding."""
    address, slash, bits = text.partition("/")
    if not slash or not is_address(address) or re.fullmatch(r"\d{1,3}", bits, re.ASCII) is None:
        return False
    return int(bits) <= ipaddress.ip_address(address).max_prefixlen and (bits == "0" or not bits.startswith("0"))


def is_filter(text: str) -> bool:
    """Whether it is a network or an address, perhaps after a `!`."""
    bare = text.removeprefix("!")
    return is_cidr(bare) or is_address(bare)


def is_address_or_cidr(text: str) -> bool:
    """Whether it is an address, with or without a prefix length."""
    return is_cidr(text) if "/" in text else is_address(text)
