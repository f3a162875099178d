"""What commands that serve until they are stopped have in common."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

COLLECT_AFTER: Final = 5_000
"""New objects after which the collector looks for garbage; commands that are short let it wait for many more."""


def prepare_to_serve() -> None:
    """Makes a process fit for many clients: memory that is given back, and a descriptor for each.

    Connections that are gone, with what they had received, wait for the collector.
    """
    import gc
    import resource

    gc.set_threshold(COLLECT_AFTER, 10, 10)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_event() -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C, in the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
