r"""The text form of label queries, as kubectl's selectors with COSI's comparisons.

```text
queries = query { "||" query }            one of them must match
query   = [ term { "," term } ]           all of its terms must hold; empty: everything
term    = key                             the label is there
        | "!" key                         it is not there
        | key ( "=" | "==" | "!=" ) value
        | key [ "not" ] "in" "(" value { "," value } ")"       also written "notin"
        | key ( "<" | "<=" | ">" | ">=" ) value
value   = quoted | plain                  plain may be empty after "=", "==" and "!="
key     = quoted | plain
plain   = a run of letters, digits and any of  - _ . / : + @ * ~ ^ % $ # & ?
quoted  = '"' text '"'                    \" and \\ stand for themselves
```

Blanks between the parts do not matter. `<` and its kin compare numbers (with units: `mem<3Gi`) if the
value reads as one, else strings in byte order; a quoted value is a string always. `!=` and `notin`
also match where the label is missing; the comparisons never do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, NoReturn

from talos_resources.model.errors import QueryError
from talos_resources.model.labels import LabelOp, LabelQuery, LabelTerm, parse_number

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<quoted>"(?:[^"\\]|\\["\\])*")
    | (?P<mark>\|\||==|!=|<=|>=|[=<>!(),])
    | (?P<plain>[^\s"=<>!(),|\\{}\[\];'`]+)
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)

_COMPARISONS: Final = {
    "<": (LabelOp.LT, LabelOp.LT_NUMERIC, False),
    "<=": (LabelOp.LTE, LabelOp.LTE_NUMERIC, False),
    ">": (LabelOp.LTE, LabelOp.LTE_NUMERIC, True),
    ">=": (LabelOp.LT, LabelOp.LT_NUMERIC, True),
}


class _Token(NamedTuple):
    kind: str  # quoted, mark, plain or end
    text: str  # without quotes and escapes
    position: int


def parse_labels(text: str) -> tuple[LabelQuery, ...]:
    """Reads label queries; the grammar is that of this module.

    Raises:
        QueryError: with the position of what is wrong.
    """
    return _Parser(text).queries()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._now = next(self._tokens)

    def queries(self) -> tuple[LabelQuery, ...]:
        found = [self._query()]
        while self._take("||"):
            found.append(self._query())
        if self._now.kind != "end":
            self._fail("a comma or the end")
        return tuple(found)

    def _query(self) -> LabelQuery:
        if self._now.kind == "end" or self._at("||"):
            return LabelQuery()
        terms = [self._term()]
        while self._take(","):
            terms.append(self._term())
        return LabelQuery(tuple(terms))

    def _term(self) -> LabelTerm:
        if self._take("!"):
            return LabelTerm(self._word("a label"), invert=True)
        key = self._word("a label")
        if self._now.kind == "plain":
            return self._membership(key)
        if self._now.kind != "mark":
            return LabelTerm(key)
        operator = self._now.text
        if operator in {"=", "==", "!="}:
            self._advance()
            value = self._word("a value") if self._now.kind in {"plain", "quoted"} else ""
            return LabelTerm(key, LabelOp.EQUAL, (value,), invert=operator == "!=")
        if operator in _COMPARISONS:
            self._advance()
            return self._comparison(key, operator)
        return LabelTerm(key)

    def _comparison(self, key: str, operator: str) -> LabelTerm:
        as_text, as_number, invert = _COMPARISONS[operator]
        plain = self._now.kind == "plain"
        value = self._word("a value")
        op = as_number if plain and parse_number(value) is not None else as_text
        return LabelTerm(key, op, (value,), invert)

    def _membership(self, key: str) -> LabelTerm:
        word = self._now.text
        if word not in {"in", "not", "notin"}:
            self._fail("an operator (= == != < <= > >= in notin)")
        self._advance()
        if word == "not" and not (self._now.kind == "plain" and self._now.text == "in"):
            self._fail('"in" after "not"')
        if word == "not":
            self._advance()
        if not self._take("("):
            self._fail('"("')
        values = [self._word("a value")]
        while self._take(","):
            values.append(self._word("a value"))
        if not self._take(")"):
            self._fail('"," or ")"')
        return LabelTerm(key, LabelOp.IN, tuple(values), invert=word != "in")

    def _word(self, expected: str) -> str:
        if self._now.kind not in {"plain", "quoted"}:
            self._fail(expected)
        text = self._now.text
        self._advance()
        return text

    def _at(self, mark: str) -> bool:
        return self._now.kind == "mark" and self._now.text == mark

    def _take(self, mark: str) -> bool:
        if not self._at(mark):
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        self._now = next(self._tokens)

    def _fail(self, expected: str) -> NoReturn:
        found = "the end" if self._now.kind == "end" else repr(self._now.text)
        raise QueryError(f"label query {self._text!r}: expected {expected} at character {self._now.position + 1}, found {found}")


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            start = len(text) - len(text[position:].lstrip())
            raise QueryError(f'label query {text!r}: {text[start]!r} at character {start + 1} must be quoted ("…")')
        kind = str(match.lastgroup)
        found = match[kind]
        if kind == "quoted":
            found = re.sub(r"\\(.)", r"\1", found[1:-1])
        yield _Token(kind, found, match.start(kind))
        position = match.end()
