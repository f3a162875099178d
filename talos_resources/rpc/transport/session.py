"""What the two directions of an HTTP/2 connection share: its streams, its windows, and what the other side allows."""

from __future__ import annotations

import threading
from typing import Final

from talos_resources.rpc.transport import frames
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.stream import Carrier, Stream
from talos_resources.state.timeout import Deadline

# Stream numbers end at 2^31; a connection is left long before.
_LAST_STREAM: Final = 2**30
_SEND_BYTES: Final = 1 << 18
_UNTOLD_STREAMS: Final = 100
"""How many streams there may be as long as the other side has not said it."""


class NoRoomError(TransportError):
    """A connection takes no further stream, and another one may."""


class Session:
    """Streams and windows; thread-safe, and held for microseconds.

    Attributes:
        lock: of all that is here.
        streams: those that are not over, by number.
        retired: no further request may use the connection.
        send_window: how many bytes the other side takes now, over all streams.
        frame_bytes: how long a frame may be that the other side takes.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.streams: dict[int, Stream] = {}
        self.retired = False
        self.send_window = frames.DEFAULT_WINDOW
        self.frame_bytes = frames.DEFAULT_FRAME_BYTES
        self.next = 1
        self._first_window = frames.DEFAULT_WINDOW
        self._max_streams = _UNTOLD_STREAMS

    @property
    def has_room(self) -> bool:
        """Whether there may be another stream now."""
        return not self.retired and len(self.streams) < self._max_streams and self.next < _LAST_STREAM

    def open(self, connection: Carrier, sent_at: int, deadline: Deadline) -> Stream:
        """A new stream.

        Raises:
            NoRoomError: others have taken what room there was.
        """
        with self.lock:
            if not self.has_room:
                raise NoRoomError("no room for another call", refused=True)
            stream = Stream(connection, self.next, self._first_window, sent_at, deadline)
            self.next += 2
            self.streams[stream.number] = stream
        return stream

    def forget(self, stream: Stream) -> bool:
        """A stream is over; whether that was news."""
        with self.lock:
            return self.streams.pop(stream.number, None) is not None

    def forget_all(self) -> list[Stream]:
        """The connection is over; the streams that were not."""
        with self.lock:
            self.retired = True
            streams = list(self.streams.values())
            self.streams.clear()
        return streams

    def forget_after(self, last: int) -> list[Stream]:
        """The other side has seen no stream after this one and will not; those that it has not seen."""
        with self.lock:
            self.retired = True
            late = [stream for stream in self.streams.values() if stream.number > last]
            for stream in late:
                del self.streams[stream.number]
        return late

    def piece(self, stream: Stream, body: bytes, start: int) -> tuple[bytes, int]:
        """The frames of as much of a body as the windows allow, and where they end."""
        with self.lock:
            count = max(min(len(body) - start, self.send_window, stream.send_window, _SEND_BYTES), 0)
            self.send_window -= count
            stream.send_window -= count
        parts: list[bytes] = []
        end = start + count
        while start < end:
            stop = min(end, start + self.frame_bytes)
            flags = frames.END_STREAM if stop == len(body) else 0
            parts += (frames.frame_head(frames.DATA, flags, stream.number, stop - start), body[start:stop])
            start = stop
        return b"".join(parts), end

    def take_settings(self, values: dict[int, int]) -> None:
        """What the other side allows from now on.

        Raises:
            ProtocolError: it cannot be meant.
        """
        size = values.get(frames.MAX_FRAME_SIZE, self.frame_bytes)
        if not frames.DEFAULT_FRAME_BYTES <= size < 1 << 24:
            raise ProtocolError("settings that cannot be")
        self.frame_bytes = size
        untold = frames.LARGEST_WINDOW if self._max_streams == _UNTOLD_STREAMS else self._max_streams
        self._max_streams = values.get(frames.MAX_CONCURRENT_STREAMS, untold)
        with self.lock:
            window = values.get(frames.INITIAL_WINDOW_SIZE, self._first_window)
            for stream in self.streams.values():
                stream.send_window = _window(stream.send_window + window - self._first_window)
            self._first_window = _window(window)

    def widen(self, stream: Stream | None, more: int) -> None:
        """The other side takes so much more, of a stream or of all together.

        Raises:
            ProtocolError: more than a window can be.
        """
        with self.lock:
            if stream is None:
                self.send_window = _window(self.send_window + more)
            else:
                stream.send_window = _window(stream.send_window + more)


def _window(size: int) -> int:
    if size > frames.LARGEST_WINDOW:
        raise ProtocolError("a window that cannot be")
    return size
