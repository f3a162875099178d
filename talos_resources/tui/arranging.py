"""Which rows of a table are shown, and in which order: filtered by a text, sorted by a column, grouped."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import attrs

from talos_resources.model.order import natural

Fact = str | float | None
"""What a cell says, to sort and to search by: a text, a figure, or nothing known."""

GROUPS: Final = ("NODE", "STATE")
"""The columns by which rows may be grouped, in the order in which they are offered."""


@attrs.frozen
class Heading:
    """A row that stands above those of a group.

    Attributes:
        text: what they have in common.
        count: how many they are.
    """

    text: str
    count: int


@attrs.frozen
class Arrangement:
    """How rows are arranged.

    Attributes:
        part: only rows with this somewhere in their texts, in any case; empty for all.
        column: the name of the one to sort by; empty for the order in which they come.
        is_descending: the other way round; what is not known stays last.
        group: the name of the column whose values are put together; empty for none.
    """

    part: str = ""
    column: str = ""
    is_descending: bool = False
    group: str = ""

    def sorted_by(self, column: str) -> Arrangement:
        """By a column; the other way round if it is sorted by it."""
        return attrs.evolve(self, column=column, is_descending=column == self.column and not self.is_descending)

    def next_column(self, headings: Sequence[str]) -> Arrangement:
        """By the next column, and after the last one as they come."""
        return attrs.evolve(self, column=_next(headings, self.column), is_descending=False)

    def next_group(self, headings: Sequence[str]) -> Arrangement:
        """Grouped by the next column that has groups, and after the last one not at all."""
        return attrs.evolve(self, group=_next([name for name in GROUPS if name in headings], self.group))

    @property
    def words(self) -> str:
        """What is not as it came, in words; empty if nothing is."""
        parts = [
            self.part and f"/{self.part}",
            self.column and f"by {self.column}{' ▼' if self.is_descending else ' ▲'}",
            self.group and f"grouped by {self.group}",
        ]
        return "  ".join(part for part in parts if part)


def arranged(
    arrangement: Arrangement, headings: Sequence[str], keys: Sequence[Hashable], facts: Callable[[Any], Sequence[Fact]]
) -> Sequence[Hashable]:
    """The keys of the rows that are shown, with a `Heading` above each group.

    Args:
        arrangement: how.
        headings: the names of the columns.
        keys: of all rows.
        facts: key → what its cells say, as many as there are headings; called only where the arrangement needs it.
    """
    if arrangement == Arrangement():
        return keys
    known = {key: facts(key) for key in keys}
    found: Sequence[Hashable] = keys
    if part := arrangement.part.lower():
        found = [key for key in found if part in "\0".join(fact for fact in known[key] if isinstance(fact, str)).lower()]
    if arrangement.column in headings:
        found = _sorted(found, known, list(headings).index(arrangement.column), descending=arrangement.is_descending)
    if arrangement.group in headings:
        return _grouped(found, known, list(headings).index(arrangement.group))
    return found


def _sorted(keys: Sequence[Hashable], known: dict[Hashable, Sequence[Fact]], column: int, *, descending: bool) -> Sequence[Hashable]:
    values = {key: known[key][column] for key in keys}
    # A column has fewer texts than rows, and to take one apart costs more than to look up where it comes.
    texts = sorted({value for value in values.values() if isinstance(value, str)}, key=lambda text: (natural(text.lower()), text))
    places = {text: place for place, text in enumerate(texts)}
    said = [key for key in keys if values[key] not in {None, ""}]
    silent = [key for key in keys if values[key] in {None, ""}]

    def place(key: Hashable) -> float:
        value = values[key]
        return places[value] if isinstance(value, str) else value or 0.0

    return [*sorted(said, key=place, reverse=descending), *silent]


def _grouped(keys: Sequence[Hashable], known: dict[Hashable, Sequence[Fact]], column: int) -> Sequence[Hashable]:
    groups: dict[Fact, list[Hashable]] = {}
    for key in keys:
        groups.setdefault(known[key][column], []).append(key)
    rows: list[Hashable] = []
    for fact, own in groups.items():
        rows += [Heading("-" if fact in {None, ""} else str(fact), len(own)), *own]
    return rows


def _next(names: Sequence[str], name: str) -> str:
    every = ["", *names]
    return every[(every.index(name) + 1) % len(every)] if name in every else ""
