"""How many bytes clients may have the server hold: all of them together, and each one alone."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Shares:
    """A number of bytes that is shared out as they are needed, for one event loop.

    What is counted has arrived or is about to be sent: announcing much takes nothing from the others.
    """

    def __init__(self, total: int, share: int) -> None:
        """Begins with nothing held.

        Args:
            total: bytes that all clients may hold together.
            share: bytes that one may hold.
        """
        self._total = total
        self._share = share
        self._held: Counter[Hashable] = Counter()
        self._sum = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._sum

    def take(self, client: Hashable, size: int) -> bool:
        """Takes bytes; False, and none, if the client or all together would hold too many."""
        if not self._has_room(client, size):
            return False
        self._held[client] += size
        self._sum += size
        return True

    def give(self, client: Hashable, size: int) -> None:
        """Gives them back."""
        self._sum -= size
        self._held[client] -= size
        if not self._held[client]:
            del self._held[client]

    @asynccontextmanager
    async def holding(self, client: Hashable, size: int) -> AsyncIterator[None]:
        """Waits until so many bytes may be held, and holds them."""
        while not self.take(client, size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        try:
            yield
        finally:
            self.give(client, size)
            while self._waiting:  # all look again: whoever has no room yet waits on
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_result(None)

    def _has_room(self, client: Hashable, size: int) -> bool:
        held = self._held.get(client, 0)
        # One that is larger than a share alone is let in by itself.
        return (held == 0 or held + size <= self._share) and (self._sum == 0 or self._sum + size <= self._total)
