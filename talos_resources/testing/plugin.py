"""The pytest plugin: a fake Talos node for other people's tests.

```python
def test_it(talos_node):
    talos_node.state.create(Resource.new(KubeSpanPeerStatus(label="cp-1"), id="abc="))
    run_my_tool("--talosconfig", talos_node.talosconfig)
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from talos_resources.testing.node import TalosNode


@pytest.fixture
def talos_node(tmp_path: Path) -> Iterator[TalosNode]:
    """A Talos node with nothing in it: a real gRPC server with mutual TLS, gone after the test.

    See `talos_resources.testing.node.TalosNode`: address, talosconfig, State.
    """
    from talos_resources.testing.node import TalosNode

    with TalosNode(tmp_path / "talos-node") as node:
        yield node
