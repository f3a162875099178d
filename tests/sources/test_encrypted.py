"""Encrypted support bundles."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pyrage
import pytest
from pyrage import ssh, x25519

from talos_resources import Member, open_source
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError
from tests.sources.samples import MEMBER


@pytest.fixture
def bundle(tmp_path: Path) -> bytes:
    target = tmp_path / "plain.zip"
    assert main(["dump", "--from", "demo", "--to", str(target)]) == 0
    return target.read_bytes()


@pytest.fixture
def age_key(tmp_path: Path) -> tuple[Path, x25519.Recipient]:
    identity = x25519.Identity.generate()
    path = tmp_path / "age.key"
    path.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return path, identity.to_public()


def _members(source: Path, *identities: Path) -> int:
    with open_source(str(source), identities=identities) as cluster:
        return len(cluster.state(cluster.nodes[0]).list(Member))


@pytest.mark.parametrize("armored", [False, True])
def test_an_age_identity_opens_it(bundle: bytes, age_key: tuple[Path, x25519.Recipient], tmp_path: Path, armored: bool) -> None:
    sealed = tmp_path / "support.zip.age"
    sealed.write_bytes(pyrage.encrypt(bundle, [age_key[1]], armored=armored))
    assert _members(sealed, age_key[0]) == 5


def test_an_openssh_key_opens_it(bundle: bytes, tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)
    sealed = tmp_path / "support.zip.age"
    sealed.write_bytes(pyrage.encrypt(bundle, [ssh.Recipient.from_str(key.with_suffix(".pub").read_text().strip())]))
    assert _members(sealed, key) == 5


def test_what_does_not_open_it_is_told(
    bundle: bytes, age_key: tuple[Path, x25519.Recipient], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed, cut = tmp_path / "support.zip.age", tmp_path / "cut.age"
    sealed.write_bytes(pyrage.encrypt(bundle, [age_key[1]]))
    cut.write_bytes(sealed.read_bytes()[:3000])
    other = x25519.Identity.generate()
    foreign, nothing = tmp_path / "other.key", tmp_path / "nothing"
    foreign.write_text(str(other))
    nothing.write_text("no key")
    for file, identity, told in (
        (sealed, foreign, "it is encrypted for others"),
        (sealed, nothing, "neither an age identity"),
        (sealed, tmp_path / "absent", "cannot read the identity"),
        (cut, age_key[0], "damaged or cut short"),
    ):
        assert main(["get", "members", "--from", str(file), "--identity", str(identity)]) == 1
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
        assert str(other) not in error
    with pytest.raises(ConfigError, match="--identity FILE"):
        open_source(str(sealed))


def _sealed(folder: Path, contents: bytes, key: x25519.Recipient, *, armored: bool = False) -> Path:
    path = folder / "cut.age"
    path.write_bytes(pyrage.encrypt(contents, [key], armored=armored))
    return path


@pytest.mark.parametrize("armored", [False, True])
def test_of_one_that_is_cut_or_damaged_what_stands_before_is_read(
    age_key: tuple[Path, x25519.Recipient], tmp_path: Path, capsys: pytest.CaptureFixture[str], armored: bool
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for node in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
            zipped.writestr(f"{node}/resources/members.cluster.talos.dev.yaml", MEMBER.format(node))
            zipped.writestr(f"{node}/dmesg.log", b"x" * 100_000)
    file = _sealed(tmp_path, archive.getvalue(), age_key[1], armored=armored)
    whole = file.read_bytes()
    middle = len(whole) // 2  # within the log of the second
    damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for contents in (whole[:middle], damaged):
        file.write_bytes(contents)
        assert main(["get", "members", "--from", str(file), "--identity", str(age_key[0]), "-o", "name"]) == 0
        told = capsys.readouterr()
        assert told.out.count("members.cluster.talos.dev/") == 2
        assert told.err == "note: 10.0.0.1, 10.0.0.2: the archive is cut short; what stood behind its end is not known\n"


def test_a_part_of_a_list_that_was_encrypted_is_refused(age_key: tuple[Path, x25519.Recipient], tmp_path: Path) -> None:
    """Nothing would tell it from the whole."""
    file = _sealed(tmp_path, "".join(f"---\n{MEMBER.format(n)}" for n in range(1000)).encode(), age_key[1])
    assert _members(file, age_key[0]) == 1000
    file.write_bytes(file.read_bytes()[:200_000])
    with pytest.raises(ConfigError, match="damaged or cut short"):
        _members(file, age_key[0])


def test_a_bundle_of_ours_is_laid_out_as_talosctls(bundle: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "plain.zip") as archive:
        names = archive.namelist()
        assert len({name.split("/")[0] for name in names}) == 5
        assert {name.split("/")[1] for name in names} == {"resources", "summary"}
        config = archive.read("172.20.0.2/resources/kubespanconfigs.kubespan.talos.dev.yaml").decode()
        statuses = archive.read("172.20.0.2/resources/kubespanpeerstatuses.kubespan.talos.dev.yaml").decode()
        affiliates = archive.read("172.20.0.2/resources/affiliates.cluster.talos.dev.yaml").decode()
    assert config.endswith("\nspec: <REDACTED>\n")
    assert config.startswith("metadata:\n    namespace: config\n")
    assert "node:" not in statuses
    ids = [line for line in statuses.splitlines() if line.startswith("    id: ")]
    assert ids == sorted(ids)
    assert "cluster-raw" not in affiliates
    assert len(bundle) > 1000
