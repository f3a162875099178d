"""`migrate` as values: what it means stays equal, twice is once, and there is a way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.bundle import make_configs
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.machineconfig.meaning.means import meaning
from talos_resources.machineconfig.migrate.draft import Draft
from talos_resources.machineconfig.migrate.run import GROUPS, migrate
from talos_resources.machineconfig.validate import validate
from talos_resources.releases import CONTRACTS, NEWEST, RELEASES, Contract, known_release
from tests.machineconfig.migrate.samples import RICH, recorded

OLDEST = RELEASES[0]


def differences(one: MachineConfig, other: MachineConfig) -> dict[str, Any]:
    first, second = meaning(one), meaning(other)
    return {topic: (first.get(topic), second.get(topic)) for topic in {*first, *second} if first.get(topic) != second.get(topic)}


def some() -> dict[str, str]:
    """Every fourth recorded configuration; the others are tried with the slow tests."""
    return dict(list(recorded().items())[::4])


@pytest.mark.parametrize("texts", [pytest.param(some, id="some"), pytest.param(recorded, id="all", marks=pytest.mark.slow)])
def test_every_recorded_configuration_means_the_same_afterwards(texts: Callable[[], dict[str, str]]) -> None:
    assert len(recorded()) > 600
    for name, text in texts().items():
        config = MachineConfig.load(text)
        moved = migrate(config).config
        assert not differences(config, moved), name
        assert migrate(moved).config == moved, name
        assert MachineConfig.load(moved.text()).documents, name


@pytest.mark.parametrize("texts", [pytest.param(some, id="some"), pytest.param(recorded, id="all", marks=pytest.mark.slow)])
def test_every_recorded_configuration_finds_its_way_back(texts: Callable[[], dict[str, str]]) -> None:
    ways = 0
    for name, text in texts().items():
        config = MachineConfig.load(text)
        back = migrate(migrate(config).config, to=OLDEST)
        if back.lost or Draft(config).is_new_form:
            continue
        ways += 1
        assert not differences(config, back.config), name
        assert {document.kind for document in back.config.documents} <= OLDEST.document_kinds | {"v1alpha1"}, name
    assert ways > 60


@pytest.fixture(scope="module")
def bundle() -> SecretsBundle:
    from datetime import UTC, datetime

    return generate(now=datetime(2026, 11, 23, tzinfo=UTC), contract=Contract(1, 6))


@pytest.mark.parametrize("contract", CONTRACTS[3:-1], ids=str)
@pytest.mark.parametrize("kubespan", [True, False])
def test_what_is_generated_for_an_old_talos_needs_no_section_any_more(bundle: SecretsBundle, contract: Contract, kubespan: bool) -> None:
    options = GenOptions(cluster_name="c", endpoint="https://c.example:6443", contract=contract, kubespan=kubespan)
    made = make_configs(options, bundle)
    for text in (made.control_plane, made.worker):
        config = MachineConfig.load(text)
        migration = migrate(config)
        assert not differences(config, migration.config)
        named = "worker" not in text or contract >= Contract(1, 8)
        assert [stay.path for stay in migration.stays] == ([] if named else ["cluster.controlPlane"])
        assert set(migration.config.get("machine")) <= {"type", "token", "ca", "certSANs", "features"}
        assert set(migration.config.get("cluster")) <= {"token", "etcd", *([] if named else ["controlPlane"])}
        back = migrate(migration.config, to=OLDEST)
        assert back.lost == ()
        assert not differences(config, back.config)


def test_what_is_generated_today_cannot_go_back_without_a_loss_and_says_what(bundle: SecretsBundle) -> None:
    made = make_configs(GenOptions(cluster_name="c", endpoint="https://c.example:6443"), bundle)
    lost = migrate(MachineConfig.load(made.control_plane), to=OLDEST).lost
    assert lost == ("FilesystemTrimConfig", "SecurityProfileConfig", "KubeAuthenticationConfig", "VolumeConfig/EPHEMERAL.mount")


@pytest.mark.parametrize(
    ("section", "path", "reason"),
    [
        ("apiServer: {image: i, extraVolumes: [{hostPath: /a, mountPath: /b}]}", "cluster.apiServer", "extraVolumes has no successor"),
        ("apiServer: {image: i, extraArgs: {oidc-issuer-url: x}}", "cluster.apiServer", "has to become a KubeAuthenticationConfig"),
        ("discovery: {enabled: true}", "cluster.discovery", "the Kubernetes registry has no successor"),
        ("inlineManifests: [{name: A_B, contents: c}]", "cluster.inlineManifests", "is no name that KubeInlineManifestConfig takes"),
        ("network: {podSubnets: [x]}", "cluster.network", "holds what is no network"),
        ("network: {cni: {name: custom, urls: [ftp://a]}}", "cluster.network.cni.urls", "is no http or https URL"),
        ("scheduler: {}", "cluster.scheduler", "KubeSchedulerConfig needs image"),
        ("proxy: {mode: nftables}", "cluster.proxy", "KubeProxyConfig needs an image"),
        ("secret: short\n  id: x", "cluster.secret", "standard base64 of 32 bytes"),
        ("serviceAccount: {key: Zm9v}", "cluster.serviceAccount", "there is no cluster endpoint"),
    ],
)
def test_what_has_no_successor_stays_and_is_named(section: str, path: str, reason: str) -> None:
    config = MachineConfig.load(f"machine: {{type: controlplane}}\ncluster:\n  {section}\n")
    migration = migrate(config)
    (stay,) = [stay for stay in migration.stays if stay.path == path]
    assert reason in stay.reason
    assert not differences(config, migration.config)
    top = path.split(".")[1]
    assert migration.config.get(f"cluster.{top}") == config.get(f"cluster.{top}")


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("network: {interfaces: [{interface: eth0, dhcp: true}]}", "machine.network.interfaces"),
        ("disks: [{device: /dev/sdb, partitions: [{mountpoint: /var/mnt/a}]}]", "machine.disks"),
    ],
)
def test_what_is_not_moved_is_named(section: str, path: str) -> None:
    config = MachineConfig.load(f"machine:\n  type: worker\n  {section}\n")
    migration = migrate(config)
    (stay,) = migration.stays
    assert stay.path == path
    assert "hidden" not in str(stay)
    assert migration.config == config
    assert not migrate(config, to=known_release("v1.12")).stays


@pytest.mark.parametrize("to", ["v1.12", "v1.13", "v1.14"])
def test_accounts_and_certificates_of_registries_become_documents(to: str) -> None:
    authority = MachineConfig.load(generated()).get("machine.ca")
    tls = {"ca": authority["crt"], "clientIdentity": authority, "insecureSkipVerify": True}
    sections = {"a.example": {"auth": {"username": "u", "password": "p"}, "tls": tls}, "b.example": {"auth": {"auth": "x"}}}
    config = MachineConfig.load("machine: {type: worker, ca: {crt: Zm9v, key: ''}}\ncluster: {}\n").with_value(
        "machine.registries.config", sections
    )
    migration = migrate(config, to=known_release(to))
    assert not migration.stays
    assert not migration.lost
    assert not differences(config, migration.config)
    found = migration.config
    assert found.get("machine.registries") is None
    assert found.get("username", kind="RegistryAuthConfig", name="a.example") == "u"
    assert found.get("ca", kind="RegistryTLSConfig", name="a.example").startswith("-----BEGIN CERTIFICATE-----")
    assert found.get("auth", kind="RegistryAuthConfig", name="b.example") == "x"
    assert not validate(found, "cloud").errors
    assert migrate(found, to=known_release(to)).config == found


def test_an_account_that_is_there_in_both_forms_stays() -> None:
    config = MachineConfig.load(
        "machine: {type: worker, registries: {config: {a: {auth: {auth: x}}}}}\n---\n"
        "apiVersion: v1alpha1\nkind: RegistryAuthConfig\nname: a\nauth: y\n"
    )
    migration = migrate(config)
    assert [str(stay) for stay in migration.stays] == ['machine.registries.config.a stays: there is a RegistryAuthConfig "a" already']
    assert migration.config == config


@pytest.mark.parametrize(
    ("minor", "left"),
    [
        (11, ["machine.kubelet.disableManifestsDirectory", "cluster.apiServer.disablePodSecurityPolicy"]),
        (12, ["machine.install.grubUseUKICmdline", "machine.kubelet.disableManifestsDirectory"]),
    ],
)
def test_only_what_means_nothing_any_more_is_said_to_be_left_out(minor: int, left: list[str]) -> None:
    moved = migrate(MachineConfig.load(generated(minor))).moved
    assert [move.old for move in moved if not move.kind] == left


def generated(minor: int = 11) -> str:
    """A control plane as `gen config` makes it for v1.11 or another release."""
    bundle = generate(now=datetime(2026, 11, 30, tzinfo=UTC), contract=Contract(1, 6))
    return make_configs(GenOptions(cluster_name="c", endpoint="https://k:6443", contract=Contract(1, minor)), bundle).control_plane


def test_an_empty_list_of_authorities_is_in_the_way_of_nothing() -> None:
    text = generated()
    migration = migrate(MachineConfig.load(text.replace("\ncluster:\n", "\ncluster:\n    acceptedCAs: []\n")))
    assert migration.stays == ()
    assert migration.config == migrate(MachineConfig.load(text)).config
    assert migrate(migration.config).config == migration.config


def test_a_section_beside_its_document_stays_where_it_is() -> None:
    config = MachineConfig.load(
        "machine: {type: worker, network: {kubespan: {enabled: true}}}\n---\napiVersion: v1alpha1\nkind: KubeSpanConfig\n"
    )
    (stay,) = migrate(config).stays
    assert str(stay) == "machine.network.kubespan stays: there is a KubeSpanConfig already; Talos refuses both together"
    assert migrate(config).config == config


def test_the_rich_one_means_the_same_and_says_where_everything_went() -> None:
    config = MachineConfig.load(RICH)
    migration = migrate(config)
    assert migration.stays == ()
    assert not differences(config, migration.config)
    moved = {str(move) for move in migration.moved}
    assert "machine.network.kubespan.mtu → KubeSpanConfig.mtu" in moved
    assert "cluster.inlineManifests[0] → KubeInlineManifestConfig/cilium" in moved
    node = migration.config.find("KubeNodeConfig")
    assert node is not None
    assert node.fields["labels"] == {"node-role.kubernetes.io/control-plane": "", "rack": "12"}
    assert "taints" not in node.fields


def test_v113_takes_what_it_knows() -> None:
    migration = migrate(MachineConfig.load(RICH), to=RELEASES[1])
    kinds = {document.kind for document in migration.config.documents}
    assert "KubeSpanConfig" in kinds
    assert kinds <= RELEASES[1].document_kinds | {"v1alpha1"}
    assert migration.lost == ()


def test_no_two_groups_own_one_section_and_every_kind_is_one_of_talos() -> None:
    sections = [section for group in GROUPS for section in group.sections]
    assert len(sections) == len({*sections})
    assert {kind for group in GROUPS for kind in group.kinds} <= NEWEST.document_kinds


def test_nothing_of_the_configuration_is_changed() -> None:
    config = MachineConfig.load(RICH)
    before = config.text()
    migrate(config)
    meaning(config)
    assert config.text() == before
    assert attrs.evolve(config) == config
