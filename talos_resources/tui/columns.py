"""How wide the columns of a table are: as wide as what was on the screen needs, and never narrower than they have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

GAP: Final = 2
_LEAST: Final = 12
"""A column that yields is not made narrower."""


class Columns:
    """The columns of a table.

    Attributes:
        names: their headings.
        widths: how wide each is shown.
    """

    def __init__(self, yielding: str) -> None:
        """There are none yet.

        Args:
            yielding: the heading of the one that is cut short where the others have no room beside it; empty for none.
        """
        self.names: tuple[str, ...] = ()
        self.widths: Sequence[int] = ()
        self._wanted: list[int] = []
        self._yielding = yielding

    def name(self, names: Sequence[str], marked: str) -> None:
        """Takes the headings; other ones than before begin anew. The marked one needs room for its mark."""
        if tuple(names) != self.names:
            self.names, self._wanted = tuple(names), [0] * len(names)
        own = (len(name) + 2 * (name == marked) for name in self.names)
        self._wanted = [max(pair) for pair in zip(self._wanted, own, strict=True)]

    def widen(self, cells: Sequence[Text]) -> None:
        """Makes room for the cells of a row."""
        self._wanted = [max(width, cell.cell_len) for width, cell in zip(self._wanted, cells, strict=True)]

    def fit(self, room: int) -> None:
        """Makes the yielding column as narrow as the others need it, but wide enough to tell what is in it."""
        self.widths = self._wanted
        if self._yielding in self.names:
            at = self.names.index(self._yielding)
            missing = 1 + sum(width + GAP for width in self._wanted) - GAP - room
            narrow = min(self._wanted[at], max(_LEAST, self._wanted[at] - max(0, missing)))
            self.widths = [*self._wanted[:at], narrow, *self._wanted[at + 1 :]]

    @property
    def total(self) -> int:
        """How wide they are together."""
        return 1 + sum(width + GAP for width in self.widths)

    def at(self, x: int) -> str:
        """The heading of the column at a place; empty beside them all."""
        end = 1
        for name, width in zip(self.names, self.widths, strict=True):
            end += width + GAP
            if x < end:
                return name
        return ""
