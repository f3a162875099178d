"""Keys on their way into TLS."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from talos_resources.model.errors import ConfigError
from talos_resources.rpc import pki
from talos_resources.rpc.transport import tls
from talos_resources.rpc.transport.contract import Credentials
from tests.rpc.transport.test_failures import CA, client_side


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_the_file_is_private_and_gone_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []

    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, path: str) -> None:
        file = Path(path)
        seen.append((stat.S_IMODE(file.stat().st_mode), file.parent == folder))
        load(context, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    tls.client_context(client_side(), address="a")
    assert seen == [(0o600, True)]
    assert list(folder.iterdir()) == []


def test_it_is_gone_when_the_key_is_none(folder: Path) -> None:
    other = pki.standard_key_pem(pki.issue_client(CA, roles=["os:admin"], now=pki.certificate_from_pem(CA.crt).not_valid_before_utc).key)
    for key in (b"nonsense", other):
        with pytest.raises(ConfigError, match="the certificates for a cannot be used") as error:
            tls.client_context(Credentials(ca=CA.crt, crt=CA.crt, key=key), address="a")
        assert "PRIVATE" not in error.value.message
        assert list(folder.iterdir()) == []


def test_folders_that_cannot_be_written_to_are_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = str(folder / "missing")
    monkeypatch.setattr(tls, "_FOLDERS", (missing, "XDG_RUNTIME_DIR"))
    tls.client_context(client_side(), address="a")
    monkeypatch.setattr(tls, "_FOLDERS", (missing,))
    with pytest.raises(ConfigError, match="set TMPDIR"):
        tls.client_context(client_side(), address="a")
