"""What a field of a document can be."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Scalar:
    """A value without parts. `name` is a key of `schema.scalars.SCALARS`: string, bool, uint32, time.Duration and so on."""

    name: str


@attrs.frozen
class ArgValue:
    """The value of a command line argument: a text, or a list of texts for one that is given several times."""

    name: str = "meta.ArgValue"


@attrs.frozen
class FreeForm:
    """A mapping that Talos does not look into: Kubernetes objects and configuration of other programs."""

    name: str = "map[string]any"


@attrs.frozen
class ListOf:
    """A list.

    Attributes:
        merge_keys: the fields by which a patch finds the item that it means; empty where items are appended.
        items_replaced: the patch's item takes the place of the one that it means, else they are merged.
    """

    name: str
    item: Type
    pointers: bool
    merge_keys: tuple[str, ...] = ()
    items_replaced: bool = False


@attrs.frozen
class MapOf:
    """A mapping from any text to values of one type."""

    name: str
    item: Type
    pointers: bool


@attrs.frozen
class Field:
    """A key of a struct.

    Attributes:
        pointer: absent differs from the zero value.
        omit_empty: not written while it is the zero value.
        replace: a patch replaces the whole value.
        embedded: it is declared in a structure that is embedded in this one.
    """

    key: str
    type: Type
    pointer: bool
    omit_empty: bool
    replace: bool
    embedded: bool = False


@attrs.frozen
class Struct:
    """A mapping with known keys; `atomic` ones are replaced as a whole by a patch."""

    name: str
    fields: Mapping[str, Field] = attrs.field(repr=False)
    atomic: bool = False


Type = Scalar | ArgValue | FreeForm | ListOf | MapOf | Struct
