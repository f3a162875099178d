"""What the types, structures, enumerations and fields are, in words: `descriptions/*.toml`, a file per package of Go."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import attrs

FOLDER: Final = Path(__file__).parent / "descriptions"


@attrs.frozen
class FieldText:
    """A field: a sentence, and the unit of a number."""

    text: str
    unit: str = ""


@attrs.frozen
class Description:
    """A class: what it is in a sentence; more of it; which controller writes it; its fields by their keys."""

    about: str
    more: str = ""
    writer: str = ""
    fields: dict[str, FieldText] = attrs.field(factory=dict)


@cache
def _written() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}.{name}"] = entry
    return found


@cache
def description(go_name: str) -> Description:
    """The description of a structure or enumeration.

    Raises:
        KeyError: there is none.
    """
    entry = _written()[go_name]
    fields = {
        key: FieldText(given) if isinstance(given, str) else FieldText(given["text"], given.get("unit", ""))
        for key, given in entry.get("fields", {}).items()
    }
    return Description(entry["about"], entry.get("more", ""), entry.get("writer", ""), fields)
