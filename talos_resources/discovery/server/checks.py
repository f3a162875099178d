"""What the service refuses, in the real one's words and order.

Source: discovery service v1.1.0; golden/discovery/validation.json.
"""

from __future__ import annotations

from typing import Final

from talos_resources.discovery.messages import UpdateRequest
from talos_resources.discovery.wire import text_bytes
from talos_resources.rpc.status import Code, RpcError

MAX_ID_BYTES: Final = 256
MAX_DATA_BYTES: Final = 2048
MAX_ENDPOINT_BYTES: Final = 32
MAX_TTL_NS: Final = 30 * 60 * 1_000_000_000


def check_cluster(cluster_id: str) -> None:
    """Refuses what cannot name a cluster; raises RpcError, INVALID_ARGUMENT, as all of this file."""
    _check_id("cluster ID", cluster_id)


def check_affiliate(cluster_id: str, affiliate_id: str) -> None:
    """Refuses what cannot name an affiliate."""
    check_cluster(cluster_id)
    _check_id("affiliate ID", affiliate_id)


def check_update(request: UpdateRequest) -> None:
    """Refuses what cannot be kept, and what must not be handed on: an empty endpoint ends every Go client that sees it."""
    check_affiliate(request.cluster_id, request.affiliate_id)
    if len(request.affiliate_data or b"") > MAX_DATA_BYTES:
        raise _invalid("affiliate data is too big")
    if any(len(endpoint) > MAX_ENDPOINT_BYTES for endpoint in request.affiliate_endpoints):
        raise _invalid("affiliate endpoint is too big")
    if request.ttl is not None and request.ttl.ns > MAX_TTL_NS:
        raise _invalid("ttl is too large")
    if not all(request.affiliate_endpoints):
        raise _invalid("affiliate endpoint is empty")


def _check_id(what: str, text: str) -> None:
    if not text:
        raise _invalid(f"{what} can't be empty")
    if len(text_bytes(text)) > MAX_ID_BYTES:
        raise _invalid(f"{what} is too long")


def _invalid(text: str) -> RpcError:
    return RpcError(Code.INVALID_ARGUMENT, text)
