"""Strict decoding: no conversions, every fault with its path, no secrets in messages."""

from __future__ import annotations

from typing import Any

import pytest

from talos_resources.codec.plain import resource_from_plain, spec_from_plain
from talos_resources.codec.text import resource_from_json, resource_from_yaml
from talos_resources.model.errors import DecodeError
from talos_resources.resources import (
    Affiliate,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    LinkStatus,
)
from talos_resources.resources.network.link_type import LinkType


@pytest.mark.parametrize(
    ("cls", "plain", "faults"),
    [
        (KubeSpanConfig, {"mtu": "1420"}, [("mtu", "expected an integer, got a text ('1420')")]),
        (KubeSpanConfig, {"mtu": True}, [("mtu", "expected an integer, got a boolean (True)")]),
        (KubeSpanConfig, {"mtu": 1420.0}, [("mtu", "expected an integer, got a number (1420.0)")]),
        (KubeSpanConfig, {"mtu": -1}, [("mtu", "-1 is not from 0 to 4294967295")]),
        (KubeSpanConfig, {"enabled": "yes"}, [("enabled", "expected true or false, got a text ('yes')")]),
        (KubeSpanConfig, {"sharedSecret": 5}, [("sharedSecret", "an integer cannot be this secret")]),
        (KubeSpanConfig, {"endpointFilters": "10.0.0.0/8"}, [("endpointFilters", "expected a list, got a text ('10.0.0.0/8')")]),
        (KubeSpanConfig, {"endpointFilters": ["a", 5]}, [("endpointFilters[1]", "expected a text, got an integer; quote it if it is one")]),
        (KubeSpanPeerStatus, {"receiveBytes": 2**63}, [("receiveBytes", f"{2**63} is not from {-(2**63)} to {2**63 - 1}")]),
        (KubeSpanPeerStatus, {"state": "UP"}, [("state", "expected one of 'unknown', 'up', 'down', got a text ('UP')")]),
        (
            LinkStatus,
            {"type": "none"},
            [("type", f"expected one of {', '.join(repr(kind.value) for kind in [*LinkType][:12])} and 64 more, got a text ('none')")],
        ),
        (KubeSpanPeerStatus, {"lastHandshakeTime": 0}, [("lastHandshakeTime", "expected a time, got an integer (0)")]),
        (
            KubeSpanPeerStatus,
            {"lastHandshakeTime": "soon"},
            [("lastHandshakeTime", "'soon' is not an RFC 3339 time such as 2026-01-02T03:04:05Z")],
        ),
        (KubeSpanPeerSpec, {"address": 5}, [("address", "expected an IP address, got an integer (5)")]),
        (KubeSpanPeerSpec, {"address": "x"}, [("address", "'x' does not appear to be an IPv4 or IPv6 address")]),
        (KubeSpanPeerSpec, {"allowedIPs": ["10.0.0.0/33"]}, [("allowedIPs[0]", "'10.0.0.0/33' has a prefix longer than 32 bits")]),
        (DiscoveryConfig, {"serviceEncryptionKey": [1, 256]}, [("serviceEncryptionKey", "a list cannot be this secret")]),
        (Affiliate, {"kubespan": "x"}, [("kubespan", "expected a mapping, got a text ('x')")]),
        (Affiliate, {"controlPlane": {"port": None}}, [("controlPlane.port", "expected an integer, got nothing")]),
        (Affiliate, [], [("", "expected a mapping, got a list")]),
        (Affiliate, None, [("", "expected a mapping, got nothing")]),
    ],
)
def test_faults(cls: Any, plain: Any, faults: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        spec_from_plain(cls, plain)
    assert list(caught.value.faults) == faults


def test_every_fault_is_told() -> None:
    plain = {"nodeId": 1, "addresses": ["10.0.0.1", "x", 7], "kubespan": {"endpoints": ["10.0.0.1"]}, "machineType": "boss"}
    with pytest.raises(DecodeError) as caught:
        spec_from_plain(Affiliate, plain, path="spec")
    paths = [path for path, _ in caught.value.faults]
    assert paths == ["spec.nodeId", "spec.addresses[1]", "spec.addresses[2]", "spec.machineType", "spec.kubespan.endpoints[0]"]
    assert str(caught.value) == "spec.nodeId: expected a text, got an integer; quote it if it is one (and 4 more)"


def test_null_lists_and_absent_fields_are_empty() -> None:
    assert spec_from_plain(Affiliate, {"addresses": None, "kubespan": None}) == Affiliate()


def test_a_secret_is_in_no_message() -> None:
    with pytest.raises(DecodeError) as caught:
        spec_from_plain(KubeSpanIdentity, {"privateKey": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


_METADATA = {"namespace": "kubespan", "type": "KubeSpanPeerStatuses.kubespan.talos.dev", "id": "a", "version": 3, "phase": "running"}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"version": -1}, [("metadata.version", "expected a version number, got an integer (-1)")]),
        ({"version": "x"}, [("metadata.version", "expected a version number, got a text ('x')")]),
        ({"phase": "dead"}, [("metadata.phase", "expected one of 'running', 'tearingDown', got a text ('dead')")]),
        ({"labels": {"a": 1}}, [("metadata.labels.a", "expected a text, got an integer; quote it if it is one")]),
        ({"labels": ["a"]}, [("metadata.labels", "expected a mapping, got a list")]),
        ({"finalizers": [1]}, [("metadata.finalizers[0]", "expected a text, got an integer; quote it if it is one")]),
        ({"colour": "red"}, [("metadata.colour", "unknown key")]),
        ({"created": 5}, [("metadata.created", "expected a time, got an integer (5)")]),
    ],
)
def test_metadata_faults(change: Any, faults: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        resource_from_plain({"metadata": {**_METADATA, **change}, "spec": {}}, source="f.yaml")
    assert list(caught.value.faults) == faults
    assert caught.value.source == "f.yaml"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "expected a resource, got a list"),
        ({"spec": {}}, "metadata: expected a mapping, got nothing"),
        ({"metadata": {"id": "a"}}, "metadata.type: is missing"),
        ({"metadata": _METADATA, "spec": {}, "status": {}}, "status: unknown key"),
        ({"metadata": _METADATA, "spec": {"label": 5}}, "spec.label: expected a text, got an integer; quote it if it is one"),
    ],
)
def test_resource_faults(value: Any, text: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        resource_from_plain(value)
    assert str(caught.value) == text


def test_metadata_is_text_however_it_is_written() -> None:
    """talosctl quotes nothing there."""
    text = "metadata:\n    namespace: 1e3\n    type: Tests.test.dev\n    id: 0x10\n    version: 7\n    owner:\n    phase: running\n"
    text += "    created: 2026-01-02T03:04:05Z\n    updated: 2026-01-02T03:04:05Z\n    labels:\n        a: true\n        1: ~\n        z:\n"
    resource = resource_from_yaml(text + "spec:\n    mode: 0o644\n    size: 1.50\n")
    assert (resource.namespace, resource.id, resource.version, resource.owner) == ("1e3", "0x10", 7, "")
    assert resource.labels == {"a": "true", "1": "~", "z": ""}
    assert resource.spec.yaml == "mode: 0o644\nsize: 1.50\n"


def test_several_documents_are_refused() -> None:
    with pytest.raises(DecodeError, match="expected one resource, found 2"):
        resource_from_yaml("a: 1\n---\nb: 2\n")
    with pytest.raises(DecodeError, match="expected one resource, found 0"):
        resource_from_yaml("")
    with pytest.raises(DecodeError, match="not JSON"):
        resource_from_json("{} {}")
