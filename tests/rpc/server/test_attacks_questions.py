"""Questions that cost too much, and answers to odd ones."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from h2.events import StreamEnded, StreamReset

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import NotFoundError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.status import MAX_TEXT, decode_text, encode_text
from talos_resources.sources.writing import write
from tests.rpc.server.attacking import STATUSES, STRANGER, Attack
from tests.rpc.server.raw import LIST, WATCH, Raw


def test_a_long_error_breaks_no_connection(client: RemoteState) -> None:
    for name in ("é" * 5000, "字" * 3999, "a" * 3998 + "\u20ac\u20ac", "%" * 5000):
        with pytest.raises(NotFoundError):
            client.get(Member, name)
        header = encode_text(name)
        assert len(header) <= MAX_TEXT
        assert name.startswith(decode_text(header))
    assert encode_text("\ud800") == "?"


def test_where_a_watch_of_one_resource_begins_is_said_once(attack: Attack, client: RemoteState, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for about in ({}, {"id": "0001"}):
        options = pb.WatchOptions(tail_events=3, start_from_bookmark=b"x" * 16)
        request = pb.WatchRequest(namespace="kubespan", type="T", options=options, api_version=1, **about)
        raw = attack()
        answer = raw.answer(raw.request(WATCH, frame(request.SerializeToString())))
        assert answer["grpc-status"] == "3"
        assert "exclude each other" in answer["grpc-message"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")])] * 100), "0"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")])] * 2_000), "3"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")] * 2_000)]), "3"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EQUAL, value=["x"] * 2_000)])]), "3"),
        (pb.ListOptions(id_query=pb.IDQuery(regexp="(a|b)" * 200)), "0"),
        (pb.ListOptions(id_query=pb.IDQuery(regexp="(a|b)" * 201)), "3"),
    ],
    ids=["as many queries as may be", "too many queries", "terms", "values", "as long a pattern as may be", "too long a pattern"],
)
def test_questions_that_cost_too_much(client: RemoteState, attack: Attack, options: pb.ListOptions, code: str) -> None:
    raw = attack()
    request = pb.ListRequest(namespace="kubespan", type=STATUSES, options=options)
    answer = raw.answer(raw.request(LIST, frame(request.SerializeToString())))
    assert answer["grpc-status"] == code


def endless() -> bytes:
    """A question as long as it may be, all of whose terms hold for everything."""
    terms = [pb.LabelTerm(key=f"none {n}", op=pb.LabelTerm.EXISTS, invert=True) for n in range(500)]
    options = pb.ListOptions(label_query=[pb.LabelQuery(terms=terms)], id_query=pb.IDQuery(regexp="(x|.*y|.*z){3}" * 50))
    return frame(pb.ListRequest(namespace="kubespan", type=STATUSES, options=options).SerializeToString())


def answered(raw: Raw) -> int:
    """How many answers have come whole by now."""
    raw.socket.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while data := raw.socket.recv(65536):
            count += sum(isinstance(event, StreamEnded | StreamReset) for event in raw.h2.receive_data(data))
    return count


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_an_endless_question_holds_up_nobody(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        state: Any = stack.enter_context(MemoryState() if kind == "memory" else SqliteState(tmp_path / "state.db"))
        state.restore([Resource.new(KubeSpanPeerStatus(label="x"), id="x" * 300 + f"{n:05}") for n in range(20_000)])
        server = stack.enter_context(BackgroundServer(state, "127.0.0.1:0"))
        honest = stack.enter_context(connect_plain(server.address, timeout=30))
        raws = [Raw(server.address, source=STRANGER) for _ in range(3)]
        for raw in raws:
            stack.callback(raw.socket.close)
            for _ in range(7):  # each takes seconds
                raw.request(LIST, endless())
        for _ in range(50):
            with pytest.raises(NotFoundError):
                honest.get(Member, "a")
        # Had each answer come after one of the strangers', they would all have theirs.
        assert not all(answered(raw) == 7 for raw in raws)


STOPPED = """
import sys
from talos_resources.cli.main import main
raise SystemExit(main(["serve", "--listen", "127.0.0.1:0", "--insecure", "--from", sys.argv[1]]))
"""


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_server_stops_at_once_whatever_it_is_asked(kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("state.db" if kind == "sqlite" else "state.wire.json")
    contents = [Resource.new(KubeSpanPeerStatus(label="x"), id="x" * 300 + f"{n:05}") for n in range(5_000)]
    write({"n": contents}, f"sqlite:{file}" if kind == "sqlite" else str(file))
    source = f"sqlite:{file}" if kind == "sqlite" else str(file)
    with subprocess.Popen([sys.executable, "-c", STOPPED, source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().split()[-1]
            raws = [Raw(address, source=STRANGER) for _ in range(7)]
            for raw in raws:
                for _ in range(7):
                    raw.request(LIST, endless())
            time.sleep(0.5)
            server.terminate()
            assert server.wait(30) == 0  # the answers would take minutes
            for raw in raws:
                raw.socket.close()
        finally:
            server.kill()
