"""Values as people write them are converted or refused when a spec is made or changed."""

from __future__ import annotations

import copy
import datetime as dt
import ipaddress
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from talos_resources.codec.fields import fields_of
from talos_resources.model.duration import Duration
from talos_resources.model.kind import typed_kinds, untyped
from talos_resources.model.metadata import Metadata, Phase
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.spec import NO_ENTRIES
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import HardwareAddr
from talos_resources.resources import (
    Affiliate,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    LinkStatus,
    Member,
    NodeAddress,
    NodeStatus,
    OOMAction,
    PeerState,
    SeccompProfile,
    VolumeConfig,
)
from talos_resources.resources.network.link_status import LinkFlags
from talos_resources.resources.network.wireguard_spec import WireguardPeer
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.load import memory_state

MOMENT = Timestamp.parse("2026-11-26T02:14:31Z")
ENDPOINT = AddrPort.parse("10.0.0.1:51820")
ENDLESS: dict[str, Any] = {}
ENDLESS["a"] = ENDLESS
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
    (LinkStatus, "hardware_addr", "52:54:00:12:34:56", HardwareAddr(b"RT\x00\x124V")),
    (LinkStatus, "hardware_addr", b"RT\x00\x124V", HardwareAddr(b"RT\x00\x124V")),
    (LinkStatus, "flags", "UP,RUNNING", LinkFlags.UP | LinkFlags.RUNNING),
    (NodeAddress, "addresses", [ipaddress.ip_interface("10.0.0.1/8")], (IPPrefix.parse("10.0.0.1/8"),)),
    (NodeStatus, "labels", {"a": "b"}, immutabledict({"a": "b"})),
    (NodeStatus, "labels", None, immutabledict()),
    (OOMAction, "score", 1, 1.0),
    (SeccompProfile, "value", {"a": [1, {"b": None}]}, immutabledict({"a": (1, immutabledict({"b": None}))})),
    (SeccompProfile, "value", None, NO_ENTRIES),
    (VolumeConfig, "parent_id", "a", "a"),
    (WireguardPeer, "persistent_keepalive_interval", dt.timedelta(seconds=25), Duration(25 * 10**9)),
    (WireguardPeer, "persistent_keepalive_interval", "25s", Duration(25 * 10**9)),
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
    (LinkStatus, "mtu", -1, ValueError, r"LinkStatus\.mtu: -1 is not from 0 to 4294967295"),
    (LinkStatus, "mtu", 2**32, ValueError, "is not from 0"),
    (KubeSpanPeerStatus, "receive_bytes", 2**63, ValueError, "is not from -9223372036854775808"),
    (LinkStatus, "hardware_addr", "5254", ValueError, "such as 52:54:00:12:34:56"),
    (LinkStatus, "flags", "UP,SIDEWAYS", ValueError, "'SIDEWAYS' is none of UP, BROADCAST"),
    (LinkStatus, "unknown", b"x", TypeError, r"LinkStatus\.unknown holds Unknown or None, got bytes"),
    (NodeStatus, "labels", {"a": 1}, TypeError, r"NodeStatus\.labels holds str, got int \(1\)"),
    (NodeStatus, "labels", {1: "a"}, TypeError, "has texts for keys, got int"),
    (NodeStatus, "labels", ["a"], TypeError, "holds a mapping, got list"),
    (SeccompProfile, "value", [], TypeError, r"SeccompProfile\.value holds a mapping, got list"),
    (SeccompProfile, "value", {"a": {1}}, TypeError, r"SeccompProfile\.value: a free-form value has no set in it"),
    (SeccompProfile, "value", {"a": {1: 2}}, TypeError, "texts for keys, no int"),
    (SeccompProfile, "value", ENDLESS, ValueError, "nested more than 100 deep"),
    (OOMAction, "score", True, TypeError, "holds float, got bool"),
    (WireguardPeer, "persistent_keepalive_interval", 25, TypeError, "holds Duration, got int"),
    (WireguardPeer, "persistent_keepalive_interval", "soon", ValueError, "such as 1h30m"),
    (WireguardPeer, "persistent_keepalive_interval", dt.timedelta(days=10**6), ValueError, "292 years"),
]
WRONG_METADATA: list[tuple[str, Any, type[Exception], str]] = [
    ("id", None, TypeError, r"Metadata\.id holds str, got NoneType"),
    ("version", -1, ValueError, r"Metadata\.version: -1 is not from 0 to"),
    ("version", "1", TypeError, "holds int, got str"),
    ("phase", "gone", ValueError, "'gone' is none of 'running', 'tearingDown'"),
    ("owner", None, TypeError, "holds str"),
    ("finalizers", "me", TypeError, "holds a tuple, got str"),
    ("labels", {"a": 1}, TypeError, r"Metadata\.labels holds str, got int"),
    ("labels", ["a"], TypeError, "holds a mapping"),
    ("created", "yesterday", ValueError, "RFC 3339"),
]


