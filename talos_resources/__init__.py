"""The resources of a Talos Linux cluster: typed, watchable, and printed exactly as talosctl prints them.

Public names are imported when they are first used, so that nobody pays for what they do not use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from talos_resources.model.errors import TalosResourcesError as TalosResourcesError
    from talos_resources.model.resource import Resource as Resource
    from talos_resources.resources import KubeSpanEndpoint as KubeSpanEndpoint
    from talos_resources.resources import KubeSpanIdentity as KubeSpanIdentity
    from talos_resources.resources import KubeSpanPeerSpec as KubeSpanPeerSpec
    from talos_resources.resources import KubeSpanPeerStatus as KubeSpanPeerStatus
    from talos_resources.resources import PeerState as PeerState

__version__: Final = "0.1.0"

_HOMES: Final = {
    "KubeSpanEndpoint": "talos_resources.resources",
    "KubeSpanIdentity": "talos_resources.resources",
    "KubeSpanPeerSpec": "talos_resources.resources",
    "KubeSpanPeerStatus": "talos_resources.resources",
    "PeerState": "talos_resources.resources",
    "Resource": "talos_resources.model.resource",
    "TalosResourcesError": "talos_resources.model.errors",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
