"""Aligned columns, the way of Go's text/tabwriter with minimum width 0, padding 3 and blanks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PADDING: Final = 3


class TabWriter:
    """Collects lines of cells and aligns what was collected since the last flush.

    Cells are taken literally: a tab (or vertical tab) in one starts a new cell, a line break a new
    line, a form feed a new line from which on nothing is aligned with what came before. A column is a
    block of consecutive lines that have a cell after it; its width is that of its widest cell, in code
    points, plus the padding. The last cell of a line belongs to no column.
    """

    def __init__(self, *, smallest: int = 0) -> None:
        """Begins without lines; no column will be narrower than `smallest`, its padding included."""
        self._lines: list[str] = []
        self._smallest = smallest

    def write(self, cells: Sequence[str]) -> None:
        """Adds a line."""
        self._lines.append("\t".join(cells))

    def flush(self) -> str:
        """The aligned text of all lines since the last flush; empty if there are none."""
        text = "".join([f"{line}\n" for line in self._lines])
        self._lines.clear()
        return align(text, smallest=self._smallest)


def align(text: str, *, smallest: int = 0) -> str:
    """Aligns text in which tabs end cells.

    Args:
        text: lines of cells, each line with its line break.
        smallest: no column is narrower, its padding included.
    """
    text = text.replace("\v", "\t")
    pages = text.split("\f")
    return "".join([_page(f"{page}\n", smallest) for page in pages[:-1]]) + _page(pages[-1], smallest)


def _page(text: str, smallest: int) -> str:
    lines = [line.split("\t") for line in text.split("\n")]
    _pad(lines, smallest)
    return "\n".join(["".join(line) for line in lines])


def _pad(lines: list[list[str]], smallest: int) -> None:
    """Pads the cells of all columns in these lines, blocks within blocks.

    A block of column n+1 lies within one of column n, so that a stack of blocks visits each cell once.
    """
    blocks = [(0, len(lines), 0)]
    while blocks:
        start, stop, column = blocks.pop()
        first = start
        while first < stop:
            if len(lines[first]) - 1 <= column:
                first += 1
                continue
            end = first + 1
            while end < stop and len(lines[end]) - 1 > column:
                end += 1
            block = lines[first:end]
            width = max(max([len(line[column]) for line in block]) + PADDING, smallest)
            for line in block:
                line[column] = line[column].ljust(width)
            blocks.append((first, end, column + 1))
            first = end


class GrowingColumns:
    """Aligned lines for a stream: columns keep their width from one call to the next, and grow where they must."""

    def __init__(self, available: int | None = None, *, yielding: int = 0, smallest: int = 0) -> None:
        """Begins without any width.

        Args:
            available: the width that lines should not exceed; None for any.
            yielding: the column that gives way first, as for `fit`.
            smallest: no column is narrower, its padding included.
        """
        self._smallest = max(smallest - PADDING, 0)
        self._available = available
        self._yielding = yielding
        self._needed: list[int] = []

    def lines(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        """The rows with all cells but the last padded, and cut where they do not fit.

        Where they do not, one blank between columns has to do.

        Args:
            rows: cells without tabs or line breaks, as many in each row as in the first one ever.
        """
        if not rows:
            return []
        needed = column_widths(rows)
        self._needed = [max(*pair, self._smallest) for pair in zip(self._needed or needed, needed, strict=True)]
        widths, padding, gaps = self._needed, PADDING, len(needed) - 1
        if self._available is not None and sum(widths) + PADDING * gaps > self._available:
            padding = 1
            widths = fit(widths, self._available - padding * gaps, yielding=self._yielding)
        return [
            [*(cut(cell, width).ljust(width + padding) for cell, width in zip(row[:-1], widths, strict=False)), cut(row[-1], widths[-1])]
            for row in rows
        ]


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The widest cell of each column, in code points; all rows have the same number of cells."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def fit(widths: Sequence[int], room: int, *, yielding: int, smallest: int = 8) -> list[int]:
    """Widths that fit: one column gives way first, then always the widest.

    Args:
        widths: what the columns need.
        room: for all of them together.
        yielding: the index of the first to give way: that of keys, whose beginnings tell them apart.
        smallest: no column is made narrower than this, even if they do not fit then.
    """
    widths = list(widths)
    excess = max(sum(widths) - room, 0)
    widths[yielding] = max(widths[yielding] - excess, min(widths[yielding], smallest + 2))
    low, high = smallest, max([smallest, *widths])
    while low < high:  # the highest limit for all columns with which they fit
        middle = (low + high + 1) // 2
        if sum(min(width, middle) for width in widths) <= room:
            low = middle
        else:
            high = middle - 1
    return [min(width, low) for width in widths]


def cut(cell: str, width: int) -> str:
    """The text, its middle left out where it is too long: names and keys differ at their ends."""
    if len(cell) <= width:
        return cell
    tail = (width - 1) // 2
    return f"{cell[: width - 1 - tail]}…{cell[len(cell) - tail :]}"
