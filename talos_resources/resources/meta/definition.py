"""ResourceDefinition: a registered resource type."""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.model.enums import NumberedEnum
from talos_resources.model.kind import Column, Kind, kind
from talos_resources.model.natural import checked
from talos_resources.model.spec import Unknown, unknown_field, wire


class Sensitivity(NumberedEnum):
    """Who may read a type."""

    NON_SENSITIVE = "", 0
    SENSITIVE = "sensitive", 1


@checked
@attrs.frozen(kw_only=True, weakref_slot=False)
class PrintColumn:
    """A column of the type's tables."""

    name: str = wire(1, default="", doc="The heading.")
    json_path: str = wire(2, default="", doc="JSONPath of the cell within the spec.")
    unknown: Unknown | None = unknown_field()


@kind(
    type="ResourceDefinitions.meta.cosi.dev",
    namespace="meta",
    columns=[Column("Aliases", "{.aliases[:]}")],
    aliases=["api-resources"],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class ResourceDefinition:
    """A resource type with its names and columns; the id is the type in lower case.

    Source: COSI runtime v1.16.2.
    """

    resource_type: str = wire(1, default="", doc="The full type.")
    display_type: str = wire(2, default="", doc="The singular, for people.")
    default_namespace: str = wire(3, default="", doc="Where its resources live unless told otherwise.")
    aliases: tuple[str, ...] = wire(4, default=(), doc="Singular and initials.")
    all_aliases: tuple[str, ...] = wire(5, default=(), doc="Every name that finds the type.")
    print_columns: tuple[PrintColumn, ...] = wire(6, default=(), doc="The columns of its tables.")
    sensitivity: Sensitivity = wire(7, default=Sensitivity.NON_SENSITIVE, omit_empty=True, doc="Whether only administrators may read it.")
    unknown: Unknown | None = unknown_field()


def definition_of(kind: Kind[Any]) -> ResourceDefinition:
    """The definition that a node registers for a kind."""
    return ResourceDefinition(
        resource_type=kind.type,
        display_type=kind.display_type,
        default_namespace=kind.namespace,
        aliases=kind.short_aliases,
        all_aliases=kind.aliases,
        print_columns=tuple(PrintColumn(name=column.name, json_path=column.path) for column in kind.columns),
        sensitivity=Sensitivity.SENSITIVE if kind.sensitive else Sensitivity.NON_SENSITIVE,
    )
