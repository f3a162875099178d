"""What the screens of `top` are made of: a text on its own, the cells of a peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from talos_resources.model.printable import printable
from talos_resources.tui.bars import KeyBar
from talos_resources.tui.live import Happening
from talos_resources.tui.peers import Peer
from talos_resources.views.age import age, rate
from talos_resources.views.changes import subject, type_name
from talos_resources.views.states import COLOURS

SPARK: Final = 10


class TextScreen(ModalScreen[None]):
    """A text to read: the YAML of a resource, or the explanation of a type."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Back"),
        Binding("s", "reveal", "Secrets"),
        Binding("y", "copy", "Copy"),
        Binding("ctrl+c", "app.quit", "Quit", show=False),
    ]
    DEFAULT_CSS = "TextScreen VerticalScroll { border: round $primary; background: $surface; padding: 0 1; }"

    def __init__(self, heading: str, text: Callable[[bool], str]) -> None:
        """Takes what makes the text; its argument says whether secrets are shown."""
        super().__init__()
        self._heading = heading
        self._text = text
        self._shown = False
        self._has_secrets = text(True) != text(False)

    def compose(self) -> ComposeResult:
        """The text in a frame, and the keys."""
        with VerticalScroll() as frame:
            frame.border_title = self._heading
            yield Static(self._written(), id="text")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does something here: secrets are shown where there are some."""
        return self._has_secrets if action == "reveal" else super().check_action(action, parameters)

    def action_copy(self) -> None:
        """Copies what is shown: secrets only where they are."""
        self.app.copy_to_clipboard(self._text(self._shown))
        self.app.notify("copied")

    def action_reveal(self) -> None:
        """Shows secrets, or hides them again."""
        self._shown = not self._shown
        self.query_one("#text", Static).update(self._written())

    def _written(self) -> Text:
        """The text as a terminal may have it: YAML holds marks that turn lines round as they are."""
        lines = self._text(self._shown).split("\n")
        return Text("\n".join("\t".join(map(printable, line.split("\t"))) for line in lines))


class ResourceScreen(TextScreen):
    """A resource as YAML, from which one comes to its history."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("h", "history", "History")]

    def __init__(self, heading: str, text: Callable[[bool], str], history: Callable[[], None]) -> None:
        """Takes what makes the text, and what shows the history."""
        super().__init__(heading, text)
        self._history = history

    def action_history(self) -> None:
        """Shows what happened to it."""
        self._history()


# What matters most first: 80 columns do not hold all of it beside long names.
PEER_COLUMNS: Final = ("NODE", "PEER", "STATE", "SEEN", "RATE", "RX", "TX", "ENDPOINT")
EVENT_COLUMNS: Final = ("TIME", "NODE", "CHANGE", "WHAT")


def event_cells(happening: Happening) -> list[Text]:
    """What the table of events shows of one."""
    resource = happening.resource
    what = "" if resource is None else f"{subject(resource)} {type_name(resource)}"
    moment = f"{happening.at.to_datetime():%m-%d %H:%M:%S}"  # the slider and the link have the year
    return [Text(moment), Text(printable(happening.node)), Text(printable(happening.text)), Text(printable(what))]


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


_BARS: Final = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as bars, each relative to the highest."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    return "".join(_bars(shown, top)).rjust(width)


def _bars(values: Sequence[float], top: float) -> Iterator[str]:
    for value in values:
        yield _BARS[0] if top <= 0 or value <= 0 else _BARS[max(1, round(value / top * (len(_BARS) - 1)))]
