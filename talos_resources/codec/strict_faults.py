"""What cattrs says went wrong → faults with their paths."""

from __future__ import annotations

from typing import Any

from cattrs import AttributeValidationNote, ClassValidationError, IterableValidationError, IterableValidationNote

from talos_resources.codec.fields import fields_of


def faults_of(error: BaseException, path: str) -> list[tuple[str, str]]:
    """What went wrong and where, in the order of the fields."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        return [fault for inner in error.exceptions for fault in faults_of(inner, _inner_path(error, inner, path))]
    if isinstance(error, KeyError):
        return [(path, "is missing")]
    extra = getattr(error, "extra_fields", None)
    if extra:
        return [(f"{path}.{key}".lstrip("."), "unknown key") for key in sorted(map(str, extra))]
    return [(path, str(error))]


def _inner_path(outer: BaseException, inner: BaseException, path: str) -> str:
    for note in getattr(inner, "__notes__", ()):
        if isinstance(note, IterableValidationNote):
            return f"{path}[{note.index}]" if isinstance(note.index, int) else f"{path}.{note.index}"
        if isinstance(note, AttributeValidationNote):
            cls = outer.cl if isinstance(outer, ClassValidationError) else None
            return f"{path}.{_key(cls, note.name)}".lstrip(".")
    return path


def _key(cls: Any, name: str) -> str:
    """The key of an attribute in YAML and JSON."""
    if cls is None:
        return name
    return next((info.key for info in fields_of(cls) if info.name == name), name)
