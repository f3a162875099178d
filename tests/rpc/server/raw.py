"""A client that does what no client should."""

from __future__ import annotations

import socket
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.rpc.framing import frame

LIST = "/cosi.resource.State/List"
WATCH = "/cosi.resource.State/Watch"


class Raw:
    """HTTP/2 by hand."""

    def __init__(self, address: str, *, source: str = "127.0.0.1", settings: dict[SettingCodes | int, int] | None = None) -> None:
        """Connects.

        Args:
            address: of the server.
            source: our own address; any of the loopback network.
            settings: what we say first that we take.
        """
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False))
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings(settings)
        with suppress(ConnectionError):  # a server that is full hangs up before it has read a word
            self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def request(self, path: str, data: bytes, *, end: bool = True, now: bool = True, **headers: str) -> int:
        """Asks, at once or with the next `flush`."""
        stream = self.h2.get_next_available_stream_id()
        head = {
            ":method": "POST",
            ":scheme": "http",
            ":authority": "x",
            ":path": path,
            "content-type": "application/grpc",
            "te": "trailers",
        }
        self.h2.send_headers(stream, list({**head, **{k.replace("_", "-"): v for k, v in headers.items()}}.items()))
        for start in range(0, len(data), 16384):
            self.h2.send_data(stream, data[start : start + 16384])
        if end:
            self.h2.end_stream(stream)
        if now:
            self.flush()
        return stream

    def answer(self, stream: int, *, takes: bool = True) -> dict[str, str]:
        """All headers and trailers of the answer; what is not taken stays before its window."""
        found: dict[str, str] = {}
        while True:
            data = self.socket.recv(65536)
            assert data, "the server hung up"
            for event in self.h2.receive_data(data):
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, ResponseReceived | TrailersReceived):
                    found.update(event.headers)  # type: ignore[arg-type]
                elif isinstance(event, DataReceived) and takes:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, StreamEnded | StreamReset):
                    self.flush()
                    return found
            self.flush()

    def watch(self, type: str) -> int:
        """Opens a watch of a kind of KubeSpan and waits until it is subscribed."""
        request = pb.WatchRequest(namespace="kubespan", type=type, api_version=1)
        stream = self.request(WATCH, frame(request.SerializeToString()))
        self.subscribed()
        return stream

    def subscribed(self) -> None:
        """Waits for the first message of a watch."""
        while not any(isinstance(event, DataReceived) for event in self.h2.receive_data(self.socket.recv(65536))):
            self.flush()

    def hung_up(self) -> bool:
        """Waits until the server closes the connection."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        return True
