"""The watches of a state, which end with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talos_resources.rpc.client.watch import RemoteWatch


class OpenWatches:
    """Those that are open; for any thread."""

    def __init__(self) -> None:
        """Begins with none."""
        self._lock = threading.Lock()
        self._open: set[RemoteWatch[Any]] = set()
        self._closed = False

    def add(self, watch: RemoteWatch[Any]) -> None:
        """Takes one in; it ends at once if the state was closed while it was made."""
        with self._lock:
            self._open = {known for known in self._open if not known.closed}
            if not self._closed:
                self._open.add(watch)
                return
        watch.close()

    def close(self) -> None:
        """Ends all; twice is no error."""
        with self._lock:
            self._closed = True
            watches, self._open = self._open, set()
        for watch in watches:
            watch.close()
