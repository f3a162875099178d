"""One context of a talosconfig: how to reach a cluster, and as whom."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

import attrs
from immutabledict import immutabledict

from talos_resources.model.errors import ConfigError


@attrs.frozen(kw_only=True)
class Context:
    """How to reach one cluster, and as whom.

    Certificates and keys are held as the file has them, base64 of PEM; `ca`, `crt` and `key` decode them.
    None of them shows in a repr.
    """

    name: str
    endpoints: tuple[str, ...] = ()
    """Addresses to dial, each with or without a port."""
    nodes: tuple[str, ...] = ()
    """The nodes that are asked unless others are named."""
    ca_base64: str = attrs.field(default="", repr=False)
    crt_base64: str = attrs.field(default="", repr=False)
    key_base64: str = attrs.field(default="", repr=False)
    auth: Mapping[str, Mapping[str, str]] = attrs.field(default=immutabledict(), repr=False)
    """Other ways to log in, by scheme: `siderov1` has an identity, `basic` a user name and a password."""
    cluster: str = ""
    """The name of the cluster where one endpoint serves several."""
    proxy_url: str = attrs.field(default="", repr=False)
    """Of the proxy to go through: `socks5://`, `http://` or `https://`; `direct` for none, empty to go by the environment."""

    @property
    def ca(self) -> bytes | None:
        """PEM of the authority that the nodes' certificates must be signed by; None where the context has none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("ca", self.ca_base64)

    @property
    def crt(self) -> bytes | None:
        """PEM of the client certificate; None where the context has none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("crt", self.crt_base64)

    @property
    def key(self) -> bytes | None:
        """PEM of the client key, under the label of the file (see `pki.standard_key_pem`); None where there is none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("key", self.key_base64)

    @classmethod
    def of(
        cls,
        name: str,
        *,
        endpoints: Iterable[str] = (),
        nodes: Iterable[str] = (),
        ca: bytes | None = None,
        crt: bytes | None = None,
        key: bytes | None = None,
    ) -> Context:
        """A context of PEM texts."""
        return cls(
            name=name,
            endpoints=tuple(endpoints),
            nodes=tuple(nodes),
            ca_base64=_encoded(ca),
            crt_base64=_encoded(crt),
            key_base64=_encoded(key),
        )

    def _decoded(self, key: str, text: str) -> bytes | None:
        if not text:
            return None
        try:
            # Line breaks inside are fine, as with Go's decoder.
            return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(f'{key} of context "{self.name}" is illegal base64 data; copy it again from where it was issued') from None


def _encoded(pem: bytes | None) -> str:
    return base64.b64encode(pem).decode("ascii") if pem else ""
