"""What older nodes wrote, and what there is only as YAML."""

from __future__ import annotations

import json

import pytest

from talos_resources._generated import cosi_resource_pb2
from talos_resources.backends.memory import MemoryState
from talos_resources.codec.as_given import says_less
from talos_resources.codec.text import resource_to_json, resource_to_yaml, spec_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.sent import sent_yaml
from talos_resources.resources import Affiliate, DiscoveryConfig
from talos_resources.resources.etcd.arg_values import ArgValues
from talos_resources.resources.etcd.etcd_spec import EtcdSpec
from talos_resources.resources.network.link_status import LinkStatus
from talos_resources.resources.network.operator_spec import DHCP4OperatorSpec, DHCP6OperatorSpec, OperatorSpec
from talos_resources.sources.documents import parse

HEAD = """\
node: a
metadata:
    namespace: {0}
    type: {1}
    id: {2}
    version: 1
    owner: x.Controller
    phase: running
    created: 2026-01-02T03:04:05Z
    updated: 2026-01-02T03:04:05Z
"""
# Talos v1.12: neither serviceEndpoints nor excludeAdvertisedNetworks.
DISCOVERY = (
    HEAD.format("config", "DiscoveryConfigs.cluster.talos.dev", "cluster")
    + """\
spec:
    discoveryEnabled: true
    registryKubernetesEnabled: false
    registryServiceEnabled: true
    serviceEndpoint: discovery.talos.dev:443
    serviceEncryptionKey:
        - 1
        - 2
    serviceClusterID: {}
"""
)
AFFILIATE = (
    HEAD.format("cluster", "Affiliates.cluster.talos.dev", "n1")
    + """\
spec:
    nodeId: n1
    addresses:
        - 10.0.0.1
    hostname: {}
    operatingSystem: Talos (v1.12.3)
    machineType: worker
    kubespan:
        publicKey: k=
        address: fd00::1
        additionalAddresses: []
        endpoints:
            - 10.0.0.1:51820
"""
)


@pytest.mark.parametrize("text", [DISCOVERY, AFFILIATE])
@pytest.mark.parametrize("value", ["plain", "'n'", "'two: words'"])
def test_older_nodes_do_not_gain_fields(text: str, value: str) -> None:
    """Read line by line, and by the reader of all YAML."""
    text = text.format(value)
    [entry] = parse(text.encode(), source="f")
    assert resource_to_yaml(entry.resource, head={"node": "a"}) == text
    assert isinstance(entry.resource.spec, DiscoveryConfig | Affiliate)
    plain = json.loads(resource_to_json(entry.resource))["spec"]
    assert "serviceEndpoints" not in plain
    assert "excludeAdvertisedNetworks" not in plain.get("kubespan", {})
    # From JSON, whose keys are sorted, they come in the order of the class again.
    [again] = parse(resource_to_json(entry.resource, head={"node": "a"}).encode(), source="f")
    assert again.resource == entry.resource
    if value != "'n'":  # of which JSON does not tell who quoted it how
        assert resource_to_yaml(again.resource, head={"node": "a"}) == text


def test_what_newer_nodes_write_needs_no_text() -> None:
    [entry] = parse((DISCOVERY.format("x") + "    serviceEndpoints: []\n").encode(), source="f")
    assert sent_yaml(entry.resource) is None


@pytest.mark.parametrize("text", [DISCOVERY, AFFILIATE])
def test_stores_keep_what_they_wrote(text: str) -> None:
    [entry] = parse(text.format("x").encode(), source="f")
    assert sent_yaml(resource_from_wire(resource_to_wire(entry.resource, with_yaml=False))) == sent_yaml(entry.resource)
    newer = text.format("x").replace("        endpoints", "        excludeAdvertisedNetworks: []\n        endpoints")
    [entry] = parse((newer + ("    serviceEndpoints: []\n" if text is DISCOVERY else "")).encode(), source="f")
    assert sent_yaml(resource_from_wire(resource_to_wire(entry.resource, with_yaml=False))) is None


def test_what_stores_need_not_keep_is_told_by_each_part_alone() -> None:
    """Keys of a part that follows are none of its own, and keys of a mapping are nobody's fields."""
    assert not says_less(EtcdSpec, spec_to_yaml(EtcdSpec(extra_args={"a": ArgValues(values=("b",))})))
    part = DHCP4OperatorSpec(route_metric=1, skip_routes=True)
    text = spec_to_yaml(OperatorSpec(dhcp4=part, dhcp6=DHCP6OperatorSpec(route_metric=2)))
    assert not says_less(OperatorSpec, text)
    assert says_less(OperatorSpec, text.replace("    routeMetric: 1\n", ""))
    assert says_less(OperatorSpec, "operator: dhcp4\nlinkName: a\nrequireUp: true\ndhcp4: {}\n")


def test_changed_it_is_written_anew() -> None:
    [entry] = parse(DISCOVERY.format("x").encode(), source="f")
    assert "serviceEndpoints: []\n" in resource_to_yaml(entry.resource.with_spec(service_endpoint="y:1"))


def test_what_is_known_as_yaml_only_has_a_message_for_who_reads_messages() -> None:
    """Clients in Go read the message alone: without it a link of a saved node would be an empty one."""
    link = (
        HEAD.format("network", "LinkStatuses.net.talos.dev", "eth0") + "spec:\n    index: 7\n    type: ether\n    flags: UP\n    moon: 1\n"
    )
    [entry] = parse(link.encode(), source="f")
    state = MemoryState()
    state.restore([entry.resource])
    message = cosi_resource_pb2.Resource.FromString(resource_to_wire(state.get(LinkStatus, "eth0")))
    assert message.spec.yaml_spec == "index: 7\ntype: ether\nflags: UP\nmoon: 1\n"
    message.spec.yaml_spec = ""
    read = resource_from_wire(message.SerializeToString()).spec
    assert (read.index, str(read.type), str(read.flags)) == (7, "ether", "UP")


@pytest.mark.parametrize("spec", ["spec: <REDACTED>\n", "spec:\n    index: many\n"])
def test_what_is_no_spec_of_the_type_has_none(spec: str) -> None:
    [entry] = parse((HEAD.format("network", "LinkStatuses.net.talos.dev", "eth0") + spec).encode(), source="f")
    assert cosi_resource_pb2.Resource.FromString(resource_to_wire(entry.resource)).spec.proto_spec == b""
