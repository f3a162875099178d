"""Values as people write them are converted or refused when a spec is made or changed."""

from __future__ import annotations

import copy
import datetime as dt
import ipaddress
import pickle
from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, Member, PeerState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.load import memory_state

MOMENT = Timestamp.parse("2026-11-26T02:14:31Z")
ENDPOINT = AddrPort.parse("10.0.0.1:51820")
NATURAL: list[tuple[type[Any], str, Any, Any]] = [
    (KubeSpanPeerStatus, "state", "up", PeerState.UP),
    (KubeSpanPeerStatus, "state", "UP", PeerState.UP),
    (KubeSpanPeerStatus, "endpoint", "10.0.0.1:51820", ENDPOINT),
    (KubeSpanPeerStatus, "endpoint", ("10.0.0.1", 51820), ENDPOINT),
    (KubeSpanPeerStatus, "endpoint", None, None),
    (KubeSpanPeerStatus, "last_handshake_time", "2026-11-26T02:14:31Z", MOMENT),
    (KubeSpanPeerStatus, "last_handshake_time", dt.datetime(2026, 11, 26, 2, 14, 31, tzinfo=dt.UTC), MOMENT),
    (KubeSpanPeerSpec, "address", "fd00::1", ipaddress.IPv6Address("fd00::1")),
    (KubeSpanPeerSpec, "endpoints", ["10.0.0.1:51820"], (ENDPOINT,)),
    (KubeSpanPeerSpec, "endpoints", iter(["10.0.0.1:51820", ENDPOINT]), (ENDPOINT, ENDPOINT)),
    (KubeSpanPeerSpec, "allowed_ips", [ipaddress.ip_network("10.0.0.0/8")], (IPPrefix.parse("10.0.0.0/8"),)),
    (KubeSpanPeerSpec, "allowed_ips", (), ()),
    (KubeSpanPeerSpec, "allowed_ips", None, ()),
    (Affiliate, "addresses", ["10.0.0.1"], (ipaddress.IPv4Address("10.0.0.1"),)),
    (Member, "machine_type", "worker", "worker"),
]
REFUSED: list[tuple[type[Any], str, Any, type[Exception], str]] = [
    (KubeSpanPeerStatus, "label", 1, TypeError, r"KubeSpanPeerStatus\.label holds str, got int \(1\)"),
    (KubeSpanPeerStatus, "label", None, TypeError, "label holds str, got NoneType"),
    (KubeSpanPeerStatus, "state", "sideways", ValueError, "'sideways' is none of 'unknown', 'up', 'down'"),
    (KubeSpanPeerStatus, "state", 1, TypeError, "state holds PeerState"),
    (KubeSpanPeerStatus, "endpoint", "10.0.0.1", ValueError, r"KubeSpanPeerStatus\.endpoint: .*such as 172"),
    (KubeSpanPeerStatus, "endpoint", 7, TypeError, "holds AddrPort or None"),
    (KubeSpanPeerStatus, "receive_bytes", "5", TypeError, "holds int"),
    (KubeSpanPeerStatus, "receive_bytes", True, TypeError, "holds int, got bool"),
    (KubeSpanPeerStatus, "last_handshake_time", 5, TypeError, "holds Timestamp, got int"),
    (KubeSpanPeerSpec, "endpoints", "10.0.0.1:51820", TypeError, "endpoints holds a tuple, got str"),
    (KubeSpanPeerSpec, "endpoints", [7], TypeError, "holds AddrPort"),
]


@pytest.mark.parametrize(("cls", "field", "given", "held"), NATURAL)
def test_what_means_something_is_converted(cls: type[Any], field: str, given: Any, held: Any) -> None:
    if not hasattr(given, "__next__"):  # which gives its items once
        changed = getattr(Resource.new(cls(), id="x").with_spec(**{field: given}).spec, field)
        assert (changed, type(changed)) == (held, type(getattr(cls(**{field: given}), field)))
    assert getattr(cls(**{field: given}) if not hasattr(given, "__next__") else cls(**{field: copy.copy(given)}), field) == held


@pytest.mark.parametrize(("cls", "field", "given", "error", "message"), REFUSED)
def test_what_means_nothing_is_refused(cls: type[Any], field: str, given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cls(**{field: given})
    with pytest.raises(error, match=message):
        Resource.new(cls(), id="x").with_spec(**{field: given})


def test_enums_are_members() -> None:
    state: Any = "up"
    assert KubeSpanPeerStatus(state=state).state is PeerState.UP


def test_right_values_are_kept_as_they_are() -> None:
    endpoints = (ENDPOINT,)
    assert KubeSpanPeerSpec(endpoints=endpoints).endpoints is endpoints
    spec = KubeSpanPeerStatus(endpoint=ENDPOINT)
    assert spec.endpoint is ENDPOINT
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec


def test_secrets_are_not_shown() -> None:
    secret: Any = 8675309
    with pytest.raises(TypeError, match="holds str, got int$"):
        KubeSpanIdentity(private_key=secret)


def test_unknown_fields_are_refused_as_ever() -> None:
    with pytest.raises(TypeError, match="nope"):
        KubeSpanPeerStatus(nope=1)  # type: ignore[call-arg]  # the point of the test
    with pytest.raises(TypeError, match="nope"):
        Resource.new(KubeSpanPeerStatus(), id="x").with_spec(nope=1)


def test_what_was_made_naturally_can_be_served(tmp_path: Path) -> None:
    natural: dict[str, Any] = {"state": "up", "endpoint": "10.0.0.1:51820"}
    resource = Resource.new(KubeSpanPeerStatus(**natural), id="a")
    with BackgroundServer(memory_state([resource]), f"unix:{tmp_path}/x.sock") as server, connect_plain(server.address) as node:
        assert node.get(KubeSpanPeerStatus, "a").spec == resource.spec
