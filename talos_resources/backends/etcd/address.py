"""Where an etcd is and how it is talked to: `etcd://[USER[:PASSWORD]@]HOST:PORT[,HOST:PORT…][/PREFIX][?OPTIONS]`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote

import attrs

from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError
from talos_resources.rpc.transport.contract import Credentials

SCHEME: Final = "etcd://"
DEFAULT_PREFIX: Final = "/cosi"
DEFAULT_PORT: Final = 2379

_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/@,\[\]]+)(?::(?P<port>\d{1,5}))?")
_OPTIONS: Final = ("ca", "cert", "key", "salt", "tls")


@attrs.frozen(kw_only=True)
class EtcdAddress:
    """What an etcd URL says.

    Attributes:
        endpoints: `HOST:PORT`, tried in turn.
        prefix: of all keys, without a slash at the end.
        user: for etcd's own authentication; None for none.
        password: of the user; never shown.
        credentials: for TLS; None for plaintext.
        salt: goes into the keys, as in the Go state-etcd.
    """

    endpoints: tuple[str, ...]
    prefix: str = DEFAULT_PREFIX
    user: str | None = None
    password: str = attrs.field(default="", repr=False)
    credentials: Credentials | None = None
    salt: bytes = attrs.field(default=b"", repr=False)

    def __str__(self) -> str:
        return f"{SCHEME}{','.join(self.endpoints)}{self.prefix}"


def parse(url: str, *, environment: Mapping[str, str] = os.environ) -> EtcdAddress:
    """Reads a URL; what it does not say is taken from the variables that etcdctl knows.

    Args:
        url: a member, or several with commas between; PREFIX is `/cosi` without one. Options: `ca`, `cert`
            and `key` name PEM files, `tls=true` asks for TLS with the system's authorities, `salt`.
        environment: `ETCDCTL_CACERT`, `ETCDCTL_CERT`, `ETCDCTL_KEY`, `ETCDCTL_USER` (`USER[:PASSWORD]`)
            and `ETCDCTL_PASSWORD`.

    Raises:
        ConfigError: it is no such URL, or a file that it names cannot be used.
    """
    # A message never repeats the URL: there may be a password in it.
    if not url.startswith(SCHEME):
        raise ConfigError("an etcd is named as etcd://HOST:PORT/PREFIX")
    rest, _, query = url.removeprefix(SCHEME).partition("?")
    authority, slash, path = rest.partition("/")
    login, _, hosts = authority.rpartition("@")
    if "@" in path or "@" in query:
        raise ConfigError("the user and the password in an etcd URL must be percent-encoded: %2F for /, %3F for ?, %40 for @, %3A for :")
    options = _options(query)
    given = login or environment.get("ETCDCTL_USER", "")
    user, _, password = given.partition(":")
    prefix = f"/{path}".rstrip("/") if slash else ""
    return EtcdAddress(
        endpoints=tuple(dict.fromkeys(_endpoint(host, number) for number, host in enumerate(hosts.split(","), 1))),
        prefix=unquote(prefix) or DEFAULT_PREFIX,
        user=(unquote(user) if login else user) or None,
        password=(unquote(password) if login else password) or environment.get("ETCDCTL_PASSWORD", ""),
        credentials=_credentials(options, environment),
        salt=options.get("salt", "").encode(),
    )


def _endpoint(text: str, number: int) -> str:
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or DEFAULT_PORT) not in range(1, 65536):
        # It may be a password without what should follow it.
        raise ConfigError(f"member {number} of the etcd URL is no address; write HOST:PORT, an IPv6 address in brackets")
    return f"{found['host']}:{found['port'] or DEFAULT_PORT}"


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise ConfigError(f"an etcd URL has no option {name!r}; it has {', '.join(_OPTIONS)}")
    if options.get("tls", "true") not in {"true", "false"}:
        raise ConfigError("the option tls of an etcd URL is true or false")
    return options


def _credentials(options: Mapping[str, str], environment: Mapping[str, str]) -> Credentials | None:
    files = {
        name: options.get(name) or environment.get(variable)
        for name, variable in (("ca", "ETCDCTL_CACERT"), ("cert", "ETCDCTL_CERT"), ("key", "ETCDCTL_KEY"))
    }
    wanted = options.get("tls", "true" if any(files.values()) else "false") == "true"
    if not wanted:
        return None
    if (files["cert"] is None) != (files["key"] is None):
        raise ConfigError("a client certificate for etcd needs both cert and key; one of them is missing")
    ca, crt, key = (None if path is None else _read(path) for path in files.values())
    return Credentials(ca=ca, crt=crt, key=key, source="the etcd URL")


def _read(path: str) -> bytes:
    try:
        return read_whole(Path(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
