"""Records for data frames."""

from __future__ import annotations

import datetime as dt

from talos_resources.codec.records import records
from talos_resources.model.kind import untyped
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, PeerState


def test_fields_in_pythons_spelling() -> None:
    status = KubeSpanPeerStatus(
        endpoint=AddrPort.parse("[fd00::1]:51820"),
        label="n1",
        state=PeerState.UP,
        receive_bytes=5,
        last_handshake_time=Timestamp.parse("2022-03-23T17:45:12.123456789Z"),
    )
    assert records([Resource.new(status, id="a")]) == [
        {
            "id": "a",
            "version": 0,
            "namespace": "kubespan",
            "endpoint": "[fd00::1]:51820",
            "label": "n1",
            "state": "up",
            "receive_bytes": 5,
            "transmit_bytes": 0,
            "last_handshake_time": dt.datetime(2022, 3, 23, 17, 45, 12, 123456, dt.UTC),
            "last_used_endpoint": None,
            "last_endpoint_change": None,
        }
    ]


def test_secrets_stay_in_the_spec() -> None:
    (record,) = records([Resource.new(KubeSpanIdentity(private_key="secret", public_key="p"), id="local")])
    assert record == {"id": "local", "version": 0, "namespace": "kubespan", "address": None, "subnet": None, "public_key": "p"}


def test_untyped_specs_give_their_keys() -> None:
    kind = untyped("Tests.test.dev", "test")
    made = [Resource.new(UntypedSpec(yaml=yaml), id="a", kind=kind) for yaml in ("mtu: 1420\nup: true\n", "", "- 1\n")]
    assert [{k: v for k, v in record.items() if k not in {"id", "version", "namespace"}} for record in records(made)] == [
        {"mtu": 1420, "up": True},
        {},
        {"spec": [1]},
    ]
