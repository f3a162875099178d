"""What goes before the message of a gRPC call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from talos_resources.model.errors import ConfigError
from talos_resources.model.version import __version__

SERVICE: Final = "/cosi.resource.State/"
LIST: Final = f"{SERVICE}List"

_HEADERS: Final = (
    ("content-type", "application/grpc+proto"),
    ("te", "trailers"),
    ("user-agent", f"talos-resources/{__version__}"),
    ("grpc-accept-encoding", "gzip"),
)
_MAX_TIMEOUT_MS: Final = 99_999_999  # eight digits are all that grpc-timeout may have


def call_headers(metadata: Sequence[tuple[str, str]], timeout: float | None) -> list[tuple[str, str]]:
    """The headers of a call.

    Args:
        metadata: sent along.
        timeout: seconds, None for no end.
    """
    limit = [] if timeout is None else [("grpc-timeout", f"{min(int(timeout * 1000) + 1, _MAX_TIMEOUT_MS)}m")]
    return [*_HEADERS, *metadata, *limit]


def metadata_for(node: str | None, extra: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """The metadata that names a node to the endpoint.

    Raises:
        ConfigError: a name that cannot be sent.
    """
    pairs = [*([("node", node)] if node else []), *(extra or {}).items()]
    for name, value in pairs:
        if not value.isascii() or not value.isprintable():
            raise ConfigError(f"{name} {value!r} cannot be sent to a node; use its address or an ASCII host name")
    return tuple(pairs)


def folded(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; the values of one that comes several times joined by commas, as HTTP has it."""
    found = dict(headers)
    if len(found) < len(headers):
        found = {}
        for name, value in headers:
            found[name] = f"{found[name]},{value}" if name in found else value
    return found
