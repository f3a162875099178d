"""Which types go together, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from talos_resources.machineconfig.cel.tokens import CelError, Token

_NUMBERS: Final = frozenset({"int", "uint", "double"})
_TIMES: Final = {
    ("duration", "+", "duration"): "duration",
    ("duration", "-", "duration"): "duration",
    ("duration", "+", "timestamp"): "timestamp",
    ("timestamp", "+", "duration"): "timestamp",
    ("timestamp", "-", "duration"): "timestamp",
    ("timestamp", "-", "timestamp"): "duration",
}
"""What may be added and taken away of moments and lengths of time, and what comes of it."""


def number_type(text: str) -> str:
    """The type of a number by how it is written."""
    if text[-1] in "uU":
        return "uint"
    is_float = not text.startswith("0x") and ("." in text or "e" in text.lower())
    return "double" if is_float else "int"


def fits(found: str, wanted: str, word: Token, what: str) -> None:
    """Refuses a type other than the wanted one.

    Raises:
        CelError: it is another one.
    """
    if found not in {wanted, "dyn"}:
        raise CelError(f"{what} has to be {wanted}, this is {found}", word.column)


def common(one: str, other: str, word: Token) -> str:
    """The type that both are of.

    Raises:
        CelError: there is none.
    """
    if other in {one, "dyn"}:
        return one
    if one == "dyn":
        return other
    if one.startswith("list:") and other.startswith("list:"):
        return f"list:{common(one.removeprefix('list:'), other.removeprefix('list:'), word)}"
    raise CelError(f"no matching overload for {word.text!r} applied to ({one}, {other})", word.column)


def applied(name: Token, wanted: tuple[str, ...], found: list[str], result: str) -> str:
    """The type of a call with arguments of these types.

    Raises:
        CelError: it takes others.
    """
    fits = len(wanted) == len(found) and all("dyn" in (one, other) or one == other for one, other in zip(found, wanted, strict=True))
    if not fits:
        raise CelError(f"no matching overload for {name.text!r} applied to ({', '.join(found)})", name.column)
    return result


def _logic(left: str, right: str, sign: Token) -> str:
    for side in (left, right):
        fits(side, "bool", sign, f"what {sign.text} joins")
    return "bool"


def _relation(left: str, right: str, sign: Token) -> str:
    if sign.text == "in":
        if right == "map":
            return "bool"
        if right != "dyn" and not right.startswith("list:"):
            raise CelError(f"no matching overload for 'in' applied to ({left}, {right})", sign.column)
        common(left, right.removeprefix("list:"), sign)
    else:
        common(left, right, sign)
    return "bool"


def _arithmetic(left: str, right: str, sign: Token) -> str:
    if (found := _TIMES.get((left, sign.text, right))) is not None:
        return found
    found = common(left, right, sign)
    allowed = found in _NUMBERS or found == "dyn" or (sign.text == "+" and (found in {"string", "bytes"} or found.startswith("list:")))
    if not allowed or (sign.text == "%" and found == "double"):
        raise CelError(f"no matching overload for {sign.text!r} applied to ({left}, {right})", sign.column)
    return found


OPERATORS: Final[Mapping[str, tuple[int, Callable[[str, str, Token], str]]]] = {
    "||": (0, _logic),
    "&&": (1, _logic),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), (2, _relation)),
    **dict.fromkeys(("+", "-"), (3, _arithmetic)),
    **dict.fromkeys(("*", "/", "%"), (4, _arithmetic)),
}
"""How close each operator binds, and what comes of it."""
