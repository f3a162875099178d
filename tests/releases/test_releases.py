"""Releases: found by any text of a version, and complete."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from talos_resources.model.errors import ConfigError
from talos_resources.releases import CONTRACTS, CURRENT, NEWEST, RELEASES, Contract, Feature, known_release, release_of
from tests.golden import command


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.12.3", "v1.12.3"),
        ("1.12", "v1.12.3"),
        ("v1.13.0-alpha.1-12-gabcdef0", "v1.13.9"),
        ("v1.14.0-rc.1", "v1.14.0-rc.1"),
        ("v1.14.2", "v1.14.0-rc.1"),
        ("v1.9.5", "v1.12.3"),  # older than we know
        ("v2.0", "v1.14.0-rc.1"),  # newer
    ],
)
def test_a_version_finds_its_release(text: str, version: str) -> None:
    assert release_of(text).version == version


@pytest.mark.parametrize("text", ["", "v", "1", "v1.x", "latest", "v1.14\n", "1.2.3.4.5/6", "v" + "9" * 30 + ".1"])
def test_what_is_no_version_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="no version of Talos"):
        release_of(text)


def test_imitation_needs_data() -> None:
    assert known_release("v1.13.1") is RELEASES[1]
    for text in ("v1.11.0", "v1.15"):
        with pytest.raises(ConfigError, match=r"there is of v1\.12, v1\.13, v1\.14"):
            known_release(text)


def test_releases_are_in_order_and_lose_no_kind() -> None:
    assert NEWEST is RELEASES[-1]
    for older, newer in itertools.pairwise(RELEASES):
        assert older.contract < newer.contract
        assert older.document_kinds < newer.document_kinds
    assert [len(release.document_kinds) for release in RELEASES] == [36, 44, 89]


def test_every_release_says_its_own_version() -> None:
    for release in RELEASES:
        assert release_of(release.version) is release
        assert repr(release) == f"<Release {release}>"
        assert str(release.contract) == release.version[: len(str(release.contract))]
        assert release.gen.kubernetes_version


def test_contracts() -> None:
    assert CURRENT == NEWEST.contract == Contract.parse(None) == Contract.parse("v0.0") == Contract.parse("v1.99")
    assert Contract.parse("1.11.2") == CONTRACTS[11]
    for text in ("v1", "1.x", "v1.2beta", "one"):
        with pytest.raises(ConfigError, match="write it as"):
            Contract.parse(text)


@pytest.mark.parametrize(
    ("feature", "first", "last"),
    [
        (Feature.RBAC_FEATURE, 0, 11),
        (Feature.POD_SECURITY, 1, 14),
        (Feature.OLD_REGISTRY_MIRROR, 2, 2),
        (Feature.STABLE_HOSTNAME, 2, 11),
        (Feature.SECRETBOX, 3, 14),
        (Feature.RSA_SERVICE_ACCOUNT, 7, 14),
        (Feature.EMPTY_NETWORK_SECTION, 0, 12),
        (Feature.KUBESPAN_DOCUMENT, 13, 14),
        (Feature.DOCUMENTS, 14, 14),
    ],
)
def test_what_a_contract_holds(feature: Feature, first: int, last: int) -> None:
    assert [contract.minor for contract in CONTRACTS if contract.has(feature)] == list(range(first, last + 1))


def test_a_folder_of_goldens_says_its_release(tmp_path: Path) -> None:
    assert command.release(tmp_path).version == "v1.12.3"
    (tmp_path / "VERSION").write_text("v1.14.0-rc.1\n")
    assert command.release(tmp_path) is NEWEST
