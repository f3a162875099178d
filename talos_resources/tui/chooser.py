"""A list to choose from by typing: types, nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from talos_resources.model.near import did_you_mean
from talos_resources.model.printable import printable


@attrs.frozen
class Choice:
    """One of the things to choose from.

    Attributes:
        id: what choosing it gives.
        text: what is shown.
        names: what it may be called, in any case; the text always may.
    """

    id: str
    text: str
    names: tuple[str, ...] = ()

    @property
    def every_name(self) -> tuple[str, ...]:
        """All names, in small letters."""
        return tuple(name.lower() for name in (self.text, self.id, *self.names))


def found(choices: Sequence[Choice], typed: str) -> list[Choice]:
    """What somebody may mean: what is called so, then what begins so, then what has it in a name."""
    wanted = typed.strip().lower()
    ranks = []
    for choice in choices:
        names = choice.every_name
        rank = 0 if wanted in names else 1 if any(name.startswith(wanted) for name in names) else 2
        if rank < 2 or any(wanted in name for name in names):
            ranks.append((rank, choice))
    return [choice for _, choice in sorted(ranks, key=lambda pair: pair[0])]


class Chooser(ModalScreen[str]):
    """A line to type in and what it may mean; Enter chooses, Tab completes, Esc leaves. Gives the id, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("ctrl+c", "app.quit", "Quit", show=False, priority=True),
    ]
    CSS = """
    Chooser { align: center top; }
    Chooser Vertical { width: 76; max-width: 100%; height: auto; max-height: 80%; border: round $primary; background: $surface; }
    Chooser OptionList { height: auto; max-height: 12; border: none; }
    Chooser Input { height: 3; }
    Chooser #unknown { color: $error; height: auto; }
    """

    def __init__(self, heading: str, choices: Sequence[Choice], *, what: str) -> None:
        """Takes what there is.

        Args:
            heading: of the frame.
            choices: in their order.
            what: what one of them is called, for what is said of names that nothing has.
        """
        super().__init__()
        self._heading = heading
        self._choices = tuple(choices)
        self._what = what

    def compose(self) -> ComposeResult:
        """The line, the list."""
        with Vertical() as frame:
            frame.border_title = self._heading
            yield Input(id="typed", select_on_focus=False)
            yield Static(id="unknown")
            yield OptionList(id="choices")

    def on_mount(self) -> None:
        """Lists all."""
        self.query_one("#typed").focus()
        self._list("")

    def action_leave(self) -> None:
        """Nothing is chosen."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Down and up in the list while one types."""
        options = self.query_one("#choices", OptionList)
        if options.option_count:
            options.highlighted = ((options.highlighted or 0) + by) % options.option_count

    def action_complete(self) -> None:
        """Writes the highlighted one out."""
        options, typed = self.query_one("#choices", OptionList), self.query_one("#typed", Input)
        if options.highlighted is not None:
            typed.value = next(choice.text for choice in self._choices if choice.id == options.get_option_at_index(options.highlighted).id)
            typed.cursor_position = len(typed.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Lists what is left."""
        self._list(event.value)

    @on(Input.Submitted)
    def choose(self) -> None:
        """The highlighted one; if there is none, says what may have been meant."""
        options = self.query_one("#choices", OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click chooses."""
        self.dismiss(event.option.id)

    def _list(self, typed: str) -> None:
        options = self.query_one("#choices", OptionList)
        left = found(self._choices, typed)
        options.clear_options()
        options.add_options([Option(Text(printable(choice.text)), id=choice.id) for choice in left])
        options.highlighted = 0 if left else None
        near = did_you_mean(typed, [name for choice in self._choices for name in (choice.text, *choice.names)])
        near = near or "; type less of it to see what there is, or Esc to go back"
        self.query_one("#unknown", Static).update(Text("" if left else f'no {self._what} "{printable(typed)}"{near}'))
