"""What goes out on a connection."""

from __future__ import annotations

import pytest

from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.link import SocketLink
from talos_resources.rpc.transport.outgoing import Outgoing
from talos_resources.state.timeout import Deadline


class Interrupted(SocketLink):
    """While it sends for the first time, a signal has something else said and asked."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.outgoing = Outgoing(self, b"hello ", fail=lambda error: pytest.fail(str(error)))

    def send(self, data: bytes, deadline: Deadline) -> None:
        if not self.sent:
            self.sent.append(data[:8])
            self.outgoing.say(b"said meanwhile")
            with pytest.raises(TransportError, match="in the middle of another call"):
                self.outgoing.alone(None, lambda: self.outgoing.send(b"asked meanwhile", deadline), refused=True)
            data = data[8:]
        self.sent.append(data)


def test_what_a_signal_has_said_waits_for_the_end_of_the_frame() -> None:
    link = Interrupted()
    link.outgoing.alone(None, lambda: link.outgoing.send(b"a frame", Deadline(None)), refused=True)
    assert link.sent == [b"hello a ", b"frame", b"said meanwhile"]
