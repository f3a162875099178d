"""The numbers that every node of a KubeSpan mesh agrees on. Source: Talos v1.12.3."""

from __future__ import annotations

from typing import Final

LINK_NAME: Final = "kubespan"
LISTEN_PORT: Final = 51820
DEFAULT_MTU: Final = 1420
MINIMUM_MTU: Final = 1280
KEEPALIVE_S: Final = 25

ROUTING_TABLE: Final = 180
MARK_ENCRYPTED: Final = 0x20
"""On WireGuard's own packets, which must not enter the tunnel again."""
MARK_INTO_MESH: Final = 0x40
"""On packets that the routing table of the mesh shall see."""
MARK_MASK: Final = 0x60
MARK_KEEP: Final = 0xFFFFFFFF ^ MARK_MASK
"""The bits of a packet's mark that belong to others."""

TICK_S: Final = 30
ENDPOINT_TIMEOUT_S: Final = 15
"""How long a new endpoint may go without a handshake."""
PEER_DOWN_S: Final = 275
"""After so long without a handshake a peer is down: 180 s until WireGuard refuses a key, 5 s of retry, 90 s of attempts."""

IDENTITY_FILE: Final = "kubespan-identity.yaml"
NODE_IDENTITY_FILE: Final = "node-identity.yaml"

DEFAULT_DISCOVERY_ENDPOINT: Final = "https://discovery.talos.dev/"
