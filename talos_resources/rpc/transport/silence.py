"""Whether the other side is still there, asked of the program itself.

The kernel of a machine answers TCP's probes also for a program that is stopped or hangs: a watch of it would wait for
ever.
"""

from __future__ import annotations

from collections.abc import Callable

from talos_resources.rpc.transport import frames
from talos_resources.rpc.transport.link import Link, SilenceError
from talos_resources.state.timeout import Deadline

ASK_AFTER_S = 310.0
"""Silence after which a wait without end asks. gRPC's own servers hang up on whoever asks within 5 minutes again."""

ANSWER_S = 20.0
"""For anything to come after that; as long as grpc-go waits."""

_PING = frames.frame_head(frames.PING, 0, 0, 8) + bytes(8)


def receive(link: Link, deadline: Deadline, say: Callable[[bytes], None]) -> bytes:
    """What comes next; whoever waits without end has it asked for a sign of life after a silence.

    Args:
        link: to receive from.
        deadline: of whoever waits.
        say: sends a control frame.

    Raises:
        SilenceError: there was none.
        TimeoutError: the time is up.
        OSError: the connection broke.
    """
    if deadline.remaining() is not None:
        return link.receive(deadline)
    try:
        return link.receive(Deadline(ASK_AFTER_S))
    except TimeoutError:
        say(_PING)
    try:
        return link.receive(Deadline(ANSWER_S))
    except TimeoutError:
        raise SilenceError(f"it has not answered a ping within {ANSWER_S:g} s") from None
