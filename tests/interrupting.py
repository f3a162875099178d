"""Ctrl-C at any moment, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class CtrlC:
    """Comes at one of the moments at which Python looks for it: when a function begins or ends."""

    def __init__(self, step: int, places: tuple[str, ...]) -> None:
        self._left = step
        self._places = places

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._places):
            return None
        if event in {"call", "return"}:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt  # which ends the tracing, too
        return self


def interrupted(step: int, work: Callable[[], object], places: tuple[str, ...]) -> bool:
    """Whether Ctrl-C came during the work; not if that has fewer steps in functions of these files and folders."""
    before = sys.gettrace()
    sys.settrace(CtrlC(step, places))
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
