"""The descriptions of the generated classes: complete, and of nothing that is not in the table."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Any, get_args

import pytest

from talos_resources.model.spec import Unit
from talos_resources.resources.generate import descriptions, layout, table

_GENERATED = [name for file in layout.layout() for name in file.members]
_NUMBERS = {"int", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float64"}


@cache
def _written() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in descriptions.FOLDER.glob("*.toml"):
        found |= {f"{path.stem}.{name}": entry for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    return found


def test_descriptions_are_of_what_there_is() -> None:
    known = table.table()
    assert not _written().keys() - set(_GENERATED)
    for name, entry in _written().items():
        assert not entry.keys() - {"about", "more", "writer", "fields"}, name
        fields = {} if name in known.enums else {field.key or field.name: field for field in known.structs[name]}
        assert not entry.get("fields", {}).keys() - fields.keys(), name
        for key, given in entry.get("fields", {}).items():
            if isinstance(given, dict):
                assert given.keys() == {"text", "unit"}, (name, key)
                assert given["unit"] in get_args(Unit), (name, key)
                assert fields[key].type.removeprefix("*").removeprefix("[]") in _NUMBERS, (name, key)


@pytest.mark.parametrize("name", _GENERATED)
def test_every_class_and_field_is_described(name: str) -> None:
    known = table.table()
    entry = _written()[name]
    texts = [entry["about"], *([entry["more"]] if "more" in entry else [])]
    if name not in known.enums:
        described = descriptions.description(name).fields
        texts += [described[field.key or field.name].text for field in known.structs[name]]
    for text in texts:
        assert re.fullmatch(r'[A-Z`!][^"\\]*\.', text), text  # they stand in Python's quotes
