"""The lines of tabs and of keys, each one widget.

Textual's own are a dozen each, which are styled, laid out and made anew whenever the focus moves: half of what a change
of tab took.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget


class TabBar(Widget):
    """The names of the tabs, the shown one in brackets; a click goes to one."""

    DEFAULT_CSS = "TabBar { height: 1; background: $surface; color: $foreground; }"

    class Chosen(Message):
        """Somebody clicked a tab.

        Attributes:
            tab: which.
        """

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, tabs: Sequence[str]) -> None:
        """The first one is shown; their numbers are their keys."""
        super().__init__()
        self._tabs = tuple(tabs)
        self.active = self._tabs[0]

    def show(self, tab: str) -> None:
        """Marks the tab that is shown."""
        self.active = tab
        self.refresh()

    def render(self) -> Text:
        """The line."""
        return Text("", no_wrap=True).join(
            Text(f"[{name}]" if tab == self.active else f" {name} ", style="bold reverse" if tab == self.active else "")
            for tab, name in self._names()
        )

    def on_click(self, event: Click) -> None:
        """Goes to the tab under the mouse."""
        end = 0
        for tab, name in self._names():
            end += len(name) + 2
            if event.x < end:
                self.post_message(self.Chosen(tab))
                return

    def _names(self) -> list[tuple[str, str]]:
        """All in full where they fit, else the shown one and the others' numbers."""
        full = [(tab, f"{number} {tab.capitalize()}") for number, tab in enumerate(self._tabs, 1)]
        if sum(len(name) + 2 for _, name in full) <= self.size.width:
            return full
        return [(tab, name if tab == self.active else name[0]) for tab, name in full]


class KeyBar(Widget):
    """The keys that do something on this screen, and what; a click presses one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key"}
    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    KeyBar > .key-bar--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
    """

    def __init__(self) -> None:
        """Nothing is known of the screen yet."""
        super().__init__()
        self._keys: tuple[tuple[str, str, str], ...] = ()

    def on_mount(self) -> None:
        """Follows what the screen can do."""
        self.screen.bindings_updated_signal.subscribe(self, self._learn)

    def _learn(self, screen: Screen[object]) -> None:
        shown: dict[str, Binding] = {}  # of the keys of an action the first
        for active in screen.active_bindings.values():
            if active.binding.show:
                shown.setdefault(active.binding.action, active.binding)
        keys = tuple((each.key, self.app.get_key_display(each), each.description) for each in shown.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Text:
        """The line."""
        style = self.get_component_rich_style("key-bar--key")
        line = Text("", no_wrap=True, overflow="crop")
        for _, key, what in self._keys:
            line.append(f" {key} ", style).append(f"{what} ")
        return line

    def on_click(self, event: Click) -> None:
        """Presses the key under the mouse."""
        end = 0
        for name, key, what in self._keys:
            end += len(key) + len(what) + 3
            if event.x < end:
                self.app.simulate_key(name)
                return
