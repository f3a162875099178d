"""The time of a recording as a line that is clicked and drawn along: where the moment lies that is shown."""

from __future__ import annotations

from rich.text import Text
from textual.events import MouseDown, MouseMove, MouseUp
from textual.message import Message
from textual.widget import Widget

from talos_resources.model.timestamp import Timestamp
from talos_resources.views.changes import clock


class Slider(Widget):
    """From the beginning to the end of a recording; not there where nothing is recorded."""

    DEFAULT_CSS = "Slider { height: 1; padding: 0 1; background: $panel; display: none; }"

    class Moved(Message):
        """Somebody pointed at a moment.

        Attributes:
            share: of the whole, from 0 for the beginning to 1 for the end.
        """

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, *, id: str) -> None:
        """Nothing to show yet."""
        super().__init__(id=id)
        self._ends = ("", "")
        self._share = 1.0
        self._is_held = False

    def show(self, span: tuple[Timestamp, Timestamp] | None, share: float) -> None:
        """Shows where a moment lies; without a span nothing."""
        self.display = span is not None
        if span is not None:
            first, last = clock(span[0]), clock(span[1])
            day = len("2026-11-26T")
            self._ends = (first, last[day:] if first[:day] == last[:day] else last)
            self._share = share
            self.refresh()

    def render(self) -> Text:
        """The line between its ends."""
        at = round(self._share * (self._room - 1))
        return Text(f"{self._ends[0]} {'─' * at}●{'─' * (self._room - 1 - at)} {self._ends[1]}", no_wrap=True)

    def on_mouse_down(self, event: MouseDown) -> None:
        """Takes hold of the slider where it was pressed."""
        self._is_held = True
        self.capture_mouse()
        self._point(event.x)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Follows the mouse while it is held."""
        if self._is_held:
            self._point(event.x)

    def on_mouse_up(self, _: MouseUp) -> None:
        """Lets go."""
        self._is_held = False
        self.release_mouse()

    @property
    def _room(self) -> int:
        """The columns of the line itself."""
        return max(2, self.content_size.width - sum(map(len, self._ends)) - 2)

    def _point(self, x: int) -> None:
        left = self.styles.padding.left + len(self._ends[0]) + 1
        self.post_message(self.Moved(max(0.0, min(1.0, (x - left) / (self._room - 1)))))
