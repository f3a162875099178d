"""What a watch follows: one subscription after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talos_resources.rpc.client.continuity import Start
from talos_resources.state.events import AnyEvent
from talos_resources.state.watch_spec import WatchSpec


class EventStream(Protocol):
    """One subscription at the other side, as long as it lasts.

    Attributes:
        size: how many bytes the last events took.
    """

    size: int

    def read(self) -> list[AnyEvent] | None:
        """The next events, None at the end of the stream.

        Raises:
            TalosResourcesError: the stream broke.
        """
        ...

    def close(self) -> None:
        """Ends it from any thread."""
        ...


OpenStream = Callable[[WatchSpec, Start], EventStream]
"""Subscribes; returns when the other side has confirmed it. Raises errors of our tree."""
