"""What the server lets one client, and all clients together, take."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds against clients that are broken or hostile.

    Attributes:
        connections: at the same time; fewer where the system lets the process open fewer files.
        connections_each: of one address.
        streams: calls at the same time on one connection.
        calls_each: at the same time of one address, on all its connections.
        watches: at the same time, of all clients.
        request_bytes: the largest request.
        requests_bytes: what has arrived of all requests that are being read, together; a quarter of it for one client.
        answers_bytes: all pieces of answers that wait to be taken, together; a quarter of it for one client.
        request_s: seconds for a request to arrive whole.
        send_s: seconds that a client may leave a piece of an answer lying before its call ends.
        closing_s: seconds that a connection which is closed waits for the bytes on their way to be taken.
        idle_s: seconds that a connection without calls stays open.
        resets: calls that one connection may give up within ten seconds.
    """

    connections: int = 1000
    connections_each: int = 500
    streams: int = 1000
    calls_each: int = 4000
    watches: int = 10_000
    request_bytes: int = 32 << 20
    requests_bytes: int = 256 << 20
    answers_bytes: int = 128 << 20
    request_s: float = 30.0
    send_s: float = 30.0
    closing_s: float = 5.0
    idle_s: float = 600.0
    resets: int = 2000


DEFAULT_LIMITS: Final = Limits()
