"""What the services of all nodes of a server have in common."""

from __future__ import annotations

import attrs

from talos_resources.releases import NEWEST
from talos_resources.rpc.server.encoding import Encoder
from talos_resources.rpc.server.limits import DEFAULT_LIMITS, Limits


@attrs.define(eq=False, kw_only=True)
class Common:
    """Shared by the services of a server, for one event loop.

    Attributes:
        limits: what clients may take.
        talos_version: what nodes say that they run that do not say it themselves; talosctl warns of one that is older than itself.
        encoder: remembers what was encoded, whichever node it is of.
        watches: how many are going on.
    """

    limits: Limits = DEFAULT_LIMITS
    talos_version: str = NEWEST.version
    encoder: Encoder = attrs.field(factory=Encoder)
    watches: int = 0
