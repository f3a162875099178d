"""A table of any number of rows: only those on the screen are made into text.

Textual's DataTable measures and keeps every cell: the 39,800 peers of 200 nodes took it 10 s, this takes as long as a
screenful.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from talos_resources.model.printable import printable
from talos_resources.model.wrapping import folded
from talos_resources.tui.arranging import Arrangement, Fact, Heading, arranged
from talos_resources.tui.columns import GAP, Columns
from talos_resources.tui.lines import Lines

_AT_ONCE: Final = 1000
"""So many rows are arranged before the next key is read; more take longer than one likes to wait."""


class Rows(Lines):
    """Headings that stay, rows below them, and a cursor that stays with its row whatever happens to the others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,ctrl+home", "edge(False)", "First", show=False),
        Binding("end,ctrl+end", "edge(True)", "Last", show=False),
        Binding("enter", "select", "Select", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--header", "rows--cursor"}
    DEFAULT_CSS = """
    Rows { height: 1fr; background: $surface; color: $foreground; }
    Rows > .rows--header { background: $panel; color: $foreground; text-style: bold; }
    Rows > .rows--cursor { background: $block-cursor-blurred-background; }
    Rows:focus > .rows--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    """

    class Selected(Message):
        """Somebody wants to see a row.

        Attributes:
            rows: the table.
            key: of the row.
        """

        def __init__(self, rows: Rows, key: Hashable) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

    def __init__(self, *, id: str, yielding: str = "") -> None:
        """An empty table.

        Args:
            id: of the widget.
            yielding: the heading of the column that is cut short where the others have no room beside it.
        """
        super().__init__(id=id)
        self._columns = Columns(yielding)
        self._every: Sequence[Any] = ()
        self._keys: Sequence[Any] = ()
        self._facts: Callable[[Any], Sequence[Fact]] | None = None
        self.arrangement = Arrangement()
        self._cells: Callable[[Any], Sequence[Text]] = lambda _: ()
        self._work = 0
        self._is_late = False
        self.is_arranging = False
        self._is_placed = False
        self._instead = ""
        self.cursor = 0

    def show(
        self,
        headings: Sequence[str],
        keys: Sequence[Hashable],
        cells: Callable[[Any], Sequence[Text]],
        facts: Callable[[Any], Sequence[Fact]] | None = None,
    ) -> None:
        """Shows these rows; the cursor stays on its row, or where it was if that is gone; before it was moved it is on the first.

        Args:
            headings: of the columns.
            keys: of the rows, in order, each once.
            cells: key → its cells, as many as there are headings; called for what is on the screen.
            facts: key → what its cells say, for filter and order; None takes the texts of the cells, which costs more.
        """
        self._columns.name(headings, self.arrangement.column)
        self._every, self._cells, self._facts = keys, cells, facts
        self._arrange()

    def rearrange(self, arrangement: Arrangement) -> None:
        """Shows the same rows filtered, sorted and grouped so; the cursor stays on its row."""
        self.arrangement = arrangement
        self.border_subtitle = arrangement.words
        self._columns.name(self._columns.names, arrangement.column)
        self._arrange()

    def say(self, instead: str) -> None:
        """Takes what stands below the headings while there are no rows: that there are none, or why none are known."""
        if instead != self._instead:
            self._instead = instead
            self.redraw()

    @property
    def words_instead(self) -> str:
        """What stands where rows would; nothing where there are some."""
        if self._keys:
            return ""
        part = self.arrangement.part
        return f'nothing here has "{printable(part)}" in it; Esc shows all' if part and self._every else self._instead

    @property
    def headings(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self._columns.names

    def _arrange(self) -> None:
        """Arranges the rows: many of them in a thread, so that the screen answers meanwhile."""
        cells, facts = self._cells, self._facts
        work = (self.arrangement, self.headings, self._every, facts or (lambda key: [cell.plain for cell in cells(key)]))
        if self.arrangement == Arrangement() or len(self._every) <= _AT_ONCE:
            self._work += 1  # what a thread is at has come too late
            self._take(arranged(*work))
        elif self.is_arranging:
            self._is_late = True
        else:
            self._is_late, self.is_arranging = False, True
            threading.Thread(target=self._arrange_aside, args=(self._work, work), name=f"arrange {self.id}", daemon=True).start()

    def _arrange_aside(self, number: int, work: tuple[Any, ...]) -> None:
        keys: Sequence[Hashable] | None = None
        try:
            keys = arranged(*work)
        finally:
            self.call_later(self._arranged, number, keys)

    def _arranged(self, number: int, keys: Sequence[Hashable] | None) -> None:
        self.is_arranging = False
        if number == self._work and keys is not None:
            self._take(keys)
        if self._is_late:
            self._arrange()

    def _take(self, keys: Sequence[Any]) -> None:
        at = self._keys[self.cursor] if self._is_placed and self.cursor < len(self._keys) else None
        was_visible = self._is_visible(self.cursor)
        self._keys = keys
        self.cursor = keys.index(at) if at in keys else max(0, min(self.cursor, len(keys) - 1))
        self._fit()
        if was_visible:
            self._reveal()
        self.redraw()

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._keys)

    def texts(self, row: int) -> list[str]:
        """The cells of a row."""
        return self.texts_of(self._keys[row])

    def texts_of(self, key: Any) -> list[str]:
        """The cells of a key, or of the heading of a group."""
        return [cell.plain for cell in self._cells_of(key)]

    def _cells_of(self, key: Any) -> Sequence[Text]:
        if isinstance(key, Heading):
            return [Text(f"{printable(key.text)} ({key.count})", style="bold")]
        return self._cells(key)

    def move_cursor(self, row: int) -> None:
        """Puts the cursor on a row, or the nearest that there is."""
        self._is_placed = True
        self.cursor = max(0, min(row, len(self._keys) - 1))
        self._reveal()
        self.redraw()

    def action_move(self, by: int) -> None:
        """A row up or down."""
        self.move_cursor(self.cursor + by)

    def action_page(self, by: int) -> None:
        """A screenful up or down."""
        self.move_cursor(self.cursor + by * max(1, self._height - 1))

    def action_edge(self, last: bool) -> None:
        """The last row, or the first, where the cursor stays also when another row comes before it."""
        self.move_cursor(len(self._keys) - 1 if last else 0)
        self._is_placed = last

    def action_select(self) -> None:
        """The row under the cursor."""
        if self.cursor < len(self._keys):
            self._is_placed = True
            self.post_message(self.Selected(self, self._keys[self.cursor]))

    def on_click(self, event: Click) -> None:
        """A click moves the cursor; one where it is selects the row."""
        row = self.scroll_offset.y + event.y - 1
        if event.y == 0:
            if name := self._columns.at(self.scroll_offset.x + event.x):
                self.rearrange(self.arrangement.sorted_by(name))
            return
        if row >= len(self._keys):
            return
        if row == self.cursor:
            self.action_select()
        self.move_cursor(row)

    def on_resize(self, _: Resize) -> None:
        """More rows may be on the screen."""
        self._fit()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Columns are as wide as what is on the screen needs, and never narrower than they have been."""
        super().watch_scroll_y(old_value, new_value)
        self._fit()

    def line(self, y: int) -> Strip:
        """A line of the screen: the headings, then rows."""
        row = self.scroll_offset.y + y - 1
        if y == 0:
            cells: Sequence[Text] = [Text(self._marked(heading)) for heading in self.headings]
            style = self.get_component_rich_style("rows--header")
        elif row < len(self._keys):
            cells, style = self._cells_of(self._keys[row]), self.rich_style
            if row == self.cursor:  # whose colour leaves others on it hard to read
                cells, style = [Text(cell.plain) for cell in cells], self.get_component_rich_style("rows--cursor")
        else:
            cells, style = (), self.rich_style
            words = self.words_instead
            lines = folded(words, max(1, self.scrollable_content_region.width - 2)) if words else []
            if y <= len(lines):
                written = Strip(Text(f" {lines[y - 1]}", end="").render(self.app.console))
                return written.apply_style(style).adjust_cell_length(self.size.width, style)
        return self._strip(cells, style)

    def _strip(self, cells: Sequence[Text], style: Style) -> Strip:
        line = Text(" ", end="")
        for cell, width in zip(cells, self._columns.widths, strict=False):
            shown = cell.copy()
            if len(cells) == len(self.headings):  # else it is the heading of a group, which has the line to itself
                shown.truncate(width, overflow="ellipsis")
            line.append_text(shown).append(" " * (max(0, width - shown.cell_len) + GAP))
        segments = list(Segment.simplify(Segment.apply_style(line.render(self.app.console), style)))
        left = self.scroll_offset.x
        return Strip(segments).crop_extend(left, left + self.scrollable_content_region.width, style)

    def _marked(self, heading: str) -> str:
        """A heading, with the direction if the rows are sorted by it."""
        if not heading or heading != self.arrangement.column:
            return heading
        return f"{heading} {'▼' if self.arrangement.is_descending else '▲'}"

    @property
    def _height(self) -> int:
        """How many rows fit below the headings."""
        return max(0, self.scrollable_content_region.height - 1)

    def _is_visible(self, row: int) -> bool:
        return self.scroll_offset.y <= row < self.scroll_offset.y + self._height

    def _reveal(self) -> None:
        """Scrolls no further than it must to show the cursor."""
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self._height and self.cursor >= top + self._height:
            self.scroll_to(y=self.cursor - self._height + 1, animate=False, immediate=True)

    def _fit(self) -> None:
        top = self.scroll_offset.y
        for key in self._keys[top : top + max(1, self._height)]:
            if not isinstance(key, Heading):
                self._columns.widen(self._cells(key))
        self._columns.fit(self.scrollable_content_region.width)
        self.virtual_size = Size(self._columns.total, len(self._keys) + 1)
