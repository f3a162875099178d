"""Secrets are left out of resources of every type, wherever in the spec they stand."""

from __future__ import annotations

from talos_resources.model.redact import REDACTED, redacted
from talos_resources.model.resource import Resource
from talos_resources.model.spec import RedactedSpec
from talos_resources.resources import LinkSpec, RegistryConfig, StaticHost
from talos_resources.resources.network.wireguard_spec import WireguardPeer, WireguardSpec


def test_secrets_in_parts_are_hidden() -> None:
    spec = LinkSpec(name="wg0", wireguard=WireguardSpec(private_key="hunter2", peers=(WireguardPeer(preshared_key="hunter3"),)))
    resource = Resource.new(spec, id="wg0")
    assert "hunter" not in repr(resource)
    hidden = redacted(resource, sensitive=False).spec
    assert hidden.name == "wg0"
    assert hidden.wireguard.private_key == hidden.wireguard.peers[0].preshared_key == REDACTED
    assert resource.spec.wireguard.private_key == "hunter2"


def test_of_sensitive_types_nothing_is_left() -> None:
    resource = Resource.new(RegistryConfig(), id="registries")
    assert isinstance(redacted(resource, sensitive=True).spec, RedactedSpec)


def test_what_has_no_secrets_is_the_same() -> None:
    resource = Resource.new(StaticHost(), id="a")
    assert redacted(resource, sensitive=False) is resource
