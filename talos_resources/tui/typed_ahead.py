"""Keys that are typed before what the last one opens is there.

Textual hands a key to what has the focus at that moment, and a line to type in has it only some messages after `/` or
`:` was pressed. Over ssh several keys come at once: what was meant for the line would sort, group and choose instead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Input

PATIENCE_S: Final = 2.0
"""So long the next key waits for what the last one does."""
_ROUNDS: Final = 2
"""The key comes up to the app in the first, and what the widget made of it in the second."""
_MOVES: Final = frozenset({"up", "down", "left", "right", "pageup", "pagedown", "home", "end"})
"""Keys that leave the focus where it is: held down, they are not to wait for one another."""


class TypedAhead(App[None]):
    """An app that takes one key after the other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As an app is made."""
        super().__init__(*args, **kwargs)
        self._ahead: deque[Key | Paste] = deque()
        self._handing: asyncio.Task[None] | None = None

    async def on_event(self, event: Event) -> None:
        """Keys wait for one another, everything else is handled at once."""
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self._ahead.append(event)
            if self._handing is None or self._handing.done():
                self._handing = asyncio.create_task(self._hand_over())
        else:
            await super().on_event(event)

    async def _hand_over(self) -> None:
        while self._ahead and self.is_running and self.screen_stack:
            event = self._ahead.popleft()
            target = self.focused or self.screen
            self.call_later(super().on_event, event)
            if _may_move_focus(event, target):
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        await self._settled(target)
            else:
                await _through([self])

    async def _settled(self, target: Widget) -> None:
        """Until what a key set going has the focus."""
        await _through([self])
        for _ in range(_ROUNDS):
            await _through([each for each in target.ancestors_with_self if each is not self])
            await _through([self])
        if self.screen_stack:
            await _through([self.screen, self])  # a screen that was opened is there when it takes what it is sent


def _may_move_focus(event: Event, target: Widget) -> bool:
    if isinstance(event, Paste):
        return False
    return not isinstance(event, Key) or not (event.key in _MOVES or (isinstance(target, Input) and event.is_printable))


async def _through(nodes: Sequence[MessagePump]) -> None:
    """Until each, one after the other, has handled what it was sent."""
    for node in nodes:
        done = asyncio.Event()
        if node.call_later(done.set):
            await done.wait()
