"""The certificates of `serve --pki`: an authority in a folder, and a talosconfig that fits it.

The folder keeps the authority (`ca.crt`, `ca.key`), so that copies of the talosconfig stay good. The
server's own certificate is made at every start, for the addresses of that start, and kept nowhere.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from talos_resources.model.errors import ConfigError
from talos_resources.releases import NEWEST
from talos_resources.rpc.pki import CertificateAndKey, issue_client, issue_server, new_authority, standard_key_pem
from talos_resources.rpc.pki.private_file import alone_with, write_private
from talos_resources.rpc.server.roles import Role
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.talosconfig.config import Context, TalosConfig
from talos_resources.talosconfig.file import save

ORGANIZATION: Final = "talos"
CONTEXTS: Final = {"admin": Role.ADMIN, "operator": Role.OPERATOR, "reader": Role.READER}
"""The contexts of the talosconfig; `admin` is the current one."""

_LOCAL: Final = ("localhost", "127.0.0.1", "::1")

# They are shown at once, and to others: clocks differ, and the one that OpenSSL asks is behind our own by up to a tick of
# the kernel, so that one certificate in two hundred began in its future.
_BACKDATED: Final = timedelta(minutes=1)


def authority_in(folder: Path, *, now: datetime | None = None) -> CertificateAndKey:
    """The authority of a folder, made if there is none.

    Args:
        folder: of `ca.crt` and `ca.key`.
        now: start of the validity of one that is made; None for a minute ago.

    Raises:
        ConfigError: half of it is there, or it cannot be read or written.
    """
    crt, key = folder / "ca.crt", folder / "ca.key"
    try:
        with alone_with(crt):  # two first starts must not make two authorities
            return _authority(folder, crt, key, now=now or _start())
    except OSError as error:
        raise ConfigError(f"cannot use {error.filename or folder} for certificates: {error.strerror}") from None


def _authority(folder: Path, crt: Path, key: Path, *, now: datetime) -> CertificateAndKey:
    if crt.exists() and key.exists():
        return CertificateAndKey(crt=crt.read_bytes(), key=key.read_bytes())
    if crt.exists() or key.exists():
        raise ConfigError(f"{folder} has only one of ca.crt and ca.key; bring the other, or remove it for a new authority")
    made = new_authority(ORGANIZATION, now=now)
    write_private(key, made.key)
    write_private(crt, made.crt)
    return made


def server_credentials(authority: CertificateAndKey, host: str, *, now: datetime | None = None) -> Credentials:
    """What a server at this host shows, and accepts.

    Args:
        authority: who signs both sides' certificates.
        host: that it listens on; the names of this machine are added.
        now: start of the validity; None for a minute ago.

    Raises:
        ConfigError: the authority cannot be used.
    """
    everywhere = (socket.gethostname(), *_own_addresses()) if host in ("", "0.0.0.0", "::") else (host,)  # noqa: S104  # a comparison
    hosts = [name for name in dict.fromkeys((*everywhere, *_LOCAL)) if name.isascii()]
    pair = issue_server(authority, hosts=hosts, now=now or _start())
    return Credentials(ca=authority.crt, crt=pair.crt, key=standard_key_pem(pair.key))


def talosconfig_for(
    authority: CertificateAndKey, endpoint: str, *, nodes: Iterable[str] = (), path: Path | None = None, now: datetime | None = None
) -> TalosConfig:
    """A talosconfig with a context for each role, of which `admin` is current.

    Args:
        authority: that signs the client certificates.
        endpoint: `HOST:PORT` of the server.
        nodes: that are asked unless others are named; none for the endpoint's host.
        path: the file that it will be.
        now: start of the validity; None for a minute ago.

    Raises:
        ConfigError: the authority cannot be used.
    """
    asked = tuple(nodes) or (endpoint.rpartition(":")[0].strip("[]"),)
    config = TalosConfig(current="admin", path=path)
    for name, role in CONTEXTS.items():
        pair = issue_client(authority, roles=[role.value], now=now or _start())
        config_context = Context.of(name, endpoints=(endpoint,), nodes=asked, ca=authority.crt, crt=pair.crt, key=pair.key)
        config = config.with_context(config_context)
    return config.with_current("admin")


def write_talosconfig(folder: Path, authority: CertificateAndKey, endpoint: str, *, nodes: Iterable[str] = ()) -> Path:
    """Writes `talosconfig` into the folder and returns its path; otherwise as `talosconfig_for`.

    Raises:
        ConfigError: it cannot be written.
    """
    path = folder / "talosconfig"
    save(talosconfig_for(authority, endpoint, nodes=nodes, path=path), compat=NEWEST)
    return path


def _start() -> datetime:
    return datetime.now(UTC) - _BACKDATED


def _own_addresses() -> list[str]:
    """The addresses that this machine's name stands for; none if it stands for nothing."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]).partition("%")[0] for entry in found]
