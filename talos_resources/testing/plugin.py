"""The pytest plugin: a fake Talos node, and a whole simulated cluster, for other people's tests.

```python
def test_it(talos_node):
    talos_node.state.create(Resource.new(KubeSpanPeerStatus(label="cp-1"), id="abc="))
    run_my_tool("--talosconfig", talos_node.talosconfig)

def test_the_cut(talos_cluster):
    cluster = talos_cluster(nodes=5)
    cluster.inject("partition", site="b")
    cluster.wait_for("down", links=12)
    assert my_dashboard(cluster.talosconfig).red == 12
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from talos_resources.testing.cluster import TalosCluster
    from talos_resources.testing.node import TalosNode


@pytest.fixture
def talos_node(tmp_path: Path) -> Iterator[TalosNode]:
    """A Talos node with nothing in it: a real gRPC server with mutual TLS, gone after the test.

    See `talos_resources.testing.node.TalosNode`: address, talosconfig, State.
    """
    from talos_resources.testing.node import TalosNode

    with TalosNode(tmp_path / "talos-node") as node:
        yield node


@pytest.fixture
def talos_cluster(tmp_path: Path) -> Iterator[Callable[..., TalosCluster]]:
    """Makes simulated clusters: real gRPC servers with mutual TLS, in a full mesh, gone after the test.

    `talos_cluster(nodes=5, scenario="mesh")`; see `talos_resources.testing.cluster.TalosCluster` for what else it
    takes, and for `inject`, `heal`, `wait_for` and `advance`.
    """
    from talos_resources.testing.cluster import TalosCluster

    with ExitStack() as stack:
        made = 0

        def make(**options: Any) -> TalosCluster:
            nonlocal made
            made += 1
            return stack.enter_context(TalosCluster(tmp_path / f"talos-cluster-{made}", **options))

        yield make
