"""What the discovery service lets clients take, beside what it keeps of each cluster."""

from __future__ import annotations

from typing import Final

from talos_resources.rpc.server.limits import Limits

LIMITS: Final = Limits(
    connections=20_000,
    connections_each=5_000,
    streams=100,
    calls_each=10_000,
    watches=50_000,
    request_bytes=4 << 20,
    requests_bytes=64 << 20,
    answers_bytes=64 << 20,
    request_s=30.0,
    resets=500,
)
"""A connection per node, and on it a watch and a call at a time."""

CAPACITY: Final = 100_000
"""Affiliates of all clusters together."""

CAPACITY_BYTES: Final = 256 << 20
"""About the memory that they take together; 100,000 with 700 bytes of data and 8 endpoints each are 190 MB."""
