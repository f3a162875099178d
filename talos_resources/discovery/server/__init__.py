"""The discovery service: keeps what nodes seal for each other, for a while; needs the extra `server`."""

from talos_resources.model.errors import UnsupportedError

try:
    import grpclib  # noqa: F401
except ImportError as missing:
    raise UnsupportedError(f"the server needs grpclib ({missing}); install talos-resources[server]") from None
