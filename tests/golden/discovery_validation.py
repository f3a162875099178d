"""What the real discovery service refuses, asked of ours: bad requests, plain HTTP, limits."""

from __future__ import annotations

import base64
from typing import Any

from talos_resources.discovery import messages
from talos_resources.discovery.messages import LIST, UPDATE, WATCH, ClusterRequest, UpdateRequest
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.wire import encode
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.connection import Connection
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.dial import dial
from talos_resources.rpc.transport.headers import encode as encode_headers
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.rpc.transport.stream import WINDOW_BYTES
from talos_resources.state.timeout import Deadline
from tests.golden.discovery_service import LATE, LONG_S, Answer, Case, call, same_answer


class Validation:
    """The cases of validation.json, in order on one server."""

    def __init__(self) -> None:
        self._server = DiscoveryServer()
        self._transport = Http2Transport(self._server.address)
        self._addresses = 0

    def close(self) -> None:
        self._transport.close()
        self._server.close()

    def case(self, case: Case) -> str:
        pattern = case.get("request_pattern")
        if pattern is None:
            request = base64.b64decode(case["request"])
        else:
            prefix = base64.b64decode(pattern["prefix"])
            request = prefix + bytes([pattern["repeat_byte"]]) * (pattern["total_size"] - len(prefix))
        code, text, data = call(self._transport, case["method"], request, case["metadata"])
        if (code, text) != (case["status"]["code"], case["status"]["message"]):
            return f"recorded {case['status']}, ours {code} {text}"
        return same_answer(case["method"], case["response"], data)

    def http(self, case: Case) -> str:
        """Compares status, headers, trailers and body; the page for people is our own."""
        link = dial(self._server.address, Deadline(LONG_S))
        connection = Connection(link, lambda error, _: TransportError(str(error)))
        fields = {":method": case["method"], ":scheme": "http", ":path": case["path"], ":authority": self._server.address}
        fields |= {name.lower(): value for name, value in (case["request_headers"] or {}).items()}
        try:
            response = connection.request(
                encode_headers(fields.items()), base64.b64decode(case["request_body"]), Deadline(LONG_S), endless=False
            )
            response.wait_for_head()
            pieces = []
            while (piece := response.read()) is not None:
                pieces.append(piece)
            body = b"".join(pieces)
            trailers = {
                name.title(): value for name, value in {**response.headers, **response.trailers}.items() if name.startswith("grpc-")
            }
            ours = {
                "http_status": response.status,
                "content_type": response.headers.get("content-type", ""),
                "trailers": trailers,
                "body": base64.b64encode(body).decode() if "body" in case else "",
            }
        finally:
            connection.close()
        recorded = {name: case.get(name, "") for name in ours}
        return "" if recorded == ours else f"recorded {recorded}, ours {ours}"

    def limit(self, case: Case) -> str:
        return {
            "affiliates per cluster": self._full_cluster,
            "rate limit per address": self._rate,
            "watcher that does not read": self._slow,
        }[case["name"]](case)

    def _update(self, cluster_id: str, affiliate_id: str, data: bytes = b"x") -> Answer:
        self._addresses += 1
        request = UpdateRequest(cluster_id=cluster_id, affiliate_id=affiliate_id, affiliate_data=data, ttl=messages.Duration(seconds=600))
        return call(self._transport, UPDATE, encode(request), {"x-real-ip": f"2001:db8:0:{self._addresses:x}::1"})

    def _full_cluster(self, case: Case) -> str:
        name, pattern = case["cluster_id"], case["affiliate_id_pattern"]
        prefix, _, width = pattern.partition("%")
        ids = [f"{prefix}{number:0{int(width[:-1])}d}" for number in range(case["accepted"] + 1)]
        if any(self._update(name, affiliate_id)[0] for affiliate_id in ids[:-1]):
            return "refused before the cluster was full"
        known, new = self._update(name, ids[0])[:2], self._update(name, ids[-1])[:2]
        delete = messages.DeleteRequest(cluster_id=name, affiliate_id=ids[1])
        call(self._transport, messages.DELETE, encode(delete), {"x-real-ip": "192.0.2.7"})
        after = self._update(name, ids[-1])[:2]
        wanted = [(case[part]["code"], case[part]["message"]) for part in ("then_known", "then_new", "then_new_after_one_delete")]
        return "" if wanted == [known, new, after] else f"recorded {wanted}, ours {[known, new, after]}"

    def _rate(self, case: Case) -> str:
        """A clock that stands still shows the burst; one that goes on lets more pass."""
        import ipaddress

        from talos_resources.discovery.server.rate import RateLimit

        limit, address = RateLimit(), ipaddress.ip_address("192.0.2.1")
        burst = case["accepted_in_a_burst_with_40ms_deadline"]
        admitted = [limit.delay(address, now=0.0, most=0.04) for _ in range(burst + 5)]
        if admitted != [0.0] * burst + [None] * 5:
            return f"ours let {sum(delay is not None for delay in admitted)} of {burst + 5} pass"
        waits = [limit.delay(address, now=0.0, most=20.0) for _ in range(15)]
        if None in waits or not 0.9 < max(wait or 0.0 for wait in waits) <= 1.0:
            return f"ours delays fifteen more by {waits}"
        metadata = {"x-real-ip": "198.51.100.77"}
        request = encode(ClusterRequest(cluster_id="rate"))
        then = case["then"]["code"], case["then"]["message"]
        answers: set[tuple[int, str]] = set()
        for _ in range(50 * burst):  # a slow machine asks so slowly that more pass
            answers.add(call(self._transport, LIST, request, metadata, timeout=0.04)[:2])
            if then in answers:
                break
        return "" if then in answers <= {then, LATE[:2], (0, "")} else f"recorded {then}, ours {answers}"

    def _slow(self, case: Case) -> str:
        """Writes until the server gives the watcher up, which then may read: until then nobody reads its connection."""
        own = Http2Transport(self._server.address)
        try:
            return self._given_up(case, Channel((own,)).stream(WATCH, encode(ClusterRequest(cluster_id="slow"))))
        finally:
            own.close()

    def _given_up(self, case: Case, stream: Any) -> str:
        data = bytes(2048)
        # More than the client's window takes, which is larger than that of the recorded one.
        for _ in range(max(4 * case["updates_of_2048_bytes"], 2 * WINDOW_BYTES // len(data))):
            self._update("slow", "a", data)
        received = 0
        try:
            for batch in stream:
                received += len(batch)
        except RpcError as error:
            then = (error.code.value, error.text)
            wanted = (case["then"]["code"], case["then"]["message"])
            return "" if then == wanted and received else f"recorded {wanted}, ours {then} after {received} messages"
        return "the watch ended without a status"
