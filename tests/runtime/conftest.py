"""A state in virtual time."""

from __future__ import annotations

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.runtime.scheduler import VirtualTime
from tests.runtime.scripted import START


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime(START, seed=1)


@pytest.fixture
def state(clock: VirtualTime) -> MemoryState:
    return MemoryState(clock=clock.now)
