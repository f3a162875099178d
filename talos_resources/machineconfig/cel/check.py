"""Parses an expression and finds the type of its value at once, by recursive descent.

A type is a word (`bool`, `int`, `uint`, `double`, `string`, `bytes`, `null`, `map`, `type`,
`timestamp`, `duration`, `dyn`, the name of a record) or `list:` and a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from talos_resources.machineconfig.cel.tokens import CelError, Token, tokens
from talos_resources.machineconfig.cel.type_rules import OPERATORS, applied, common, fits, number_type

MAX_DEPTH: Final = 60
MAX_LENGTH: Final = 64 * 1024

_WORDS: Final = {"true": "bool", "false": "bool", "null": "null"}
_METHODS: Final = {
    "contains": ("string", ("string",), "bool"),
    "startsWith": ("string", ("string",), "bool"),
    "endsWith": ("string", ("string",), "bool"),
    "matches": ("string", ("string",), "bool"),
}
_MACROS: Final = {"all": "bool", "exists": "bool", "exists_one": "bool", "filter": "", "map": ""}
_CONVERSIONS: Final = frozenset({"int", "uint", "double", "string", "bool", "bytes", "dyn", "type", "timestamp", "duration"})
"""What takes a value of any type, and is called by the type that it gives."""
_TYPE_NAMES: Final = frozenset({"int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"})

Variables = Mapping[str, str]
Records = Mapping[str, Mapping[str, str]]
Functions = Mapping[str, tuple[tuple[str, ...], str]]


class Checker:
    """Checks one expression.

    Args:
        text: the expression.
        variables: name → type.
        records: type → its fields → their types.
        functions: name → types of its arguments, type of its value.
        is_open: an unknown variable or function is taken for something of any type.
    """

    def __init__(self, text: str, variables: Variables, records: Records, functions: Functions, *, is_open: bool = False) -> None:
        if len(text) > MAX_LENGTH:
            raise CelError("the expression is too long", MAX_LENGTH)
        self._words = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._variables = dict(variables)
        self._records = records
        self._functions = functions
        self._is_open = is_open

    def type(self) -> str:
        """The type of the expression.

        Raises:
            CelError: it is none, or its parts do not fit together.
        """
        found = self._expression()
        if self._next.kind != "end":
            raise self._unexpected()
        return found

    @property
    def _next(self) -> Token:
        return self._words[self._at]

    def _take(self, *texts: str) -> Token | None:
        """The next word if it is one of these."""
        word = self._next
        if word.text not in texts or word.kind in {"string", "number", "end"}:
            return None
        self._at += 1
        return word

    def _need(self, text: str) -> None:
        if self._take(text) is None:
            raise self._unexpected(f"where {text!r} belongs")

    def _unexpected(self, where: str = "") -> CelError:
        word = self._next
        what = f"unexpected {word.text[:40]!r}" if word.kind != "end" else "the expression ends too early"
        return CelError(f"{what} {where}".strip(), word.column)

    def _expression(self) -> str:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CelError("nested too deeply", self._next.column)
        found = self._binary(0)
        if question := self._take("?"):
            fits(found, "bool", question, "a condition")
            one = self._binary(0)
            self._need(":")
            other = self._expression()
            found = common(one, other, question)
        self._depth -= 1
        return found

    def _binary(self, least: int) -> str:
        """Operators that bind at least so close, each with its right side, by climbing."""
        left = self._unary()
        while (word := self._next).text in OPERATORS and word.kind in {"sign", "name"}:
            level, result = OPERATORS[word.text]
            if level < least:
                break
            self._at += 1
            left = result(left, self._binary(level + 1), word)
        return left

    def _unary(self) -> str:
        if (sign := self._take("!", "-")) is None:
            return self._member()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CelError("nested too deeply", sign.column)
        twice = self._take(sign.text) is not None
        found = self._unary()
        self._depth -= 1
        if twice:
            return found  # the two take each other away, whatever follows
        if sign.text == "!":
            fits(found, "bool", sign, "what is negated")
        elif found not in {"int", "double", "dyn"}:
            raise CelError(f"there is no minus of {found}", sign.column)
        return found

    def _member(self) -> str:
        found = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                found = self._method(found, name) if self._take("(") else self._field(found, name)
            elif bracket := self._take("["):
                index = self._expression()
                self._need("]")
                if found == "map":
                    found = "dyn"
                    continue
                if not found.startswith("list:") and found != "dyn":
                    raise CelError(f"{found} has no positions", bracket.column)
                fits(index, "int", bracket, "a position")
                found = found.removeprefix("list:")
            else:
                return found

    def _name(self) -> Token:
        word = self._next
        if word.kind != "name":
            raise self._unexpected("where a name belongs")
        self._at += 1
        return word

    def _primary(self) -> str:
        word = self._next
        self._at += 1
        match word.kind:
            case "number":
                return number_type(word.text)
            case "string":
                return "bytes" if "b" in word.text[: word.text.find(word.text[-1])].lower() else "string"
            case "name":
                if word.text in _WORDS:
                    return _WORDS[word.text]
                return self._call(word) if self._take("(") else self._variable(word)
            case _:
                pass
        if word.text == "(":
            found = self._expression()
            self._need(")")
            return found
        if word.text == "[":
            return self._list()
        if word.text == "{":
            return self._map()
        self._at -= 1
        raise self._unexpected()

    def _list(self) -> str:
        items = self._arguments("]")
        return f"list:{items[0] if len(set(items)) == 1 else 'dyn'}"

    def _map(self) -> str:
        first = True
        while not self._take("}"):
            if not first:
                self._need(",")
            first = False
            self._expression()
            self._need(":")
            self._expression()
        return "map"

    def _arguments(self, end: str) -> list[str]:
        found: list[str] = []
        while not self._take(end):
            if found:
                self._need(",")
            found.append(self._expression())
        return found

    def _variable(self, word: Token) -> str:
        found = self._variables.get(word.text, "dyn" if self._is_open else None)
        if found is None and word.text in _TYPE_NAMES:
            return "type"
        if found is None:
            raise CelError(f"undeclared reference to '{word.text}'", word.column)
        return found

    def _field(self, kind: str, name: Token) -> str:
        if kind in {"dyn", "map"}:
            return "dyn"
        found = self._records.get(kind, {}).get(name.text)
        if found is None:
            raise CelError(f"undefined field '{name.text}'", name.column)
        return found

    def _call(self, name: Token) -> str:
        found = self._arguments(")")
        if name.text in {"size", "has"} and len(found) == 1:
            return "int" if name.text == "size" else "bool"
        if name.text in _CONVERSIONS and len(found) == 1:
            return name.text
        known = self._functions.get(name.text)
        if known is None and self._is_open:
            return "dyn"
        if known is None:
            raise CelError(f"undeclared reference to '{name.text}'", name.column)
        return applied(name, known[0], found, known[1])

    def _method(self, kind: str, name: Token) -> str:
        if name.text in _MACROS and (kind.startswith("list:") or kind in {"dyn", "map"}):
            return self._macro(kind, name)
        found = self._arguments(")")
        if name.text == "size" and not found and (kind in {"string", "bytes", "map", "dyn"} or kind.startswith("list:")):
            return "int"
        method = _METHODS.get(name.text)
        if method is None and (kind in {"dyn", "timestamp", "duration"} or self._is_open):
            return "dyn"
        if method is None:
            raise CelError(f"undeclared reference to '{name.text}'", name.column)
        return applied(name, (method[0], *method[1]), [kind, *found], method[2])

    def _macro(self, kind: str, name: Token) -> str:
        """`list.exists(x, …)` and the like: the name is known in what follows it."""
        variable = self._name().text
        self._need(",")
        hidden = self._variables.get(variable)
        self._variables[variable] = "dyn" if kind == "map" else kind.removeprefix("list:")
        found = self._expression()
        self._need(")")
        if hidden is None:
            del self._variables[variable]
        else:
            self._variables[variable] = hidden
        if name.text == "map":
            return f"list:{found}"
        fits(found, "bool", name, f"what {name.text} asks")
        return _MACROS[name.text] or kind
