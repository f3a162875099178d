"""The tab of resources: every type that a node knows, and what it has of the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from talos_resources.model.kind import Kind
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.tui.arranging import Arrangement
from talos_resources.tui.asking import Asking
from talos_resources.tui.live import Live
from talos_resources.tui.rows import Rows
from talos_resources.views.cells import Cells, Shape


class Browser(Horizontal):
    """Types on the left, resources on the right.

    Attributes:
        kinds: that the node knows; none before it has answered.
        kind: the chosen one.
        resources: key of the row → resource.
    """

    DEFAULT_CSS = """
    Browser #types { width: 26; }
    Browser #types Input { height: 3; }
    """

    def __init__(self, live: Callable[[], Live], node: Callable[[], str]) -> None:
        """Takes what says whom to ask now."""
        super().__init__()
        self._live = live
        self._node = node
        self.kinds: Sequence[Kind[Any]] = ()
        self.kind: Kind[Any] | None = None
        self._at: str | None = None
        self.resources: dict[str, Resource[Any]] = {}
        self._answered: Kind[Any] | None = None

    def compose(self) -> ComposeResult:
        """Types and resources."""
        with Vertical(id="types"):
            yield Input(placeholder="filter types", id="type-filter")
            yield OptionList(id="type-list")
        yield Rows(id="resource-table", yielding="ID")

    def forget(self) -> None:
        """Another node is asked from now on."""
        self.kinds = ()
        self.list_kinds("")
        self.load_kinds(wanted=True)

    def choose(self, kind: Kind[Any]) -> None:
        """Shows the resources of a type: all of them, in their own order, if it was another one before."""
        table = self.query_one("#resource-table", Rows)
        if kind is not self.kind:
            table.rearrange(Arrangement())
        self.kind, self._answered = kind, None
        self._show_resources(kind, ())
        table.focus()
        self.load_resources(kind, wanted=True)

    def leave_filter(self) -> None:
        """Shows all types again, with the cursor on the type where it was."""
        self.query_one("#type-filter", Input).value = ""
        self.query_one("#type-list").focus()

    def list_kinds(self, part: str) -> None:
        """Lists the types with a part in their names; the cursor stays on its type, also if it was not listed meanwhile."""
        options = self.query_one("#type-list", OptionList)
        if options.highlighted is not None:
            self._at = options.get_option_at_index(options.highlighted).id
        options.clear_options()
        wanted = part.strip().lower()
        found = [kind for kind in self.kinds if wanted in kind.type.lower()]
        options.add_options([Option(kind.display_type, id=kind.type) for kind in found])
        options.highlighted = next((index for index, kind in enumerate(found) if kind.type == self._at), None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters while one types."""
        event.stop()
        self.list_kinds(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes from the filter to what it found."""
        event.stop()
        found = self.query_one("#type-list", OptionList)
        if found.highlighted is None and found.option_count:
            found.highlighted = 0
        found.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Lists the resources of the type."""
        self.choose(next(kind for kind in self.kinds if kind.type == event.option.id))

    def load_kinds(self, *, wanted: bool = False) -> None:
        """Asks the node which types it has."""
        node, live = self._node(), self._live()

        def show(kinds: Sequence[Kind[Any]]) -> None:
            if node == self._node():
                self.kinds = kinds
                self.list_kinds(self.query_one("#type-filter", Input).value)

        self._asking.ask(node, "", lambda: live.kinds(node), show, wanted=wanted)

    def load_resources(self, kind: Kind[Any], *, wanted: bool = False) -> None:
        """Asks the node for the resources of a type."""
        node, live = self._node(), self._live()

        def show(found: Sequence[Resource[Any]]) -> None:
            if node == self._node() and kind is self.kind and live is self._live():
                self._answered = kind
                self._show_resources(kind, found)

        self._asking.ask(node, kind.type, lambda: live.listing(node, kind), show, wanted=wanted)

    def tell(self, unknown: str) -> None:
        """Says beside the types what is to be done, or why nothing is known of the node."""
        node = printable(self._node())
        if self.kind is None:
            words = "choose a type: its resources come here" if self.kinds else unknown or f"asking {node} for its types …"
        elif self._answered is self.kind:
            words = f"{node} has no {self.kind.display_type}"
        else:
            words = unknown or f"asking {node} …"
        self.query_one("#resource-table", Rows).say(words)

    @property
    def _asking(self) -> Asking:
        return cast("Asking", self.app)

    def _show_resources(self, kind: Kind[Any], found: Iterable[Resource[Any]]) -> None:
        cells = Cells(kind, Shape())
        resources = self.resources = {f"{resource.namespace}\0{resource.id}": resource for resource in found}

        def facts(key: str) -> Sequence[str]:
            return cells.row(resources[key], node="")

        def texts(key: str) -> Sequence[Text]:
            return [Text(cell) for cell in facts(key)]

        self.query_one("#resource-table", Rows).show(cells.headings, list(resources), texts, facts)
