"""The URL of a discovery service, as Go reads it. Source: Talos v1.12.3 and v1.14.0-rc.1; Go's net/url."""

from __future__ import annotations

import json
import re
from typing import Final, Self

import attrs

from talos_resources.model.errors import ConfigError

_NOT_IN_HOSTS: Final = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%])")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SCHEMES: Final = ("http", "https", "grpc")
_REST: Final = re.compile(r"[/?#]")


@attrs.frozen
class ServiceUrl:
    """A URL, of which only these parts matter.

    Attributes:
        scheme: in lower case; empty if there is none.
        host: without port and brackets.
        port: digits; empty if there are none.
        path: empty where there is no host.
    """

    scheme: str
    host: str
    port: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Reads a URL: what has no `//` after its scheme has no host.

        Raises:
            ConfigError: no URL, in Go's words.
        """
        match = _SCHEME.match(url)
        if match is None and not url.startswith("/"):
            raise _refused(url, "invalid URI for request")
        if match is None:
            return cls("", "", "", url)
        scheme, rest = match[1].lower(), url[match.end() :]
        if not rest.startswith("//"):
            return cls(scheme, "", "", "")
        found = _REST.search(rest, 2)
        end = len(rest) if found is None else found.start()
        authority = rest[2:end].rpartition("@")[2]
        path = re.split(r"[?#]", rest[end:])[0]
        strange = _NOT_IN_HOSTS.search(authority)
        if strange is not None:
            raise _refused(url, f"invalid character {json.dumps(strange[0])} in host name")
        host, port = _split(url, authority)
        return cls(scheme, host, port, path if authority else "")

    def check(self) -> None:
        """Refuses what is no discovery service to Talos v1.14.

        Raises:
            ConfigError: in Talos's words.
        """
        if not self.scheme:
            raise ConfigError("endpoint scheme is required")
        if self.scheme not in _SCHEMES:
            raise ConfigError("endpoint scheme must be http://, https:// or grpc://")
        if not self.host:
            raise ConfigError("endpoint host is required")

    @property
    def insecure(self) -> bool:
        """Whether it is spoken to in plaintext."""
        return self.scheme == "http"

    @property
    def address(self) -> str:
        """HOST:PORT, with the port of the scheme where there is none."""
        host = f"[{self.host}]" if ":" in self.host or "%" in self.host else self.host
        return f"{host}:{self.port or (80 if self.insecure else 443)}"


def _split(url: str, authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket:
            raise _refused(url, "missing ']' in host")
        port = rest.removeprefix(":")
        colon = rest
    else:
        host, colon, port = authority.rpartition(":") if ":" in authority else (authority, "", "")
    if colon and not (colon.startswith(":") and (not port or (port.isascii() and port.isdigit()))):
        raise _refused(url, f'invalid port "{colon if authority.startswith("[") else ":" + port}" after host')
    return host, port


def _refused(url: str, reason: str) -> ConfigError:
    return ConfigError(f'parse "{url}": {reason}')
