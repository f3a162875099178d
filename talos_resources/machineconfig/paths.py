"""Paths into a document, checked against the field table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from talos_resources.machineconfig.schema.types import FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean

_STEP: Final = re.compile(r"""(?:\A|\.)(?P<name>[^.\[\]"]+)|\[(?P<index>-?\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]""")


def parse_path(path: str) -> list[str | int]:
    """The steps of `a.b[0]["c.d"]`: keys as text, positions in lists as numbers.

    Raises:
        ConfigError: it cannot be understood.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ConfigError(f"cannot understand the path {path!r} from {path[position:]!r} on", path=path)
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] or json.loads(match["quoted"]))
        position = match.end()
    return steps


def child_type(kind: Type, steps: Sequence[str | int]) -> Type:
    """The type of what a path leads to.

    Raises:
        ConfigError: the table has no such field; names the nearest ones.
    """
    walked = ""
    for step in steps:
        match kind, step:
            case Struct(), str():
                field = kind.fields.get(step)
                if field is None:
                    near = did_you_mean(step, kind.fields)
                    raise ConfigError(f'no field "{step}" in {walked or "the document"}{near}', path=walked)
                kind = field.type
            case MapOf(item=item), str():
                kind = item
            case ListOf(item=item), int():
                kind = item
            case FreeForm(), _:
                return kind
            case _:
                what = {Struct: "a section", MapOf: "a map", ListOf: "a list", Scalar: "a single value"}[type(kind)]
                raise ConfigError(f"{walked or 'the document'} is {what}, it has no {step!r}", path=walked)
        walked += f"[{step}]" if isinstance(step, int) else f"{'.' if walked else ''}{step}"
    return kind
