"""Rules of the kinds that Talos has had since v1.12; verdicts observed on Talos's own validation (v1.13.3)."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.validate import validate
from talos_resources.releases import NEWEST, Release, release_of
from tests.machineconfig.made import made

HEAD = "apiVersion: v1alpha1\nkind: {}\n{}\n"


def faults(text: str, release: Release = NEWEST, *, mode: str = "cloud") -> list[str]:
    return [fault.text for fault in validate(MachineConfig.load(text, release=release), mode).errors]


@pytest.mark.parametrize(
    ("kind", "rest", "told"),
    [
        ("RegistryAuthConfig", "name: a\nusername: u\npassword: p", ""),
        ("RegistryAuthConfig", "name: a\nusername: u\nidentityToken: t", "only one of username/password or identityToken"),
        ("RegistryAuthConfig", "name: a\nauth: u\nidentityToken: t", "only one of auth, username/password or identityToken"),
        ("RegistryTLSConfig", "name: a\ninsecureSkipVerify: true", ""),
        ("RegistryTLSConfig", "name: a\nca: x", "ca must be a valid PEM-encoded certificate"),
        ("RegistryTLSConfig", "name: a\nclientIdentity: {}", "client identity certificate is invalid"),
        ("DHCPv4Config", "name: eth0\nclientIdentifier: duid", "duidRaw must be set"),
        ("DHCPv6Config", "name: eth0\nduidRaw: '00:01'", "duidRaw can only be set"),
        ("DHCPv6Config", "name: eth0\nclientIdentifier: duid\nduidRaw: '00:01'", ""),
        ("SideroLinkConfig", "apiUrl: grpc://a:1/", ""),
        ("SideroLinkConfig", "apiUrl: https://a/b", "apiUrl path must be empty"),
        ("SideroLinkConfig", "apiUrl: tcp://a", "apiUrl scheme must be"),
        ("OOMConfig", "cgroupRankingExpression: \"'x'\"", "expression output type is string, expected double"),
        ("OOMConfig", "cgroupRankingExpression: 'memory_max.hasValue() ? 0.0 : double(memory_current.orValue(0u))'", ""),
        ("OOMConfig", "triggerExpression: 'multiply_qos_vectors(x, {System: 8.0}) > 3000.0'", ""),
        ("OOMConfig", "triggerExpression: 'multiply_qos_vectors(x)'", "no matching overload"),
        ("ExistingVolumeConfig", "name: v\ndiscovery: {volumeSelector: {match: \"glob('a', 'b')\"}}", "undeclared reference to 'glob'"),
        ("ExistingVolumeConfig", "name: v\ndiscovery: {volumeSelector: {match: system_disk}}", "undeclared reference to 'system_disk'"),
        ("ZswapConfig", "maxPoolPercent: 0", ""),
        ("ZswapConfig", "maxPoolPercent: 101", "between 0 and 100"),
        ("PCIDriverRebindConfig", "name: '0000:04:00.00'", ""),
        ("TrustedRootsConfig", "name: r", ""),
        ("ExtensionServiceConfig", "name: e\nenvironment: [NAME]", ""),
    ],
)
def test_documents(kind: str, rest: str, told: str) -> None:
    found = faults(HEAD.format(kind, rest))
    assert bool(found) == bool(told)
    assert told in " ".join(found)


def test_name_servers_are_looked_at_since_v1_14() -> None:
    text = HEAD.format("ResolverConfig", "nameservers: [{}]")
    assert faults(text)
    assert not faults(text, release_of("v1.13"))


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("machine: {install: {diskSelector: {}}}", ""),
        ("machine: {install: {diskSelector: {type: ssd}}}", ""),
        ("machine: {install: {diskSelector: {type: tape}}}", "there is no type"),
        ("machine: {install: {disk: /dev/sda, diskSelector: {name: a}}}", "disks cannot be chosen by name"),
        ("machine: {logging: {destinations: [{endpoint: 'udp://a:1', format: json_lines}]}}", ""),
        ("machine: {logging: {destinations: [{endpoint: 'https://a:1', format: json_lines}]}}", "begins with tcp:// or udp://"),
        ("machine: {logging: {destinations: [{endpoint: '', format: json_lines}]}}", "has no host"),
        ("cluster: {etcd: {subnet: 10.0.0.0/8}}", ""),
        ("cluster: {etcd: {subnet: ten}}", "is no network"),
    ],
)
def test_sections(section: str, told: str) -> None:
    from talos_resources.machineconfig.patch.apply import patch_text
    from talos_resources.machineconfig.patch.load import parse_patch

    found = faults(patch_text(made(), [parse_patch(section)]).text, mode="metal")
    before = faults(made(), mode="metal")
    assert bool(set(found) - set(before)) == bool(told)
    assert told in " ".join(found)
