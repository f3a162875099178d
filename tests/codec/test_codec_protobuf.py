"""The hand-written wire codec against the protobuf runtime."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources._generated import cosi_meta_pb2, cosi_resource_pb2, talos_cluster_pb2, talos_kubespan_pb2
from talos_resources.codec.protowire import WireError, read_varint, signed, varint
from talos_resources.codec.specs import spec_from_wire, spec_to_wire
from talos_resources.codec.text import spec_to_yaml
from talos_resources.codec.wire import resource_as_it_is, resource_from_wire, resource_to_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanAffiliate, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus
from talos_resources.testing import strategies

_MESSAGES: dict[str, Any] = {
    "Affiliates.cluster.talos.dev": talos_cluster_pb2.AffiliateSpec,
    "DiscoveryConfigs.cluster.talos.dev": talos_cluster_pb2.ConfigSpec,
    "Identities.cluster.talos.dev": talos_cluster_pb2.IdentitySpec,
    "Infos.cluster.talos.dev": talos_cluster_pb2.InfoSpec,
    "KubeSpanConfigs.kubespan.talos.dev": talos_kubespan_pb2.ConfigSpec,
    "KubeSpanEndpoints.kubespan.talos.dev": talos_kubespan_pb2.EndpointSpec,
    "KubeSpanIdentities.kubespan.talos.dev": talos_kubespan_pb2.IdentitySpec,
    "KubeSpanPeerSpecs.kubespan.talos.dev": talos_kubespan_pb2.PeerSpecSpec,
    "KubeSpanPeerStatuses.kubespan.talos.dev": talos_kubespan_pb2.PeerStatusSpec,
    "Members.cluster.talos.dev": talos_cluster_pb2.MemberSpec,
    "Namespaces.meta.cosi.dev": cosi_meta_pb2.NamespaceSpec,
    "ResourceDefinitions.meta.cosi.dev": cosi_meta_pb2.ResourceDefinitionSpec,
}

_ONE_BYTE = "an address of 1 bytes, which is neither 4 nor 16"


@pytest.mark.parametrize("name", _MESSAGES)
def test_specs_are_the_runtimes(name: Any) -> None:
    message = _MESSAGES[name]
    kind = typed_kind(name)
    assert kind is not None

    @settings(max_examples=40)
    @given(strategies.specs(kind.spec))
    def check(spec: Any) -> None:
        data = spec_to_wire(spec)
        parsed = message.FromString(data)
        assert len(UnknownFieldSet(parsed)) == 0
        assert parsed.SerializeToString(deterministic=True) == data

    check()


@given(strategies.any_resources())
def test_resources_are_the_runtimes(resource: Any) -> None:
    parsed = cosi_resource_pb2.Resource.FromString(resource_to_wire(resource))
    metadata = parsed.metadata
    assert (metadata.namespace, metadata.type, metadata.id) == (resource.namespace, resource.type, resource.id)
    assert metadata.version == str(resource.version or "undefined")
    assert (metadata.owner, metadata.phase) == (resource.owner, resource.phase)
    assert dict(metadata.labels) == resource.labels
    assert dict(metadata.annotations) == resource.metadata.annotations
    assert tuple(metadata.finalizers) == resource.metadata.finalizers
    assert Timestamp.from_seconds(metadata.created.seconds, metadata.created.nanos) == resource.metadata.created
    assert Timestamp.from_seconds(metadata.updated.seconds, metadata.updated.nanos) == resource.metadata.updated
    assert parsed.spec.proto_spec == spec_to_wire(resource.spec)
    assert parsed.spec.yaml_spec == spec_to_yaml(resource.spec)
    assert resource_from_wire(parsed.SerializeToString()) == resource


@given(st.integers(-(2**63), 2**64 - 1))
def test_varints(number: Any) -> None:
    data = varint(number)
    unsigned, end = read_varint(b"\xff" + data, 1)
    assert end == 1 + len(data)
    assert unsigned == number % 2**64
    if number < 2**63:
        assert signed(unsigned) == number


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 10 + b"\x01"])
def test_broken_varints(data: Any) -> None:
    with pytest.raises(WireError):
        read_varint(data, 0)


def test_parts_of_one_message_belong_together() -> None:
    first, second = (
        KubeSpanAffiliate(public_key="a", endpoints=(None,)),
        KubeSpanAffiliate(public_key="b", endpoints=(AddrPort.parse("[::1]:1"),)),
    )
    data = spec_to_wire(Affiliate(kubespan=first)) + spec_to_wire(Affiliate(kubespan=second))
    assert spec_from_wire(Affiliate, data).kubespan == KubeSpanAffiliate(public_key="b", endpoints=(*first.endpoints, *second.endpoints))


def test_presence_of_messages_is_kept() -> None:
    for part in (None, KubeSpanAffiliate()):
        assert spec_from_wire(Affiliate, spec_to_wire(Affiliate(kubespan=part))).kubespan == part


def test_values_that_only_the_wire_has() -> None:
    message = talos_kubespan_pb2.PeerSpecSpec()
    message.allowed_ips.add(ip=bytes([10, 0, 0, 1]), prefix_length=33)
    message.allowed_ips.add(prefix_length=-1)
    message.endpoints.add()
    spec = spec_from_wire(KubeSpanPeerSpec, message.SerializeToString())
    assert spec.allowed_ips == (IPPrefix(AddrPort.parse("10.0.0.1:1").address, None), None)
    assert spec.endpoints == (None,)
    assert spec_to_yaml(spec) == 'address: ""\nallowedIPs:\n    - invalid Prefix\n    - ""\nendpoints:\n    - ""\nlabel: ""\n'
    assert spec_from_wire(KubeSpanPeerSpec, spec_to_wire(spec)) == spec


@pytest.mark.parametrize(
    ("cls", "data", "path", "text"),
    [
        (KubeSpanPeerStatus, b"\x12\x01\xff", "label", "byte 0xff is not valid UTF-8"),
        (KubeSpanPeerStatus, b"\x0a\x05\x0a\x0312\x33", "endpoint", "an address of 3 bytes, which is neither 4 nor 16"),
        (KubeSpanPeerStatus, b"\x0a\x04\x10\x80\x80\x04", "endpoint", "the port 65536 is not from 0 to 65535"),
        (KubeSpanPeerStatus, b"\x32\x08\x08\xff\xff\xff\xff\xff\xff\x7f", "lastHandshakeTime", None),
        (KubeSpanPeerStatus, b"\x12\x05ab", "", "not a message: cut off: a field of 5 bytes, of which 2 are there"),
        (KubeSpanPeerStatus, b"\x07", "", "not a message: a field with the number 0"),
        (KubeSpanPeerStatus, b"\x0f", "", "not a message: a field of wire type 7"),
        (
            KubeSpanPeerSpec,
            b"\x1a\x00\x1a\x02\x10\x07\x1a\x03\x0a\x01x",
            "endpoints[2]",
            "an address of 1 bytes, which is neither 4 nor 16",
        ),
        (Affiliate, b"\x3a\x05\x22\x03\x0a\x01x", "kubespan.endpoints[0]", _ONE_BYTE),
        (KubeSpanIdentity, b"\x0a\x13\x0a\x11" + b"\0" * 16 + b"%", "address", "an address with the zone '%'"),
    ],
)
def test_faults_name_their_field(cls: Any, data: Any, path: Any, text: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        spec_from_wire(cls, data)
    assert caught.value.path == path
    assert text is None or caught.value.text == text


def test_a_resource_names_the_field_at_fault() -> None:
    message = cosi_resource_pb2.Resource()
    message.metadata.type, message.metadata.phase, message.metadata.version = "KubeSpanPeerStatuses.kubespan.talos.dev", "running", "1"
    message.spec.proto_spec = b"\x12\x01\xff"
    with pytest.raises(DecodeError, match="label: byte 0xff is not") as caught:
        resource_from_wire(message.SerializeToString())
    assert caught.value.path == "spec.label"
    message.metadata.version = "one"
    with pytest.raises(DecodeError, match=r"metadata\.version: 'one' is no version number"):
        resource_from_wire(message.SerializeToString())
    message.metadata.version, message.metadata.phase = "undefined", "sleeping"
    with pytest.raises(DecodeError, match=r"metadata\.phase: 'sleeping' is neither"):
        resource_from_wire(message.SerializeToString())


def test_a_typed_spec_may_come_as_yaml_only() -> None:
    message = cosi_resource_pb2.Resource()
    message.metadata.type, message.metadata.phase = "KubeSpanPeerStatuses.kubespan.talos.dev", "running"
    message.spec.yaml_spec = "label: a\nstate: up\n"
    assert spec_to_yaml(resource_from_wire(message.SerializeToString()).spec).startswith('endpoint: ""\nlabel: a\nstate: up\n')


def test_what_was_read_out_of_a_recording_is_not_kept() -> None:
    data = resource_to_wire(Resource.new(KubeSpanPeerStatus(label="a"), id="p"))
    assert resource_as_it_is(data) is not resource_as_it_is(data)
