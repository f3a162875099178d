"""What the screens of `top` are made of: a text on its own, tables that change in place, the cells of a peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from talos_resources.model.printable import printable
from talos_resources.tui.live import Peer, sparkline
from talos_resources.views.age import age, rate
from talos_resources.views.states import COLOURS

SPARK: Final = 10


class TextScreen(ModalScreen[None]):
    """A text to read: the YAML of a resource, or the explanation of a type."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Back"),
        Binding("s", "reveal", "Secrets"),
        Binding("ctrl+c", "app.quit", "Quit", show=False),
    ]
    CSS = "TextScreen VerticalScroll { border: round $primary; background: $surface; padding: 0 1; }"

    def __init__(self, heading: str, text: Callable[[bool], str]) -> None:
        """Takes what makes the text; its argument says whether secrets are shown."""
        super().__init__()
        self._heading = heading
        self._text = text
        self._shown = False

    def compose(self) -> ComposeResult:
        """The text in a frame, and the keys."""
        with VerticalScroll() as frame:
            frame.border_title = self._heading
            yield Static(Text(self._text(False)), id="text")
        yield Footer()

    def action_reveal(self) -> None:
        """Shows secrets, or hides them again."""
        self._shown = not self._shown
        self.query_one("#text", Static).update(Text(self._text(self._shown)))


def fill(table: DataTable[Any], rows: Mapping[str, Sequence[Text]]) -> None:
    """Makes a table show these rows; what stays is changed in place, so that nothing flickers and the cursor stays."""
    there = [str(key.value) for key in table.rows]
    if there != list(rows):
        cursor = there[table.cursor_row] if there and table.cursor_row < len(there) else None
        table.clear()
        for key, cells in rows.items():
            table.add_row(*cells, key=key)
        if cursor is not None and cursor in rows:
            table.move_cursor(row=list(rows).index(cursor), animate=False)
        return
    for key, cells in rows.items():
        for position, (old, cell) in enumerate(zip(table.get_row(key), cells, strict=True)):
            if old != cell:
                table.update_cell(key, str(position), cell, update_width=True)


def peer_cells(peer: Peer) -> list[Text]:
    """What the table of peers shows of one."""
    spec = peer.resource.spec
    state = spec.state.value
    return [
        Text(printable(peer.node)),
        Text(printable(spec.label or peer.resource.id)),
        Text(state, style=COLOURS.get(state, "")),
        Text(age(peer.handshake_s)),
        Text(sparkline(peer.history, SPARK)),
        Text(rate(peer.receive_rate)),
        Text(rate(peer.transmit_rate)),
        Text("" if spec.endpoint is None else str(spec.endpoint)),
    ]
