"""A server that speaks HTTP/2 and says what a test wants, well or badly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Self

import hpack

from talos_resources.rpc.framing import frame
from talos_resources.rpc.transport import frames as h2

Fields = list[tuple[str, str]]


class Conversation:
    """One client's connection, as the server sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.heard: list[tuple[int, int, int, bytes]] = []
        self._encoder = hpack.Encoder()
        self._encoder.header_table_size = 0
        self._rest = b""

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def frame(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.say(h2.frame_head(kind, flags, stream, len(payload)) + payload)

    def headers(self, stream: int, fields: Fields, *, ends: bool = False) -> None:
        block = self._encoder.encode(fields)
        self.frame(h2.HEADERS, h2.END_HEADERS | (h2.END_STREAM if ends else 0), stream, block)

    def head(self, stream: int, **more: str) -> None:
        fields = [(":status", "200"), ("content-type", "application/grpc+proto")]
        self.headers(stream, [*fields, *((name.replace("_", "-"), value) for name, value in more.items())])

    def message(self, stream: int, message: bytes) -> None:
        self.data(stream, frame(message))

    def data(self, stream: int, data: bytes) -> None:
        for start in range(0, len(data), 16_384):
            self.frame(h2.DATA, 0, stream, data[start : start + 16_384])

    def trailers(self, stream: int, status: int = 0) -> None:
        self.headers(stream, [("grpc-status", str(status))], ends=True)

    def answer(self, stream: int, message: bytes) -> None:
        self.head(stream)
        self.message(stream, message)
        self.trailers(stream)

    def go_away(self, last: int, code: int = 0) -> None:
        self.frame(h2.GOAWAY, 0, 0, struct.pack(">II", last, code))

    def next_frame(self) -> tuple[int, int, int, bytes] | None:
        """What the client says next; None at its end."""
        while True:
            if len(self._rest) >= h2.HEAD_BYTES:
                kind, flags, stream, length = h2.parse_head(self._rest)
                end = h2.HEAD_BYTES + length
                if len(self._rest) >= end:
                    payload, self._rest = self._rest[h2.HEAD_BYTES : end], self._rest[end:]
                    self.heard.append((kind, flags, stream, payload))
                    return self.heard[-1]
            data = self.socket.recv(65536)
            if not data:
                return None
            self._rest += data

    def next_request(self) -> int | None:
        """The stream of the next request that has come as a whole."""
        while (found := self.next_frame()) is not None:
            if found[1] & h2.END_STREAM and found[0] in {h2.HEADERS, h2.DATA}:
                return found[2]
        return None

    def begin(self, values: dict[int, int] | None = None) -> None:
        """Takes the client's preface and says hello."""
        preface = b""
        while len(preface) < len(h2.PREFACE):
            preface += self.socket.recv(len(h2.PREFACE) - len(preface))
        assert preface == h2.PREFACE
        self.say(h2.settings(values or {}))


class ScriptedServer:
    """Runs a script for every connection; `conversations` has them in order."""

    def __init__(self, script: Callable[[Conversation], None], *, context: ssl.SSLContext | None = None, greets: bool = True) -> None:
        self._script = script
        self._context = context
        self._greets = greets
        self.conversations: list[Conversation] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self.conversations:
            with contextlib.suppress(OSError):
                each.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        for each in self.conversations:
            each.socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small frames must not wait for an acknowledgement
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            conversation = Conversation(client if self._context is None else self._context.wrap_socket(client, server_side=True))
            self.conversations.append(conversation)
            if self._greets:
                conversation.begin()
            self._script(conversation)
