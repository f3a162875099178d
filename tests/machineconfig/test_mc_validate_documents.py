"""The documents beside the main one: what each refuses, and what the checks over all of them find."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from talos_resources.codec.goyaml.emit import dump
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.validate import MODES, validate
from talos_resources.model.errors import ConfigError
from talos_resources.releases import RELEASES
from tests.machineconfig.samples import KINDS, documents, full_document

WORKER = "machine: {type: worker, ca: {crt: Zm9v, key: ''}}\ncluster: {}\n"
BGP = "BGPInstanceConfig\nname: a\nlocalASN: 1\nneighbors: [{link: x}]\n"
KEY = "hTxW5RJlmtSWVJcQD+7FsFEfSHXnXHTlbqcKN4yHxEE="


def errors(text: str, *, base: str = WORKER, mode: str = "cloud") -> list[str]:
    """The errors of documents, written without their apiVersion, beside a valid worker."""
    parts = [f"apiVersion: v1alpha1\nkind: {part}\n" for part in text.split("\n---\n") if part]
    return [str(fault) for fault in validate(MachineConfig.load("---\n".join([base, *parts])), mode).errors]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        # Links.
        ("VLANConfig\nname: a", ["vlanID must be specified and between 1 and 4094", "parent must be specified"]),
        ("BondConfig\nname: a", ["at least one link must be specified", "bond mode must be specified"]),
        ("DummyLinkConfig\nname: a\naddresses: [{address: 10.0.0.1/24}, {address: 0.0.0.0/0}, {}]",
         ["address 1 must be a valid IP address", "address 2 must be specified"]),
        ("LinkConfig\nname: a\nroutes: [{gateway: 0.0.0.0}, {destination: 10.0.0.0/8, gateway: 10.0.0.1}]",
         ["route 0 gateway must be a valid IP address"]),
        ("VethConfig\nname: a\npeer: {name: averyveryverylong}", ["peer name must not exceed 15 bytes"]),
        ("VRFConfig\nname: v\nlinks: [a]\ntable: main", ["cannot create vrf with reserved table main"]),
        ("WireguardConfig\nname: w\nprivateKey: x\nlistenPort: 70000\npeers: [{}]",
         ["wireguard private key is invalid", "wireguard listen port must be between 0 and 65535",
          "wireguard peer public key must be specified (peer index 0)"]),
        (f"WireguardConfig\nname: w\nprivateKey: {KEY}\npeers: [{{publicKey: {KEY}}}]", []),
        ("Layer2VIPConfig\nname: x\nlink: eth0", ["name must be a valid IP address"]),
        ("HCloudVIPConfig\nname: 10.0.0.1", ["link must be specified"]),
        ("RoutingRuleConfig\nname: 1000\nsrc: 10.0.0.0/8\ndst: fd00::/8\ntable: '5'", ["src and dst must be of the same address family"]),
        ("RoutingRuleConfig\nname: 32500\naction: prohibit",
         ["priority must be between 1 and 32765 (excluding reserved priorities [0 32500 32766 32767])"]),
        ("TCPProbeConfig\nname: p\nendpoint: nohost", ['invalid TCP probe endpoint "nohost": write it as HOST:PORT']),
        ("BGPInstanceConfig\nname: a\nlocalASN: 1\nrouterID: fd00::1\nneighbors: [{}, {link: x, holdTime: -1s}]",
         ["routerID must be an IPv4 address", "neighbor[0]: exactly one of address or link must be set",
          "neighbor[1]: holdTime must not be negative"]),
        (BGP + "importRoutes: [{bgpInstance: a, prefixes: [10.0.0.0/8, 10.1.0.0/16]}, {bgpInstance: b, prefixes: [10.2.0.1/16]}]",
         ['importRoutes[0]: cannot import from the same BGP instance "a"', "importRoutes[1].prefixes[0]: prefix 10.2.0.1/16 must be masked",
          "importRoutes[0].prefixes[1]: prefix 10.1.0.0/16 overlaps importRoutes[0].prefixes[0] 10.0.0.0/8",
          "importRoutes[1].prefixes[0]: prefix 10.2.0.0/16 overlaps importRoutes[0].prefixes[0] 10.0.0.0/8"]),
        ("LinkAliasConfig\nname: net0\nselector: {match: 'link.nope'}", ["link selector is invalid: undefined field 'nope' (column 6)"]),
        ("StaticHostConfig\nname: x", ["name must be a valid IP address", "at least one hostname must be specified"]),
        # Volumes.
        ("VolumeConfig\nname: IMAGECACHE\nmount: {secure: true}\nfilesystem: {xfs: {}}",
         ['mount config is not allowed for the "IMAGECACHE" volume', 'filesystem config is not allowed for the "IMAGECACHE" volume']),
        ("VolumeConfig\nname: STATE\nencryption: {provider: luks2, keys: [{slot: 0, nodeID: {}, lockToState: true}, {slot: 0, tpm: {}}]}",
         ['state-locked key is not allowed for the "STATE" volume', "duplicate key slot 0"]),
        ("VolumeConfig\nname: EPHEMERAL\nencryption: {provider: luks2, keys: []}", ["encryption keys are required"]),
        ("UserVolumeConfig\nname: a", ["disk selector is required", "min size or max size is required"]),
        ("UserVolumeConfig\nname: a\nvolumeType: disk\nprovisioning: {diskSelector: {match: 'true'}, minSize: 1GB}",
         ["provisioning.minSize is not supported for volumeType disk"]),
        (f"RawVolumeConfig\nname: {'a' * 35}\nprovisioning: {{diskSelector: {{match: 'true'}}, maxSize: 1GB}}",
         ["name must be between 1 and 34 characters long"]),
        ("SwapVolumeConfig\nname: a\nprovisioning: {diskSelector: {match: 'disk.size > 1'}, minSize: 1GB}",
         ["disk selector is invalid: no matching overload for '>' applied to (uint, int) (column 11)"]),
        ("RawVolumeConfig\nname: a\nprovisioning: {diskSelector: {match: 'true'}, minSize: -2GB, maxSize: 1GB}",
         ["min size is greater than max size", "min size cannot be negative"]),
        ("ExistingVolumeConfig\nname: a_b", ["name can only contain lowercase and uppercase ASCII letters, digits, and hyphens",
                                             "volume selector is required"]),
        ("ExternalVolumeConfig\nname: a\nfilesystemType: xfs", ["unsupported filesystem type: xfs"]),
        ("ZswapConfig\nmaxPoolPercent: 101", ["maxPoolPercent must be between 0 and 100"]),
        ("RAIDArrayConfig\nname: a b\nlevel: raid1\nprovisioning: {volumeSelector: {}}",
         ["name must be 1-32 characters: ASCII letters, digits, hyphens, underscores", "provisioning.volumeSelector.match is required"]),
        ("LVMLogicalVolumeConfig\nname: l\ntype: raid10\nmirrors: 1\nstripes: 2\nprovisioning: {volumeGroup: v, maxSize: 1GB, minSize: 2GB}",
         ["min size is greater than max size"]),
        ("LVMLogicalVolumeConfig\nname: l\nprovisioning: {volumeGroup: v, maxSize: 1GB, minSize: -2GB}", ["min size is greater than max size"]),
        # The running system.
        ("EtcFileConfig\nname: a/../b\nmode: 0o600\ncontents: x", ['user etc file "a/../b" must be a local path']),
        ("EtcFileConfig\nname: .a\nmode: 0o600\ncontents: x", ['user etc file ".a" must not begin with a dot']),
        ("KmsgLogConfig\nname: a\nurl: http://x", ['url scheme must be tcp:// or udp://, not "http"']),
        ("WatchdogTimerConfig\ndevice: /dev/w\ntimeout: 5s", ["watchdog timeout: minimum value is 10s"]),
        ("OOMConfig\ntriggerExpression: 'a >'", ["triggerExpression: the expression ends too early (column 4)"]),
        ("ExtensionServiceConfig\nname: a", ["no config files or environment defined for extension service"]),
        ("EventSinkConfig\nendpoint: x", ['event sink endpoint: "x" is not HOST:PORT']),
        ("CRICustomizationConfig\nname: customization\ncontent: ''", ['invalid name: "customization" is Talos\'s own']),
        ("TimeSyncConfig\nbootTimeout: -1s\nntp: {}\nptp: {}",
         ["bootTimeout cannot be negative", "only one of ntp or ptp configuration can be specified"]),
        ("ImageVerificationConfig\nrules: [{image: a/b, keyless: {issuer: i, subject: s}, publicKey: {certificate: c}}]",
         ["rule 0: only one verifier can be configured"]),
        ("ContainerConfig\nname: c\nimage: nginx\nmounts: [{hostPath: {source: a, destination: /b}}]\nsecurity: {profile: x}",
         ['mounts[0]: hostPath.source "a" must be an absolute path', 'unsupported security profile "x", expected restricted or privileged']),
    ],
)  # fmt: skip
def test_what_a_document_refuses(text: str, faults: list[str]) -> None:
    assert [fault.partition(": ")[2] for fault in errors(text)] == faults


def test_containers_may_not_wait_in_a_circle() -> None:
    def container(name: str, *others: str) -> str:
        return f"ContainerConfig\nname: {name}\nimage: example.org/x\ndependsOn: {{containers: [{', '.join(others)}]}}"

    assert errors("\n---\n".join([container("a", "b"), container("b", "c"), container("c")])) == []
    assert errors("\n---\n".join([container("a", "b"), container("b", "c", "a"), container("c")])) == [
        "container dependsOn cycle detected: a -> b -> a"
    ]
    chain = "\n---\n".join(container(f"c{number}", f"c{number + 1}") for number in range(300))
    assert errors(chain) == ['container "c299" depends on container "c300", which is not configured']


def test_a_secret_may_be_broken_into_lines() -> None:
    """Go's base64 reads over line breaks, and so does Talos."""
    secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\nMTIzNDU2Nzg5MDE=\n"
    assert errors("DiscoveryIdentityConfig\n" + dump({"clusterID": "a", "clusterSecret": secret})) == []
    short = errors("DiscoveryIdentityConfig\n" + dump({"clusterID": "a", "clusterSecret": "Zm9v\n"}))
    assert short == ["DiscoveryIdentityConfig: invalid clusterSecret: expected 32 bytes, got 3"]


