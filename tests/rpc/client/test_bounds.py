"""Answers that would take all memory, and events that are none: an error for whoever asked."""

from __future__ import annotations

import gzip
import itertools
import struct
from collections.abc import Callable

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.codec.protowire import tag, varint
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.errors import ConnectError, DecodeError, RemoteError, TalosResourcesError, WatchError
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.framing import BATCH_BYTES, Deframer, FrameError, frame
from talos_resources.rpc.messages import field
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.transport.scripted import Conversation, ScriptedServer

PEER = Resource.new(KubeSpanPeerStatus(label="x"), id="a")
WIRE = resource_to_wire(PEER)
BOMB = gzip.compress(field(1, field(1, b"\0" * 31_000_000)))


def created(wire: bytes) -> bytes:
    return field(1, field(1, wire))


def endless(message: Callable[[int], bytes], *, first: bytes | None = None, zipped: bool = False) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        while (stream := conversation.next_request()) is not None:
            conversation.head(stream, **({"grpc_encoding": "gzip"} if zipped else {}))
            if first is not None:
                conversation.message(stream, first)
            for number in itertools.count():
                data = message(number)
                piece = struct.pack(">BI", zipped, len(data)) + data
                conversation.data(stream, piece * max(1, 16_000 // len(piece)))

    return script


@pytest.mark.parametrize(
    ("message", "zipped"),
    [(lambda _: field(1, WIRE), False), (lambda _: field(1, b""), False), (lambda _: BOMB, True)],
    ids=["resources", "nothing", "gzip bombs"],
)
def test_a_list_without_end(message: Callable[[int], bytes], zipped: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A window that is used up stops the server, and with it the test, were the client to stop reading instead of saying no."""
    with ScriptedServer(endless(message, zipped=zipped)) as server:
        client = connect_plain(server.address, timeout=60, max_answer_bytes=4 << 20)
        with pytest.raises(
            (RemoteError, DecodeError), match="the answer is larger than 4 MiB; .*max_answer_bytes or --max-answer|not a message|metadata"
        ):
            client.list(KubeSpanPeerStatus)
        client.close()
        assert main(["get", "kubespanpeerstatuses", "--from", f"cosi://{server.address}", "--max-answer", "1MiB"]) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_the_limit_names_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer(endless(lambda _: field(1, WIRE))) as server:
        client = connect_plain(server.address, timeout=60, max_answer_bytes=4 << 20)
        with pytest.raises(
            RemoteError, match="the answer is larger than 4 MiB; if that is right, allow more with max_answer_bytes or --max-answer"
        ):
            client.list(KubeSpanPeerStatus)
        client.close()
    assert main(["get", "members", "--max-answer", "0"]) == 2
    assert "no size such as" in capsys.readouterr().err


def test_a_watch_that_begins_without_end() -> None:
    script = endless(lambda number: created(resource_to_wire(Resource.new(KubeSpanPeerStatus(label="x"), id=str(number)))), first=b"")
    with ScriptedServer(script) as server:
        client = connect_plain(server.address, timeout=60, max_answer_bytes=1 << 20)
        with (
            pytest.raises(WatchError, match="begins with too much: the answer is larger than 1 MiB"),
            client.watch_kind(KubeSpanPeerStatus) as watch,
        ):
            while True:
                watch.next(60)
        client.close()


def test_a_watch_may_go_on_for_longer_than_a_list_may_be() -> None:
    state = MemoryState()
    with BackgroundServer(state, "127.0.0.1:0") as server:
        client = connect_plain(server.address, timeout=60, max_answer_bytes=100_000)
        peer = state.create(PEER)
        with client.watch_kind(KubeSpanPeerStatus) as watch:
            watch.next(60)
            watch.next(60)
            for number in range(50):
                peer = state.update(peer.with_spec(label=str(number) * 10_000))
                watch.next(60)
        client.close()


def test_many_bombs_are_handed_out_in_batches() -> None:
    bomb = gzip.compress(b"\0" * 31_000_000)
    data = (struct.pack(">BI", 1, len(bomb)) + bomb) * 10
    deframer = Deframer(encoding="gzip")
    sizes = []
    while messages := deframer.feed(data):
        sizes.append(sum(map(len, messages)))
        data = b""
    assert sum(sizes) == 310_000_000
    assert max(sizes) < BATCH_BYTES + 32_000_000
    deframer.finish()


def test_a_message_beyond_the_limit_is_refused_as_before() -> None:
    with pytest.raises(FrameError, match="larger than the limit"):
        Deframer(limit=10).feed(frame(b"x" * 11))


def meta(id: bytes) -> bytes:
    fields = field(1, b"kubespan") + field(2, PEER.type.encode()) + field(3, id) + field(4, b"1") + field(6, b"running")
    return field(1, fields)


@pytest.mark.parametrize(
    "event",
    [
        field(1, tag(1, 0) + varint(5)),
        field(1, field(1, meta(b"\xff\xfe"))),
        field(1, field(1, WIRE) + tag(5, 0) + varint(5)),
        field(1, field(2, b"x")),
        field(1, tag(2, 0) + varint(99)),
        field(1, tag(2, 0) + varint(4) + tag(4, 0) + varint(1)),
        field(1, tag(2, 0) + varint(1) + field(1, WIRE) + tag(3, 0) + varint(1)),
        b"\x0a\xff",
    ],
    ids=["resource", "id", "bookmark", "type", "unknown type", "error", "old", "cut off"],
)
def test_an_event_that_is_none_ends_the_watch_with_an_error(event: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        while stream is not None:
            conversation.head(stream)
            conversation.message(stream, b"")
            conversation.message(stream, created(WIRE))
            conversation.message(stream, event)
            stream = conversation.next_request()

    with ScriptedServer(script) as server:
        client = connect_plain(server.address, timeout=20)
        with client.watch_kind(KubeSpanPeerStatus) as watch:
            assert watch.next(20).resource.id == "a"  # type: ignore[union-attr]
            with pytest.raises(TalosResourcesError) as error:
                watch.next(20)
            assert not isinstance(error.value, ConnectError)
        client.close()


def test_what_is_of_another_type_than_was_asked_for_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """It has not the fields that whoever asked looks at."""

    def script(conversation: Conversation) -> None:
        while (stream := conversation.next_request()) is not None:
            conversation.answer(stream, field(1, WIRE))

    with ScriptedServer(script) as server:
        client = connect_plain(server.address, timeout=60)
        for ask in (lambda: client.list(Affiliate), lambda: client.get(Affiliate, "a")):
            with pytest.raises(DecodeError, match=r"metadata.type: expected Affiliates.cluster.talos.dev, got 'KubeSpanPeerStatuses"):
                ask()
        client.close()
        assert main(["doctor", "--from", f"cosi://{server.address}"]) == 0  # what cannot be read is not known
        assert "Affiliates.cluster.talos.dev could not be read" in capsys.readouterr().out


def test_an_event_of_another_type_ends_its_watch() -> None:
    with ScriptedServer(endless(lambda _: created(WIRE), first=b"")) as server:
        client = connect_plain(server.address, timeout=60)
        with client.watch_kind(Affiliate) as watch, pytest.raises(TalosResourcesError, match=r"expected Affiliates.cluster.talos.dev"):
            watch.next(60)
        client.close()
