"""Standard output: plain text, or rich objects where it is a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from talos_resources.cli import progress
from talos_resources.cli.terminal import unguarded, width_of_terminal

if TYPE_CHECKING:
    from rich.console import Console

    from talos_resources.views.output import Piece

_UNLIMITED = 100_000


class Screen:
    """Prints what printers yield.

    Attributes:
        width: of the terminal that is to be used as one, None for plain text.
        colour: whether what is printed may be coloured.
    """

    def __init__(self, color: str = "auto") -> None:
        """Looks at what stdout is.

        Args:
            color: `auto`, `always` (also into a pipe) or `never` (plain text on a terminal too).
        """
        self._color = color
        self._console: Console | None = None
        is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.width = (width_of_terminal() or _UNLIMITED) if color == "always" or (color == "auto" and is_terminal) else None
        self._shares_the_screen = sys.stdout.isatty()
        self.colour = self.width is not None and (color == "always" or not os.environ.get("NO_COLOR"))

    def print(self, pieces: Iterable[Piece]) -> None:
        """Prints the pieces and shows them at once."""
        for piece in pieces:
            if self._shares_the_screen:
                progress.hush()
            if isinstance(piece, str):
                sys.stdout.write(piece)
            else:
                self._rich().print(piece)
        sys.stdout.flush()

    def print_coloured(self, text: str) -> None:
        """Prints a text with colours of our own (where `colour` allows them), whose foreign parts are `printable`."""
        (sys.stdout if self.width is None else unguarded(sys.stdout)).write(text)
        sys.stdout.flush()

    def clear(self) -> None:
        """What is printed next takes the place of what is there."""
        self.print_coloured("\x1b[H\x1b[2J")

    def _rich(self) -> Console:
        if self._console is None:
            from rich.console import Console

            always = self._color == "always"
            self._console = Console(
                file=unguarded(sys.stdout),
                width=self.width,
                force_terminal=always or None,
                no_color=False if always else None,
                soft_wrap=True,
            )
        return self._console
