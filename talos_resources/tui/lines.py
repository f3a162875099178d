"""What is drawn line by line: only the lines on the screen are made, and only those are sent that are not as they were."""

from __future__ import annotations

from abc import abstractmethod

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Lines that scroll."""

    def __init__(self, *, id: str) -> None:
        """Nothing is drawn yet."""
        super().__init__(id=id)
        self._drawn: dict[int, Strip] = {}

    @abstractmethod
    def line(self, y: int) -> Strip:
        """A line of the screen, from 0 at the top."""

    def render_line(self, y: int) -> Strip:
        """The line, which is kept to compare it with what it will be."""
        self._drawn[y] = drawn = self.line(y)
        return drawn

    def redraw(self) -> None:
        """Draws the lines that have changed: over ssh a screenful of colours is what one waits for."""
        width, height = self.size
        changed = [Region(0, y, width, 1) for y in range(height) if y not in self._drawn or self._drawn[y] != self.line(y)]
        if changed:
            self.refresh(*changed)