def test_secrets_are_in_no_message() -> None:
    secret = "c2VjcmV0LXNlY3JldA=="
    found = errors(
        f"DiscoveryIdentityConfig\nclusterID: a\nclusterSecret: {secret}\n---\nWireguardConfig\nname: w\nprivateKey: {secret}\n---\n"
        f"KubeAPIServerCAConfig\nissuingCA: {{cert: {secret}, key: {secret}}}"
    )
    assert len(found) == 3
    assert not any(secret in fault for fault in found)


def test_a_pem_text_of_nothing_but_beginnings_is_refused_quickly() -> None:
    text = "-----BEGIN A-----\n" * 50_000
    found = errors("KubeAPIServerCAConfig\n" + dump({"acceptedCAs": [text], "issuingCA": {"cert": text, "key": "x"}}))
    assert found == [
        "KubeAPIServerCAConfig: issuing CA: certificate: no PEM blocks found",
        "KubeAPIServerCAConfig: accepted CA #0: no PEM blocks found",
    ]


def test_strict_leaves_the_warnings_of_other_documents_alone() -> None:
    text = f"{WORKER}---\napiVersion: v1alpha1\nkind: UnattendedInstallConfig\nprovisioning: {{diskSelector: {{match: 'true'}}}}\n"
    report = validate(MachineConfig.load(text), "cloud", strict=True)
    assert report.errors == []
    assert len(report.warnings) == 1
    legacy = WORKER.replace("ca:", "files: [{content: a, permissions: 0o644, path: /var/a, op: create}], ca:")
    assert len(validate(MachineConfig.load(legacy), "cloud").warnings) == 1
    assert [fault.path for fault in validate(MachineConfig.load(legacy), "cloud", strict=True).errors] == ["machine.files"]


def test_a_release_judges_by_its_own_rules() -> None:
    text = "machine: {type: worker, ca: {crt: Zm9v, key: ''}}\ncluster: {}\n"
    v1_12, _, v1_14 = RELEASES
    assert [fault.path for fault in validate(MachineConfig.load(text, release=v1_12), "metal").errors] == [
        "cluster.controlPlane.endpoint",
        "machine.install",
    ]
    assert validate(MachineConfig.load(text, release=v1_14), "metal").errors == []
    assert [fault.text for fault in validate(MachineConfig.load(text, release=v1_14), "container").errors] == [
        "hostDNS config is required in container mode (ResolverConfig.hostDNS)"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_document_has_an_answer_in_every_mode(kind: str) -> None:
    for mode in MODES:
        validate(MachineConfig.of([full_document(kind)]), mode)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), documents())
def test_no_documents_break_the_checks(one: Document, other: Document) -> None:
    try:
        config = MachineConfig.of([one, other] if one.key != other.key else [one])
    except ConfigError:
        return
    loaded = MachineConfig.load(config.text())
    for mode in ("metal", "container"):
        assert validate(loaded, mode, strict=True).errors == validate(config, mode, strict=True).errors
