"""Texts of resources as files have them."""

from __future__ import annotations

YAML = """\
node: 10.0.0.1
metadata:
    namespace: cluster
    type: Members.cluster.talos.dev
    id: one
    version: 2
    owner: cluster.MemberController
    phase: running
    created: 2026-01-02T03:04:05Z
    updated: 2026-01-02T03:04:06Z
spec:
    nodeId: abc
    addresses:
        - 10.0.0.1
    hostname: one
    machineType: worker
    operatingSystem: Talos (v1.13.3)
"""

UNTYPED = """\
node: 10.0.0.2
metadata:
    namespace: network
    type: LinkStatuses.net.talos.dev
    id: eth0
    version: 7
    phase: running
spec:
    mtu: 1500
    kind: ""
"""

MEMBER = """\
metadata:
    namespace: cluster
    type: Members.cluster.talos.dev
    id: {0}
    version: 1
    owner: cluster.MemberController
    phase: running
    created: 2026-01-02T03:04:05Z
    updated: 2026-01-02T03:04:05Z
spec:
    nodeId: {0}
    addresses: []
    hostname: {0}
    machineType: worker
    operatingSystem: Talos (v1.14.0)
"""
