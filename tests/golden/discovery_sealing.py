"""What is sealed, and what is refused to be opened, as recorded."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from talos_resources.discovery import payload
from talos_resources.discovery.crypto import ClusterCipher, SealError
from talos_resources.discovery.wire import MessageError, decode

Case = dict[str, Any]
Run = Callable[[Case], str]


def unbase64(text: str) -> bytes:
    return base64.b64decode(text)


def differs(what: str, recorded: object, ours: object) -> str:
    return "" if recorded == ours else f"{what}: recorded {recorded!r:.200}, ours {ours!r:.200}"


def sealed(case: Case) -> str:
    cipher = ClusterCipher(unbase64(case["key"]), nonce=lambda _size: unbase64(case["nonce"]))
    plain, sealed = unbase64(case["plaintext"]), unbase64(case["affiliate_data"])
    return differs("sealed", sealed, cipher.seal(plain)) or differs("opened", plain, cipher.open(sealed))


def sealed_endpoint(case: Case) -> str:
    cipher = ClusterCipher(unbase64(case["key"]))
    plain, sealed = unbase64(case["plaintext"]), unbase64(case["ciphertext"])
    return differs("sealed", sealed, cipher.seal_endpoint(plain)) or differs("opened", plain, cipher.open_endpoint(sealed))


def refused_affiliate(case: Case, key: bytes) -> str:
    """The real client shows an affiliate, or logs why not; one without data is no affiliate yet."""
    data, error = unbase64(case["affiliate"]["data"]), ""
    if not data:
        return differs("seen", case["seen"], [])
    try:
        decode(payload.Affiliate, ClusterCipher(key).open(data))
    except (SealError, MessageError) as found:
        error = str(found)
    logged = case["logs"][0]["fields"]["error"] if case["logs"] else ""
    return differs("error", logged, error)


def refused_endpoints(case: Case, key: bytes) -> str:
    """The endpoints that the real client shows; where it crashes, the good ones remain."""
    shown = []
    cipher = ClusterCipher(key)
    for sealed in case["endpoints"]:
        try:
            endpoint = decode(payload.Endpoint, cipher.open_endpoint(unbase64(sealed)))
        except (SealError, MessageError):
            continue
        shown.append((endpoint.ip, endpoint.port))
    if "go_client_panics" in case:
        return "" if len(shown) == len(case["endpoints"]) - 1 else f"{len(shown)} endpoints are left"
    return differs("endpoints", [(unbase64(one["ip"]), one["port"]) for one in case["seen"]], shown)