@pytest.mark.parametrize(("cls", "field", "given", "held"), NATURAL)
def test_what_means_something_is_converted(cls: type[Any], field: str, given: Any, held: Any) -> None:
    if not hasattr(given, "__next__") and hasattr(cls, "KIND"):  # which gives its items once
        changed = getattr(Resource.new(cls(), id="x").with_spec(**{field: given}).spec, field)
        assert (changed, type(changed)) == (held, type(getattr(cls(**{field: given}), field)))
    assert getattr(cls(**{field: given}) if not hasattr(given, "__next__") else cls(**{field: copy.copy(given)}), field) == held


@pytest.mark.parametrize(("cls", "field", "given", "error", "message"), REFUSED)
def test_what_means_nothing_is_refused(cls: type[Any], field: str, given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cls(**{field: given})
    if hasattr(cls, "KIND"):
        with pytest.raises(error, match=message):
            Resource.new(cls(), id="x").with_spec(**{field: given})


def test_every_field_of_every_class_says_what_it_does_not_take() -> None:
    classes = {kind.spec for kind in typed_kinds() if kind.spec.__module__.startswith("talos_resources.resources.")}
    parts = {info.cls for cls in classes for info in fields_of(cls) if info.shape == "message"}
    while parts - classes:
        classes |= parts
        parts = {info.cls for cls in classes for info in fields_of(cls) if info.shape == "message"}
    assert len(classes) > 280
    for cls in classes:
        for field in attrs.fields(cls):
            with pytest.raises(TypeError, match=rf"\A{cls.__name__}\.{field.name}\b.* (holds|got) .*object"):
                cls(**{field.name: object()})


@pytest.mark.parametrize(("field", "given", "error", "message"), WRONG_METADATA)
def test_metadata_says_what_it_does_not_take(field: str, given: Any, error: type[Exception], message: str) -> None:
    right: dict[str, Any] = {"namespace": "a", "type": "As.b.c", "id": "x"}
    with pytest.raises(error, match=message):
        Metadata(**{**right, field: given})
    with pytest.raises(error, match=message):
        Resource.new(LinkStatus(), id="x").with_metadata(**{field: given})


def test_metadata_is_converted() -> None:
    made = Resource.new(LinkStatus(), id="x", finalizers=["me"], labels={"a": "b"}).with_metadata(phase="tearingDown")
    assert made.metadata.finalizers == ("me",)
    assert made.labels == immutabledict({"a": "b"})
    assert isinstance(made.labels, immutabledict)
    assert made.phase is Phase.TEARING_DOWN


@pytest.mark.parametrize(
    ("spec", "given", "error", "message"),
    [
        (LinkStatus(), {"id": 5}, TypeError, r"Metadata\.id holds str, got int \(5\)"),
        (LinkStatus(), {"id": ""}, ValueError, "a LinkStatus needs an id"),
        (LinkStatus(), {"id": "x", "labels": {"a": 5}}, TypeError, r"Metadata\.labels holds str"),
        (LinkStatus(), {"id": "x", "kind": Member}, TypeError, r"Members\.cluster\.talos\.dev holds Member, got LinkStatus"),
        (
            LinkStatus(),
            {"id": "x", "kind": "links"},
            TypeError,
            r"'links' is neither a Kind nor a resource class .*; state\.kind\('links'\) finds",
        ),
        (LinkStatus, {"id": "x"}, TypeError, "neither a Kind nor a resource class"),
        ({}, {"id": "x"}, TypeError, "neither a Kind nor a resource class"),
        (WireguardPeer(), {"id": "x"}, TypeError, "neither a Kind nor a resource class"),
    ],
)
def test_a_new_resource_says_what_it_cannot_be_made_of(spec: Any, given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Resource.new(spec, **given)


def test_a_kind_that_is_known_by_its_name_takes_the_class_of_its_type() -> None:
    links: Any = untyped("LinkStatuses.net.talos.dev", "elsewhere")
    assert Resource.new(LinkStatus(), id="x", kind=links).namespace == "elsewhere"
    with pytest.raises(TypeError, match="LinkStatuses.net.talos.dev holds UntypedSpec, got Member"):
        Resource.new(Member(), id="x", kind=links)


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
