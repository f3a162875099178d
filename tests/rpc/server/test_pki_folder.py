"""The certificates of a folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from talos_resources.rpc.pki import certificate_from_pem
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, talosconfig_for


def test_they_are_valid_for_clocks_that_are_behind(tmp_path: Path) -> None:
    authority = authority_in(tmp_path)
    server = server_credentials(authority, "127.0.0.1")
    clients = talosconfig_for(authority, "127.0.0.1:50000").contexts
    texts = [authority.crt, server.crt, *(context.crt for context in clients.values())]
    assert len(texts) == 5
    for text in texts:
        assert text is not None
        assert certificate_from_pem(text).not_valid_before_utc < datetime.now(UTC) - timedelta(seconds=59)
