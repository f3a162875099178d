"""The matrix of a mesh with a cursor: of any size, only what is on the screen is made into text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.model.printable import printable
from talos_resources.tui.lines import Lines
from talos_resources.views.mesh_text import cell_text
from talos_resources.views.mesh_words import MARKS, link_told, short_names
from talos_resources.views.states import COLOURS

_MARKS: Final = {LinkState.UP: "o", **MARKS, LinkState.UNSEEN: ".", LinkState.SELF: "\\"}
"""What stands in a cell of a matrix that has no room for words."""
LEGEND: Final = "  ".join(f"{_MARKS[state]} {state.value}" for state in (LinkState.UP, LinkState.DOWN, LinkState.UNKNOWN, LinkState.ABSENT))
_WORD: Final = 5
_GAP: Final = 2
_TICK: Final = 5
_LONGEST_NAME: Final = 32


class Matrix(Lines):
    """Rows observe columns. Words where there is room for them, else marks, with the nodes that have most faults first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(False)", "First", show=False),
        Binding("end", "edge(True)", "Last", show=False),
        Binding("f", "fault", "Next fault", show=False),
        Binding("enter", "select", "Link", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"matrix--header", "matrix--cursor"}
    DEFAULT_CSS = """
    Matrix { height: 1fr; background: $surface; color: $foreground; }
    Matrix > .matrix--header { background: $panel; color: $foreground; text-style: bold; }
    Matrix > .matrix--cursor { background: $block-cursor-blurred-background; }
    Matrix:focus > .matrix--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    """

    class Moved(Message):
        """The cursor is somewhere else, or what is there has changed."""

    class Selected(Message):
        """Somebody wants to see a link.

        Attributes:
            observer: who sees.
            peer: whom.
        """

        def __init__(self, observer: MeshNode, peer: MeshNode) -> None:
            super().__init__()
            self.observer = observer
            self.peer = peer

    def __init__(self, *, id: str) -> None:
        """Nothing to show yet."""
        super().__init__(id=id)
        self._mesh: Mesh | None = None
        self._columns: Sequence[int] = ()
        self._rows: Sequence[int] = ()
        self._labels: Sequence[str] = ()
        self._names: Sequence[str] = ()
        self._cell = _WORD + _GAP
        self._numbers: dict[int, int] = {}
        self._is_placed = False
        self.part = ""
        self.cursor = (0, 0)

    def show(self, mesh: Mesh) -> None:
        """Shows a mesh; the cursor stays on its link, and until somebody moves it, it is on the first that is not up."""
        at = self.pair
        self._mesh = mesh
        self._arrange(at)
        if not self._is_placed and (fault := self._next_fault((0, -1))) is not None:
            self.cursor = fault
        self.redraw()
        self.post_message(self.Moved())

    def filter(self, part: str) -> None:
        """Only the rows of nodes with this in their names; after a space what the names of columns have in them."""
        at, self.part = self.pair, part.lower()
        self._arrange(at)
        self.redraw()
        self.post_message(self.Moved())

    @property
    def pair(self) -> tuple[MeshNode, MeshNode] | None:
        """Who sees whom where the cursor is."""
        row, column = self.cursor
        if self._mesh is None or row >= len(self._rows) or column >= len(self._columns):
            return None
        return self._mesh.nodes[self._rows[row]], self._mesh.nodes[self._columns[column]]

    @property
    def told(self) -> str:
        """What the link under the cursor is like, in words."""
        if self._mesh is None or self.pair is None:
            return ""
        observer, peer = self.pair
        return printable(observer.name) if observer is peer else link_told(self._mesh.link(observer, peer))

    @property
    def has_words(self) -> bool:
        """Whether there is room for words."""
        return self._cell > _GAP

    def action_move(self, rows: int, columns: int) -> None:
        """A cell further."""
        self._go(self.cursor[0] + rows, self.cursor[1] + columns)

    def action_page(self, by: int) -> None:
        """A screenful up or down."""
        self._go(self.cursor[0] + by * max(1, self._height - 1), self.cursor[1])

    def action_edge(self, last: bool) -> None:
        """The first or the last row."""
        self._go(len(self._rows) - 1 if last else 0, self.cursor[1])

    def action_fault(self) -> None:
        """The next link that is not up, row by row, and after the last one the first."""
        if (fault := self._next_fault(self.cursor)) is not None:
            self._go(*fault)

    def _next_fault(self, after: tuple[int, int]) -> tuple[int, int] | None:
        """Row and column of the next link that is not up; None if all are."""
        if self._mesh is None or not self._rows:
            return None
        first, at = after
        for further in range(len(self._rows) + 1):
            row = (first + further) % len(self._rows)
            bad = set(self._mesh.faulty(self._rows[row]))
            begin, end = (at + 1, len(self._columns)) if not further else (0, at + 1 if further == len(self._rows) else len(self._columns))
            for column in range(begin, end):
                if self._columns[column] in bad:
                    return row, column
        return None

    def action_select(self) -> None:
        """The link under the cursor."""
        if (pair := self.pair) is not None and pair[0] is not pair[1]:
            self.post_message(self.Selected(*pair))

    def on_click(self, event: Click) -> None:
        """A click moves the cursor; one where it is shows the link."""
        row, column = self.scroll_offset.y + event.y - 1, self._first + (event.x - self._margin_width) // self._cell
        if event.y < 1 or event.x < self._margin_width or row >= len(self._rows) or column >= len(self._columns):
            return
        if (row, column) == self.cursor:
            self.action_select()
        self._go(row, column)

    def on_resize(self) -> None:
        """There may be room for words."""
        self._arrange(self.pair)

    def line(self, y: int) -> Strip:
        """A line of the screen: names of columns, then rows."""
        row = self.scroll_offset.y + y - 1
        header = self.get_component_rich_style("matrix--header")
        if y == 0:
            segments = [Segment(" " * self._margin_width, header), *(Segment(text, header) for text in self._heads())]
            return Strip(segments).crop_extend(0, self.scrollable_content_region.width, header)
        # What is alike side by side is one piece: most of a mesh is, and every piece has its colours sent with it.
        segments = [] if row >= len(self._rows) else list(Segment.simplify(self._row(row)))
        return Strip(segments).crop_extend(0, self.scrollable_content_region.width, self.rich_style)

    def _heads(self) -> Iterator[str]:
        visible = range(self._first, len(self._columns))
        if self.has_words:
            for column in visible:
                yield f"{self._labels[self._columns[column]]:{self._cell}}"
            return
        # Marks stand too close for names: every fifth column has its number, as the rows have.
        room = self._cell * _TICK
        if rest := -self._first % _TICK:
            yield " " * (self._cell * rest)
        for column in visible:
            if column % _TICK == 0:
                yield f"{self._numbers[self._columns[column]]:<{room}}"

    def _row(self, row: int) -> Iterator[Segment]:
        mesh = self._mesh
        assert mesh is not None  # there are no rows without
        index = self._rows[row]
        states = mesh.row(index)
        plain = self.rich_style  # which costs more than the cell that it is for
        yield Segment(f"{self._row_name(row):{self._margin_width}}", plain + Style(bold=row == self.cursor[0]))
        for column in range(self._first, min(len(self._columns), self._first + self.size.width // self._cell + 1)):
            peer = self._columns[column]
            state = states[peer]
            text = cell_text(state, mesh.state(peer, index)) if self.has_words else _MARKS[state]
            # What is up is quiet where there are only marks: hundreds of them are not to hide the one that is not.
            style = plain + Style(color=COLOURS.get(state.value), dim=state is LinkState.UP and not self.has_words)
            gap = " " * (self._cell - len(text))
            if (row, column) == self.cursor:
                yield Segment(text, self.get_component_rich_style("matrix--cursor"))
                yield Segment(gap, plain)
            else:
                yield Segment(text + gap, style)

    def _row_name(self, row: int) -> str:
        index = self._rows[row]
        name = self._names[index]
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        if not self._is_numbered:
            return name
        return f"{self._numbers[index]:>{len(str(len(self._numbers)))}} {name}"

    def _arrange(self, at: tuple[MeshNode, MeshNode] | None) -> None:
        """Which rows and columns, how wide, and where the cursor is then."""
        mesh = self._mesh
        if mesh is None:
            return
        names = self._names = [printable(node.name) for node in mesh.nodes]
        of_rows, _, of_columns = self.part.partition(" ")
        wanted = {index for index, name in enumerate(names) if of_columns.strip() in name.lower()}
        # Where the whole mesh has no room the nodes with most faults come first, also of what a filter leaves.
        short = short_names(mesh)
        order = [node.index for node in (mesh.nodes if self._fit(short, range(1, len(names) + 1), len(names)) else mesh.worst_first())]
        self._numbers = {index: number for number, index in enumerate(order, 1)}
        self._fit(short, (self._numbers[index] for index in range(len(names))), len(wanted))
        self._columns = [index for index in order if index in wanted]
        self._rows = [index for index in order if of_rows in names[index].lower()]
        here, there = (None, None) if at is None else (mesh.find(at[0]), mesh.find(at[1]))
        row = self._rows.index(here.index) if here is not None and here.index in self._rows else 0
        self.cursor = (row, self._columns.index(there.index) if there is not None and there.index in wanted else 0)
        self.virtual_size = Size(self._margin_width + self._cell * len(self._columns), len(self._rows) + 1)

    def _fit(self, short: Sequence[str], numbers: Iterable[int], columns: int) -> bool:
        """Finds how wide cells are and what stands above them; whether so many columns have room for words."""
        longest = min(_LONGEST_NAME, max(map(len, self._names), default=0))
        figures = len(str(len(self._names))) + 1
        for labels, margin in ((short, longest + _GAP), ([str(number) for number in numbers], longest + _GAP + figures)):
            self._labels, self._margin_width, self._is_numbered = labels, margin, margin > longest + _GAP
            self._cell = max([_WORD, *map(len, labels)]) + _GAP
            if margin + self._cell * columns <= self.size.width:
                return True
        self._cell = _GAP
        return False

    _margin_width = 0
    _is_numbered = False

    @property
    def _first(self) -> int:
        """The first column that is on the screen, beside the names, which stay."""
        return -(-self.scroll_offset.x // self._cell)

    @property
    def _height(self) -> int:
        return max(0, self.scrollable_content_region.height - 1)

    def _go(self, row: int, column: int) -> None:
        """Moves the cursor, and scrolls no further than it must to show it."""
        self._is_placed = True
        self.cursor = max(0, min(row, len(self._rows) - 1)), max(0, min(column, len(self._columns) - 1))
        row, column = self.cursor
        top, wide = self.scroll_offset.y, max(1, (self.scrollable_content_region.width - self._margin_width) // self._cell)
        y = row if row < top else row - self._height + 1 if row >= top + self._height > top else top
        first = column if column < self._first else column - wide + 1 if column >= self._first + wide else self._first
        self.scroll_to(x=first * self._cell, y=y, animate=False, immediate=True)
        self.redraw()
        self.post_message(self.Moved())
