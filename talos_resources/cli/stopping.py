"""What commands that serve until they are stopped have in common."""

from __future__ import annotations

import asyncio
import signal
from typing import Final


def prepare_to_serve() -> None:
    """Makes a process fit for many clients: memory that is given back, and a descriptor for each."""
    from talos_resources.cli.housekeeping import prepare_collector
    from talos_resources.rpc.server import descriptors

    prepare_collector()
    descriptors.allow_all()


def settle() -> None:
    """Begins to keep house, in the running loop, when a server has all that it begins with.

    That is taken out of the collector's sight: it stays, and looking through it holds up everybody.
    """
    import gc

    from talos_resources.cli.housekeeping import keep_house

    gc.freeze()
    _kept.append(asyncio.get_running_loop().create_task(keep_house()))


_kept: Final[list[asyncio.Task[None]]] = []
"""The loop itself holds tasks but weakly."""


def stop_event() -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C, in the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: what Python itself runs between two steps must wake the loop
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop.set))
    return stop
