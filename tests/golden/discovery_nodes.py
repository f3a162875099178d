"""What recorded nodes did and saw, done again with our client against our service."""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any, Final

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.crypto import ClusterCipher, decode_secret
from talos_resources.discovery.messages import DELETE, HELLO, REQUESTS, UPDATE, WATCH, UpdateRequest, WatchResponse
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.translate import from_payload
from talos_resources.discovery.view import Discovered, View
from talos_resources.discovery.wire import decode, encode
from talos_resources.model.resource import Resource
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.rpc.framing import Deframer
from talos_resources.rpc.transport.contract import Reply, Transport
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.golden.discovery_talos import Case, Talos, bare, plain, read_view, spec_of
from tests.golden.settled import LONG_S, settled

Request = tuple[str, Any]
"""Method and message; data that is sealed is opened, for no nonce is used twice."""

VERSION: Final = "v1.12.3"


def seen(affiliates: Sequence[Discovered]) -> list[Any]:
    """A view as the recordings write it, by node id."""
    shown = ({"affiliate": plain(one.affiliate), "endpoints": plain(one.endpoints)} for one in affiliates)
    return sorted(shown, key=lambda one: str(one["affiliate"]["node_id"]))


def recorded_seen(entries: Sequence[Any]) -> list[Any]:
    return sorted((bare(one) for one in entries), key=lambda one: str(one["affiliate"]["node_id"]))


def client_view(case: Case) -> str:
    """Gives the recorded messages to a view and compares what it shows after each."""
    view = View(ClusterCipher(base64.b64decode(case["key"])), case["self"])
    for step in case["steps"]:
        if step.get("stream_ends"):
            continue
        with _logs() as lines:
            view.apply(decode(WatchResponse, base64.b64decode(step["response"]["data"])), snapshot=step["snapshot"])
        ours, recorded = seen(list(view.affiliates.values())), recorded_seen(step["seen"])
        if ours != recorded:
            return f"step {step['step']}: recorded {recorded!r:.300}, ours {ours!r:.300}"
        reasons = [log["fields"]["error"] for log in step["logs"] if "affiliate_id" in log["fields"]]
        if len(reasons) != len(lines) or not all(reason in line for reason, line in zip(reasons, lines, strict=True)):
            return f"step {step['step']}: recorded logs {reasons}, ours {lines}"
    return ""


@contextlib.contextmanager
def _logs() -> Iterator[list[str]]:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("talos_resources.discovery"), Keep()
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


class Proxied:
    """A transport that says whom it speaks for, as a proxy does, and keeps what it is asked to send."""

    def __init__(self, inner: Transport, address: str, sent: list[tuple[str, bytes]]) -> None:
        self._inner = inner
        self._real_ip = address
        self._sent = sent
        self.address = inner.address
        self.service = inner.service

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> Reply:
        self._sent.append((path, Deframer().feed(body)[0]))
        extra = [("x-real-ip", self._real_ip)] if self._real_ip else []
        return self._inner.request(path, [*headers, *extra], body, timeout=timeout)

    def close(self) -> None:
        self._inner.close()


