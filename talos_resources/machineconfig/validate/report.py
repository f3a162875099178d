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
        path: the field, `machine.install.disk`; for other documents the document, perhaps with the field;
            empty where it is about the configuration as a whole.
        text: what is wrong with it and, where it is not plain, what to do.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


@attrs.define
class Report:
    """The findings of one configuration, in the order of the checks.

    Attributes:
        errors: Talos refuses the configuration.
        warnings: Talos accepts it.
        main_warnings: how many of the warnings, the first ones, are about the v1alpha1 document.
    """

    errors: list[Fault] = attrs.Factory(list)
    warnings: list[Fault] = attrs.Factory(list)
    main_warnings: int = 0

    def error(self, path: str, text: str) -> None:
        """Talos refuses the configuration."""
        self.errors.append(Fault(path, text))

    def warn(self, path: str, text: str) -> None:
        """Talos accepts it."""
        self.warnings.append(Fault(path, text))

    def strict(self) -> Report:
        """The report with every warning of the v1alpha1 document as an error; Talos leaves those of others alone."""
        count = self.main_warnings
        return Report([*self.errors, *self.warnings[:count]], self.warnings[count:])


@attrs.frozen
class Subject:
    """A document that is being checked.

    Attributes:
        path: what its findings are named after.
        fields: of the document.
        report: where they go.
    """

    path: str
    fields: Mapping[str, Any] = attrs.field(repr=False)
    report: Report

    def error(self, text: str) -> None:
        """Talos refuses the document."""
        self.report.error(self.path, text)

    def warn(self, text: str) -> None:
        """Talos accepts it."""
        self.report.warn(self.path, text)

    def text(self, key: str) -> str:
        """A field that is a text; empty where it is not set."""
        value = self.fields.get(key)
        return "" if value is None else str(value)

    def section(self, path: str) -> Section:
        """A section by its path; empty where it is not set."""
        return section(self.fields, path)


Section = Mapping[str, Any]
"""The fields of a struct; what is absent has no key."""

_NOTHING: Final[Section] = {}


def section(fields: Section, path: str) -> Section:
    """The section at a path of keys; an empty one where it is not set."""
    for key in path.split("."):
        fields = fields.get(key) or _NOTHING
    return fields


def has(fields: Section, path: str) -> bool:
    """Whether there is something at a path of keys, be it empty."""
    above, _, key = path.rpartition(".")
    return key in (section(fields, above) if above else fields)


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
