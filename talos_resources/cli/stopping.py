"""What commands that serve until they are stopped have in common."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
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


def stopping_signals() -> Sequence[signal.Signals]:
    """What stops a command that runs until it is stopped, which is no failure: SIGTERM, Ctrl-C, the end of its terminal.

    Those that whoever started it has it ignore, as nohup does, stay ignored.
    """
    there = [getattr(signal, name, None) for name in ("SIGTERM", "SIGINT", "SIGHUP")]
    return [number for number in there if number is not None and signal.getsignal(number) is not signal.SIG_IGN]


def stop_event() -> asyncio.Event:
    """Set by what stops a server, in the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stopping_signals():
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: what Python itself runs between two steps must wake the loop
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop.set))
    return stop