class Recording:
    """One recording with clients and servers of ours."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._key = decode_secret(case["secret"])
        self._cipher = ClusterCipher(self._key)
        self._clients: dict[str, DiscoveryClient] = {}
        self._addresses: dict[str, str] = {}
        self._sent: dict[str, list[tuple[str, bytes]]] = {}
        self._targets: list[DiscoveryServer] = []
        redirect = ""
        if "redirect_to" in case:
            self._targets.append(DiscoveryServer())
            redirect = self._targets[0].address
        self._server = DiscoveryServer(redirect=redirect)
        self._talos: Talos | None = None

    def run(self) -> str:
        try:
            for event in self._case["events"]:
                found = self._event(event)
                if event["type"] in ("view", "talos_resources") and event["at"] not in _MOMENTS:
                    found = found or self._same_requests(event["seq"])
                if found:
                    return f"event {event['seq']}, {event.get('at', event['type'])}: {found}"
            return self._same_requests(len(self._case["events"]))
        finally:
            if self._talos is not None:
                self._talos.stop()
            for client in self._clients.values():
                client.close()
            for server in (self._server, *self._targets):
                server.close()

    def _event(self, event: Case) -> str:
        kind, name = event["type"], event.get("affiliate", "")
        if kind == "client_starts":
            self._start(name, event["x_real_ip"])
        elif kind == "set_local_data":
            self._set(self._clients[name], event)
        elif kind == "delete_local_affiliate":
            self._clients[name].delete_local()
        elif kind == "client_stops":
            self._clients[name].close()
        elif kind == "note" and event["text"].startswith("server interrupted"):
            self._server.close()
        elif kind == "note" and event["text"].startswith("server started"):
            self._server = DiscoveryServer(self._server.address)
        elif kind == "view" and event["at"] not in _MOMENTS:
            return self._same_view(self._clients[name], event)
        elif kind.startswith("talos_"):
            return self._talos_event(kind, event)
        return ""

    def _start(self, name: str, address: str) -> None:
        self._addresses[name] = address
        client = self._client(name, None)
        self._clients[name] = client
        client.start()

    def _client(self, name: str, on_change: Callable[[], None] | None) -> DiscoveryClient:
        sent = self._sent.setdefault(name, [])

        def connect(endpoint: str) -> Transport:
            return Proxied(Http2Transport(endpoint), self._addresses.get(name, ""), sent)

        return DiscoveryClient(
            self._server.address,
            cluster_id=self._case["cluster_id"],
            key=self._key,
            affiliate_id=name,
            ttl=timedelta(seconds=self._case["ttl_s"]),
            version=VERSION,
            on_change=on_change,
            connect=connect,
        )

    def _set(self, client: DiscoveryClient, event: Case) -> None:
        client.set_local(read_view(payload.Affiliate, event["local"]["affiliate"]), _endpoints(event["local"]["endpoints"]))
        client.set_other_endpoints({one["affiliate_id"]: _endpoints(one["endpoints"]) for one in event["other_endpoints"]})

    def _same_view(self, client: DiscoveryClient, event: Case) -> str:
        """Waits until our client sees what the recorded one saw; expired nodes leave when they are looked for."""
        recorded = recorded_seen(event["seen"])
        public = event.get("public_ip_text")

        def same() -> bool:
            return seen(list(client.affiliates.values())) == recorded and public in (None, str(client.client_ip))

        for _ in range(int(LONG_S)):
            if client.wait(same, timeout=1.0):
                break
            for server in (self._server, *self._targets):
                server.collect()
        else:
            return f"recorded {recorded!r:.300} and {public}, ours {seen(list(client.affiliates.values()))!r:.300} and {client.client_ip}"
        return ""

    def _same_requests(self, before: int) -> str:
        """Waits until our clients have said what the recorded ones had said before an event."""
        return settled(lambda: next(filter(None, (self._other_requests(name, before) for name in self._sent)), ""))

    def _other_requests(self, name: str, before: int) -> str:
        mine = [one for one in self._case["events"][:before] if one["type"] == "request" and one["affiliate"] == name]
        recorded = [(event["method"], base64.b64decode(event["data"])) for event in mine]
        for methods in ((HELLO,), (WATCH,), (UPDATE, DELETE)):
            old, new = self._said(recorded, methods), self._said(tuple(self._sent[name]), methods)
            for index, (theirs, ours) in enumerate(zip_longest(old, new)):
                if theirs != ours:
                    return f"{name}, request {index}: recorded {theirs!r:.600}, ours {ours!r:.600}"
        return ""

    def _said(self, requests: Sequence[tuple[str, bytes]], methods: tuple[str, ...]) -> list[Request]:
        """What was said, in order; saying it again at a refresh or after a reconnect counts once."""
        found: list[Request] = []
        for method, data in requests:
            if method not in methods:
                continue
            message = decode(REQUESTS[method], data)
            if encode(message) != data:
                raise AssertionError(f"{method} is not encoded as it should be: {data!r}")
            if isinstance(message, UpdateRequest) and message.affiliate_data:
                message = attrs.evolve(message, affiliate_data=self._cipher.open(message.affiliate_data))
            if (method, message) not in found:
                found.append((method, message))
        return found

    def _talos_event(self, kind: str, event: Case) -> str:
        if kind == "talos_starts":
            name = event["node_id"]
            self._talos = Talos(name, spec_of(Affiliate, event["local_affiliate_yaml"]), self._case, self._server.address, self._client)
            return ""
        assert self._talos is not None
        if kind == "talos_harvests_endpoint":
            self._talos.state.create(Resource.new(spec_of(KubeSpanEndpoint, event["spec_yaml"]), id=event["kubespan_endpoint_id"]))
        elif kind == "talos_renamed":
            self._talos.rename(self._next_announcement(event["seq"]))
        elif kind == "talos_reset_signal":
            self._talos.controller.leave(timeout=LONG_S)
        elif kind == "talos_resources":
            return self._talos.compare(event)
        return ""

    def _next_announcement(self, after: int) -> Affiliate:
        """What the node said next."""
        for event in self._case["events"]:
            if event["seq"] > after and event["type"] == "request" and event["method"] == UPDATE and event["decoded"]["affiliate_data"]:
                request = decode(UpdateRequest, base64.b64decode(event["data"]))
                assert request.affiliate_data
                endpoints = [decode(payload.Endpoint, self._cipher.open_endpoint(one)) for one in request.affiliate_endpoints]
                return from_payload(decode(payload.Affiliate, self._cipher.open(request.affiliate_data)), endpoints)
        raise AssertionError("nothing was announced")


# Views of the moment at which something was done, before anything could follow from it.
_MOMENTS: Final = ("talos_starts", "talos_resources", "talos_harvests_endpoint", "talos_renamed", "talos_reset_signal")


def _endpoints(values: Sequence[Any]) -> tuple[payload.Endpoint, ...]:
    return tuple(read_view(payload.Endpoint, one) for one in values)
