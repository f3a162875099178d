"""Refuses frames and headers that are too large by their first bytes.

h2 looks at the length of a frame when all of it is there: a client that announces 16 MB would have them
kept for it, on each of its connections. Headers in many frames it keeps up to 1 MB.
"""

from __future__ import annotations

from typing import Final

from talos_resources.rpc.server.floods import EMPTY_DATA, OTHER
from talos_resources.rpc.transport import frames as h2

LARGEST_FRAME: Final = h2.DEFAULT_FRAME_BYTES
"""What we tell clients: the least that HTTP/2 allows."""

LARGEST_HEADERS: Final = 64 << 10
"""All headers of a request as they are sent; those of talosctl are below 1 KB."""

AT_ONCE: Final = 8
"""Frames that are looked at in one go: each may be a request, and a request takes a third of a millisecond."""


class FrameSizes:
    """Follows the frames of one client from the first byte on, without keeping them.

    Attributes:
        fit: whether all frames and headers were of a size that we read; once they were not there is no further look.
        idle: how many there were of each kind that `Floods` counts; its reader empties it.
    """

    def __init__(self) -> None:
        """Begins before the preface."""
        self._skip = len(h2.PREFACE)
        self._head = b""
        self._block = 0
        self.fit = True
        self.idle: dict[int, int] = {}

    def part(self, data: bytes, position: int) -> int:
        """Where the part of the bytes ends that is looked at in one go: after `AT_ONCE` frames, or with the first that does not fit."""
        end, begun = len(data), 0
        while position < end:
            if self._skip:
                step = min(self._skip, end - position)
                self._skip -= step
                position += step
                continue
            if begun == AT_ONCE:
                break
            step = min(h2.HEAD_BYTES - len(self._head), end - position)
            self._head += data[position : position + step]
            position += step
            if len(self._head) == h2.HEAD_BYTES:
                begun += 1
                self.fit = self._frame_fits(self._head)
                if not self.fit:
                    break
                self._head = b""
        return position

    def _frame_fits(self, head: bytes) -> bool:
        kind, flags, _, self._skip = h2.parse_head(head)
        idle = _idle(kind, flags, self._skip)
        if idle is not None:
            self.idle[idle] = self.idle.get(idle, 0) + 1
        if kind in (h2.HEADERS, h2.CONTINUATION):
            self._block = self._skip + (self._block if kind == h2.CONTINUATION else 0)
        return self._skip <= LARGEST_FRAME and self._block <= LARGEST_HEADERS


def _idle(kind: int, flags: int, length: int) -> int | None:
    """What a frame counts as that brings nothing; None for one that does."""
    match kind:
        case h2.SETTINGS | h2.PING:
            return None if flags & h2.ACK else kind
        case h2.DATA:
            return None if length or flags & h2.END_STREAM else EMPTY_DATA
        case h2.HEADERS | h2.RST_STREAM | h2.GOAWAY | h2.WINDOW_UPDATE | h2.CONTINUATION:
            return None  # counted with the calls, or bounded by what we have sent
        case _:
            return OTHER
