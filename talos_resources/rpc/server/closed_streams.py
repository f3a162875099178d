"""How the last calls of a connection ended, which h2 looks up when something comes late for one of them.

h2 itself remembers 65,536 of them for each connection: 8 MB that a client may have of a server for nothing. And as each is
a few small objects that outlive their call by far, they lie all over the memory that a crowd of clients leaves, and keep
it from being given back to the system.
"""

from __future__ import annotations

from array import array
from typing import Any, Final

from h2.connection import H2Connection
from h2.stream import StreamClosedBy

REMEMBERED: Final = 1_000
"""More than end within the time that a frame is under way."""

_KINDS: Final[tuple[StreamClosedBy | None, ...]] = (*StreamClosedBy, None)


class ClosedStreams:
    """What `h2.utilities.SizeLimitDict` is to h2, in 5 bytes a stream."""

    def __init__(self) -> None:
        self._streams = array("I")
        self._kinds = bytearray()
        self._next = 0

    def __setitem__(self, stream: int, closed_by: StreamClosedBy | None) -> None:
        kind = _KINDS.index(closed_by)
        if len(self._streams) < REMEMBERED:
            self._streams.append(stream)
            self._kinds.append(kind)
        else:
            self._streams[self._next] = stream
            self._kinds[self._next] = kind
            self._next = (self._next + 1) % REMEMBERED

    def __contains__(self, stream: int) -> bool:
        return stream in self._streams

    def __getitem__(self, stream: int) -> StreamClosedBy | None:
        return _KINDS[self._kinds[self._streams.index(stream)]]


def remember_few(connection: H2Connection) -> None:
    """Has a connection that is new remember no more than that."""
    h2: Any = connection  # it has no setting for it
    h2._closed_streams = ClosedStreams()  # noqa: SLF001
