"""An app that asks nodes in threads, so that one that hangs holds up neither the screen nor its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from textual.app import App
from textual.css.query import NoMatches

from talos_resources.model.errors import TalosResourcesError

T = TypeVar("T")


class Asking(App[None]):
    """What the screens of `top` ask with."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        super().__init__()
        self._asked: set[tuple[str, str]] = set()

    def ask(self, node: str, what: str, ask: Callable[[], T], show: Callable[[T], None], *, wanted: bool) -> None:
        """Asks a node in a thread, and not twice at once.

        Args:
            node: whom.
            what: the type that is asked for; empty for all types.
            ask: gets the answer.
            show: shows it, in the app's thread.
            wanted: somebody asked for it, and is told if there is no answer.
        """
        if (node, what) in self._asked:
            return
        self._asked.add((node, what))

        def run() -> None:
            try:
                answer = ask()
            except Exception as error:  # noqa: BLE001 - who asked must hear of it, whatever it is, and may ask again
                is_ours = isinstance(error, TalosResourcesError)
                reason = error.message if isinstance(error, TalosResourcesError) else repr(error)
                failure = f"{node}: {reason}" if node else reason
                self.call_later(done, lambda: self.notify(failure, severity="error", markup=False) if wanted or not is_ours else None)
            else:
                self.call_later(done, lambda: show(answer))

        def done(then: Callable[[], None]) -> None:
            self._asked.discard((node, what))
            with suppress(NoMatches):  # what would show it is being taken down: the app ends
                then()

        threading.Thread(target=run, name=f"ask {node} {what}", daemon=True).start()

    def is_asking(self, node: str, what: str) -> bool:
        """Whether an answer is still to come."""
        return (node, what) in self._asked
