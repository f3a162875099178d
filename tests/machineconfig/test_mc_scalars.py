"""What the values of documents may look like, and how they are written back: observed on Talos's own decoder (v1.13.3)."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import DecodeError
from talos_resources.releases import NEWEST, Release, release_of

V1_12 = release_of("v1.12")
MACHINE = "machine: {%s}\n"
BOND = "apiVersion: v1alpha1\nkind: BondConfig\nname: bond0\n%s\n"
RAW = "apiVersion: v1alpha1\nkind: RawVolumeConfig\nname: v\n%s\n"
RULE = "apiVersion: v1alpha1\nkind: NetworkRuleConfig\nname: r\n%s\n"
DISK = MACHINE % "disks: [{partitions: [{size: %s}]}]"


def written(text: str, release: Release = NEWEST) -> str:
    return MachineConfig.load(text, release=release).text()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (DISK % "100MB", "size: 100 MB"),
        (DISK % "100MiB", "size: 104857600"),  # 105 MB would be another size
        (DISK % "1234500", "size: 1234500"),
        (DISK % "1024", "size: 1024"),
        (MACHINE % "install: {diskSelector: {size: '  >= 4GB '}}", "size: '>= 4GB'"),
        (RAW % "provisioning: {minSize: -1GB}", "minSize: -1GB"),
        (RAW % "provisioning: {maxSize: -1.5%}", "maxSize: -1.5%"),
        (RAW % "provisioning: {maxSize: 007%}", "maxSize: 007%"),
        (RAW % "encryption: {cipher: x}", "name: v"),  # without a provider and keys it is nothing
        (BOND % "hardwareAddr: 00:1A:2b3c:4d5e", "hardwareAddr: 00:1a:2b:3c:4d:5e"),
        (BOND % "failOverMac: '1'", "failOverMac: active"),
        (BOND % "failOverMac: ''", "failOverMac: none"),
        (BOND % "arpIpTargets: ['::ffff:1.2.3.4']", "- ::ffff:1.2.3.4"),
        (BOND % "routes: [{destination: '::ffff:1.2.3.4/128'}]", "- destination: ::ffff:1.2.3.4/128"),
        (BOND % "routes: [{table: Main}, {table: 252}]", 'table: "252"'),
        (RULE % "portSelector: {ports: [0x50, 80-080, 1-2]}", "- 80"),
        (RULE % "portSelector: {ports: []}", "protocol: Protocol(0)"),
        (MACHINE % "nodeLabels: {~: x, a: b}", "a: b"),  # Go drops what stands under null
        (MACHINE % "kubelet: {extraConfig: {1: a, 0x1: b}}", "0x1: b"),
    ],
)
def test_what_is_written(text: str, line: str) -> None:
    assert line in written(text).replace('"0x1"', "0x1")
    assert ": x" not in written(text)  # what is left out


@pytest.mark.parametrize(
    "text",
    [
        DISK % "' 1GB'",
        DISK % "18446744073709551615",
        RAW % "provisioning: {minSize: --1}",
        RAW % "provisioning: {maxSize: ' 5%'}",
        RAW % "provisioning: {maxSize: 101%}",
        BOND % "hardwareAddr: 00-11-22-33-44-55",
        BOND % "failOverMac: NONE",
        BOND % "xmitHashPolicy: vlan+srcmac",
        BOND % "routes: [{destination: 'fe80::1%eth0/64'}]",
        BOND % "routes: [{destination: 1.2.3.4/33}]",
        BOND % "routes: [{table: 0}]",
        BOND % "routes: [{table: 254}]",
        RULE % "portSelector: {ports: ['80']}",
        RULE % "portSelector: {ports: [-80]}",
        MACHINE % 'ca: {crt: "YQ==\\u2028"}',
        MACHINE % "nodeLabels: {? [a] : b}",
        MACHINE % "kubelet: {extraConfig: {? [a] : b}}",
        MACHINE % "kubelet: {extraConfig: {? {a: b} : c}}",
        MACHINE % "nodeLabels: {<<: {a: b}, <<: {c: d}}",
        "apiVersion: v1alpha1\nkind: HostnameConfig\nauto: addr\n",
        "apiVersion: v1alpha1\nkind: UserVolumeConfig\nname: v\nfilesystem: {type: swap}\n",
        "apiVersion: v1alpha1\nkind: EthernetConfig\nname: e\nwakeOnLan: [arp]\n",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        written(text)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (MACHINE % "network: {kubespan: {mtu: 1420.9}}", "mtu: 1420\n", None),
        (MACHINE % "time: {bootTimeout: 0}", None, "time: {}"),
        (MACHINE % "nodeLabels: {2026-01-01: x}", "2026-01-01", None),
    ],
    ids=["fraction", "duration", "date"],
)
def test_what_depends_on_the_release(text: str, old: str | None, new: str | None) -> None:
    for release, line in ((V1_12, old), (NEWEST, new)):
        if line is None:
            with pytest.raises(DecodeError):
                written(text, release)
        else:
            assert line in written(text, release)


@pytest.mark.parametrize("breaks", ["\\n", "\\n\\n", "\\n\\n\\n"])
def test_arguments_of_nothing_but_line_breaks_read_back(breaks: str) -> None:
    config = MachineConfig.load(MACHINE % f'kubelet: {{extraArgs: {{a: "{breaks}", b: ["{breaks}", c]}}}}')
    lines = "\n" * breaks.count("n")
    assert f"a: |+\n{lines}" in config.text()
    assert MachineConfig.load(config.text()).get("machine.kubelet.extraArgs") == {"a": lines, "b": [lines, "c"]}
