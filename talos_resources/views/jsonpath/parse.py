"""Reads JSONPath templates: text with actions in braces.

The grammar is kubectl's, read in one pass; what kubectl would find wrong only while evaluating
(an unknown word, a stray `{end}`) is refused here.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

import attrs

from talos_resources.model.errors import QueryError
from talos_resources.views.jsonpath.compare import OPERATORS
from talos_resources.views.jsonpath.quoted import unquote
from talos_resources.views.jsonpath.steps import Descend, Field, Filter, Literal, Slice, Step, Union, Wildcard

Steps = tuple[Step, ...]

_QUOTED: Final = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
_TEXT: Final = re.compile(_QUOTED)
_FIELD: Final = re.compile(r"(?:\\.|[^ \t\r\n.,\[\]$@{}\\])*\\?", re.DOTALL)
_FIELD_IN_FILTER: Final = re.compile(r"(?:\\.|[^ \t\r\n.,\[\]$@{}\\!<>=)])*\\?", re.DOTALL)
_WORD: Final = re.compile(r"\w[^ \t\r\n.,\[\]$@{}!<>=)]*")
_NUMBER: Final = re.compile(r"[+-]?[0-9.]*")
_OPERATOR: Final = re.compile(r"[!<>=][!<>=~]*")
_BRACKETED: Final = re.compile(rf"(?:{_QUOTED}|[^\]\n'\"])*")
_COMMA: Final = re.compile(rf"{_QUOTED}|(,)")
_KEY: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_SLICE: Final = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_BLANKS: Final = re.compile(" *")
_DEEPEST: Final = 32  # filters and quoted keys within each other
_LONGEST: Final = 18  # digits of a whole number that surely fits Go's int


@attrs.frozen
class Text:
    """Text outside braces."""

    text: str


@attrs.frozen
class Action:
    """`{steps}`."""

    steps: Steps


@attrs.frozen
class Range:
    """`{range steps}`, what is repeated for each result, `{end}`."""

    steps: Steps
    body: tuple[Text | Action | Range, ...]


Part = Text | Action | Range


@attrs.define
class _Open:
    """A range whose `{end}` has not come yet; the outermost is the template itself."""

    steps: Steps
    body: list[Part] = attrs.Factory(list)


def parse(text: str) -> tuple[Part, ...]:
    """The parts of a template.

    Raises:
        QueryError: the template cannot be understood; the message says what and where.
    """
    return _Parser(text, text).template()


class _Parser:
    def __init__(self, text: str, template: str, *, offset: int = 0, depth: int = 0) -> None:
        self.text = text
        self.whole = template
        self.offset = offset  # of `text` within `whole`, for messages
        self.depth = depth
        self.at = 0

    def fail(self, problem: str, do: str) -> NoReturn:
        shown = self.whole if len(self.whole) <= 80 else f"{self.whole[:77]}..."
        raise QueryError(f"cannot parse JSONPath {shown!r}: {problem}, at character {self.offset + self.at + 1}; {do}", path=self.whole)

    def peek(self, expected: str) -> bool:
        return self.text.startswith(expected, self.at)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def template(self) -> tuple[Part, ...]:
        open_ranges = [_Open(())]
        while self.at < len(self.text):
            brace = self.text.find("{", self.at)
            end = len(self.text) if brace < 0 else brace
            if end > self.at:
                open_ranges[-1].body.append(Text(self.text[self.at : end]))
            self.at = end
            if brace >= 0:
                self.at += 1
                self.action(open_ranges)
        if len(open_ranges) > 1:
            self.fail("{range} has no {end}", "write {end} behind what is to be repeated")
        return tuple(open_ranges[0].body)

    def action(self, open_ranges: list[_Open]) -> None:
        self.take(_BLANKS)
        word = _WORD.match(self.text, self.at)
        keyword = word[0] if word else ""
        if keyword in ("range", "end"):
            self.at += len(keyword)
        steps = self.steps("}", _FIELD)
        if keyword == "range":
            open_ranges.append(_Open(steps))
        elif keyword != "end":
            open_ranges[-1].body.append(Action(steps))
        elif steps:
            self.fail("{end} stands alone", "write {end}, and what follows in braces of its own")
        elif len(open_ranges) == 1:
            self.fail("not in range, nothing to end", "leave {end} out, or begin with such as {range .spec.addresses[*]}")
        else:
            done = open_ranges.pop()
            open_ranges[-1].body.append(Range(done.steps, tuple(done.body)))

    def steps(self, closing: str, field: re.Pattern[str]) -> Steps:
        """Steps up to one of the characters in `closing`, which is taken; up to the end where there are none."""
        found: list[Step] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in closing:
                if closing == "}":
                    self.at += 1
                return tuple(found)
            if char in " @$":
                self.at += 1
            elif self.peek(".."):
                if found and isinstance(found[-1], Descend):
                    self.fail("invalid multiple recursive descent", "two dots are enough")
                self.at += 2
                found.append(Descend())
                if _WORD.match(self.text, self.at):
                    found.append(self.field(field))
            elif char == ".":
                self.at += 1
                found.append(self.field(field))
            elif self.peek("[?("):
                found.append(self.filter())
            elif char == "[":
                found += self.brackets()
            else:
                found.append(self.literal(char))
        if closing:
            self.fail(*(("unclosed action", "close it with }") if closing == "}" else ("unterminated filter", "close it with )]")))
        return tuple(found)

    def field(self, pattern: re.Pattern[str]) -> Step:
        name = self.take(pattern) or ""
        return Wildcard() if name == "*" else Field(name.replace("\\", ""))

    def literal(self, char: str) -> Step:
        if char in "'\"":
            quoted = self.take(_TEXT)
            if quoted is None:
                self.fail("unterminated quoted string", f"close it with {char}")
            try:
                return Literal(unquote(quoted))
            except ValueError as error:
                self.fail(f"{error} in {quoted}", "write a backslash twice")
        if char in "+-0123456789":
            return Literal(self.number(self.take(_NUMBER) or ""))
        word = self.take(_WORD)
        if word is None:
            if char in "\r\n":
                self.fail("unclosed action", "close it with } on the same line")
            self.fail(f"unrecognized character in action: {char!r}", "between braces stands a path such as .spec.mtu or .spec.addresses[0]")
        if word not in ("true", "false"):
            self.fail(f'unrecognized identifier "{word}"', f"a field is .{word}, a text '{word}'")
        return Literal(word == "true")

    def number(self, digits: str) -> int | float:
        try:
            if "." in digits or len(digits) > _LONGEST:
                return float(digits)
            return int(digits)
        except ValueError:
            self.fail(f"cannot parse number {digits}", "a text stands in quotes")

    def filter(self) -> Step:
        self.at += len("[?(")
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} filters within each other", "use fewer")
        left = self.steps("!<>=)", _FIELD_IN_FILTER)
        operator = self.take(_OPERATOR) or ""
        right: Steps = ()
        if operator:
            if operator not in OPERATORS:
                self.fail(f"unrecognized filter operator {operator}", f"there are {' '.join(OPERATORS)}")
            start = self.at
            right = self.steps(")", _FIELD_IN_FILTER)
            if not self.text[start : self.at].strip():
                self.fail("incomplete filter: nothing to compare with", f"write a value behind {operator}, such as 'up' or 1420")
        self.at += 1
        if not self.peek("]"):
            self.fail("unclosed array: expected ] after the filter", "a filter ends with )]")
        self.at += 1
        self.depth -= 1
        return Filter(left, operator, right)

    def brackets(self) -> Steps:
        start = self.at + 1
        self.at = start
        inside = self.take(_BRACKETED) or ""
        if not self.peek("]"):
            self.fail("unterminated array", "close it with ]")
        cuts = [match.start() for match in _COMMA.finditer(inside) if match[1]]
        self.at += 1
        if not cuts:
            return self.item(inside, start)
        items = [(inside[a:b], start + a) for a, b in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(inside)], strict=True)]
        return (Union(tuple(self.item(item.strip(" "), at) for item, at in items)),)

    def item(self, item: str, start: int) -> Steps:
        """What stands between brackets, or between the commas there."""
        if key := _KEY.fullmatch(item):
            name = key[1] if key[1] is not None else key[2]
            if self.depth > _DEEPEST:
                self.fail(f"more than {_DEEPEST} filters and keys within each other", "use fewer")
            return _Parser(f".{name}", self.whole, offset=self.offset + start, depth=self.depth + 1).steps("", _FIELD)
        match = _SLICE.fullmatch(":" if item == "*" else item)
        if match is None:
            self.fail(f"invalid array index {item}", "an index is 0, -1, 1:3, *, 'key' or ?(@.key=='value')")
        start_index, stop, step = (self.index(part) for part in match.groups())
        if match[2] is None:  # a lone index; nothing at all is the first
            return (Slice(start_index or 0, single=True),)
        return (Slice(start_index, stop, step),)

    def index(self, digits: str | None) -> int | None:
        digits = (digits or "").removeprefix(":")
        if not digits:
            return None
        if digits == "-" or len(digits) > _LONGEST:
            self.fail(f"array index {digits} is not a number", "an index is such as 0 or -1")
        return int(digits)
