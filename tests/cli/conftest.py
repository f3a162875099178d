"""A living cluster for the commands that change nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from talos_resources.simulate.settings import NodeSettings
from tests.simulate.living import LivingCluster


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Callable[..., LivingCluster]]:
    """Starts clusters that end with the test; the talosconfig is in the folder `pki` of the test."""
    with ExitStack() as stack:

        def start(nodes: list[NodeSettings], *, version: str = "v1.14.0") -> LivingCluster:
            return stack.enter_context(LivingCluster(tmp_path / "pki", nodes, version=version))

        yield start
