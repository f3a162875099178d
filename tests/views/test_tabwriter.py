"""The tab-writer: blocks of columns as Go's text/tabwriter makes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.views.tabwriter import PADDING, GrowingColumns, TabWriter, align, cut, fit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n", "\n"),
        ("a\tb\n", "a   b\n"),
        ("a\tb\nlonger\tc\n", "a        b\nlonger   c\n"),
        ("a\t\n", "a   \n"),
        ("\t\tx\n", "      x\n"),
        # A line with fewer cells ends the block of the columns that it lacks, and only of those.
        ("a\tb\tc\nlong\tx\nd\te\tf\n", "a      b   c\nlong   x\nd      e   f\n"),
        ("a\tb\nx\nlonger\tc\n", "a   b\nx\nlonger   c\n"),
        ("long\tb\tc\nx\tlonger\tc\ny\tz\nw\tb\tc\n", "long   b        c\nx      longer   c\ny      z\nw      b   c\n"),
        # Cells are literal; widths are in code points.
        ("a\vb\nlonger\tc\n", "a        b\nlonger   c\n"),
        ("longer\tb\fa\tb\n", "longer   b\na   b\n"),
        ("漢字\tb\nabc\tc\n", "漢字    b\nabc   c\n"),
        ("e\u0301\tb\nabc\tc\n", "e\u0301    b\nabc   c\n"),
        ("a\rb\tc\nx\td\n", "a\rb   c\nx     d\n"),
        ("no line break\tat the end", "no line break   at the end"),
    ],
)
def test_aligns_like_go(text: str, expected: str) -> None:
    assert align(text) == expected


def test_every_flush_starts_new_widths() -> None:
    writer = TabWriter()
    assert writer.flush() == ""
    writer.write(["longer", "b"])
    assert writer.flush() == "longer   b\n"
    writer.write(["a", "b"])
    writer.write(["ab", "b"])
    assert writer.flush() == "a    b\nab   b\n"


CELL = st.text("ab 漢\t\n\v\f", max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6))
def test_only_adds_blanks(rows: list[list[str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    aligned = align(text)
    assert [line.split() for line in aligned.split("\n")] == [line.split() for line in text.replace("\f", "\n").split("\n")]
    # Aligning changes nothing where there is no tab.
    assert align(aligned) == aligned


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text("ab", max_size=5), min_size=3, max_size=3), min_size=1, max_size=6))
def test_full_tables_have_straight_columns(rows: list[list[str]]) -> None:
    lines = align("".join("\t".join(row) + "\n" for row in rows)).splitlines()
    widths = [max(len(row[column]) for row in rows) + PADDING for column in range(2)]
    assert lines == ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[2] for row in rows]


def test_growing_columns_keep_their_widths() -> None:
    columns = GrowingColumns()
    assert columns.lines([["ID", "STATE"], ["abcd", "up"]]) == [["ID     ", "STATE"], ["abcd   ", "up"]]
    assert columns.lines([["x", "down"]]) == [["x      ", "down"]]
    assert columns.lines([["abcdef", "up"], ["x", "up"]]) == [["abcdef   ", "up"], ["x        ", "up"]]
    assert columns.lines([]) == []


@settings(max_examples=200, deadline=None)
@given(widths=st.lists(st.integers(0, 60), min_size=1, max_size=8), room=st.integers(0, 200))
def test_widths_fit_if_they_can(widths: list[int], room: int) -> None:
    fitted = fit(widths, room, yielding=0)
    assert all(min(width, 8) <= narrow <= width for width, narrow in zip(widths, fitted, strict=True))
    if sum(widths) <= room:
        assert fitted == widths
    elif sum(min(width, 8) for width in widths) <= room:
        assert sum(fitted) <= room


def test_keys_give_way_before_names() -> None:
    assert fit([44, 7, 28], 60, yielding=0) == [25, 7, 28]
    assert fit([44, 7, 28], 45, yielding=0) == [10, 7, 28]
    assert fit([44, 7, 28], 40, yielding=0) == [10, 7, 23]
    assert GrowingColumns(20).lines([["a" * 20, "b"]]) == [["aaaaaaaaa…aaaaaaaa ", "b"]]


def test_long_cells_lose_their_middle() -> None:
    assert cut("talos-default-worker-2", 11) == "talos…ker-2"
    assert cut("short", 5) == "short"
    assert [len(cut("abcdefghij", width)) for width in (1, 2, 3, 9, 10, 11)] == [1, 2, 3, 9, 10, 10]
