"""Expressions as kubectl takes them in `--sort-by` and `-o custom-columns`: the braces and the first dot may be left out.

Source: kubectl's reference, custom columns.
"""

from __future__ import annotations

import re
from typing import Any, Final

from talos_resources.model.errors import QueryError
from talos_resources.views.jsonpath.path import Path, compile  # noqa: A004 - as in the package

_RELAXED: Final = re.compile(r"\{\.?(?P<braced>[^{}]+)\}|\.?(?P<bare>[^{}]+)")


def relaxed(text: str) -> Path:
    """The template `{.a.b}` of `a.b`, `.a.b`, `{a.b}` or `{.a.b}`.

    Raises:
        QueryError: it is none of these, or cannot be understood.
    """
    match = _RELAXED.fullmatch(text)
    if match is None:
        raise QueryError(f'unexpected path "{text}", expected a.b, .a.b, {{a.b}} or {{.a.b}}')
    return compile(f"{{.{match['braced'] or match['bare']}}}")


def results(path: Path, value: Any) -> list[Any]:
    """What a relaxed expression finds; nothing where the value has no such field or the field no such items."""
    try:
        return [found for group in path.find(value, missing_ok=True) for found in group]
    except QueryError:  # one odd resource shall not cost the others' rows
        return []
