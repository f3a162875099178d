"""What comes to be after a while, in other threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

LONG_S: Final = 60.0


def settled(difference: Callable[[], str]) -> str:
    """The difference that is still there when there was time enough."""
    pause = threading.Event()
    for _ in range(int(LONG_S * 20)):
        if not difference():
            break
        pause.wait(0.05)
    return difference()
