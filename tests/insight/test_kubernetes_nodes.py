"""What Kubernetes says of nodes (NodeStatuses): to whom it gave a network, who is not ready, who is cordoned."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.sources.documents import by_node, parse
from talos_resources.sources.load import memory_state
from talos_resources.sources.snapshots import view_of

from .truth_kinds import lan
from .world_resources import documents
from .worlds import Machine, World, when


def view(world: World, machine: Machine, spec: Mapping[str, Any], *, without: str = "") -> NodeView:
    """The view of a machine with the status of its Kubernetes node, and without a type."""
    metadata = {"namespace": "k8s", "type": "NodeStatuses.kubernetes.talos.dev", "id": machine.name, "version": 1, "phase": "running"}
    stamped = metadata | {"created": when(9, machine), "updated": when(9, machine)}
    text = "\n".join([*documents(world, machine), json.dumps({"metadata": stamped, "spec": {"nodename": machine.name, **spec}})])
    ((_, resources),) = by_node(parse(text.encode(), source=machine.name)).items()
    kept = [resource for resource in resources if not without or not resource.type.startswith(without)]
    return view_of(memory_state(kept), machine.address, full=True)


def test_who_owns_a_network_that_two_announce() -> None:
    machines = lan(random.Random(1), 4)  # no secret
    machines[2].networks = machines[3].networks = ["10.244.3.0/24"]
    world = World(machines=machines)
    pods = ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24"]
    views = [view(world, machine, {"nodeReady": True, "podCIDRs": [pod]}) for machine, pod in zip(machines, pods, strict=True)]
    finding = next(finding for finding in examine(Snapshot(views=tuple(views))).findings if finding.rule == "overlapping-networks")
    assert f"Kubernetes gave 10.244.3.0/24 to {machines[3].name}" in finding.evidence
    assert f"Kubernetes gave 10.244.2.0/24 to {machines[2].name}" in finding.evidence


def test_a_node_that_is_cordoned_and_not_ready() -> None:
    machines = lan(random.Random(2), 5)  # no secret
    world = World(machines=machines)
    world.block([machines[-1].name], [machine.name for machine in machines[:-1]], since=900)
    views = [view(world, machine, {"nodeReady": machine is not machines[-1]}) for machine in machines[:-1]]
    views.append(view(world, machines[-1], {"nodeReady": False, "unschedulable": True}))
    (finding,) = examine(Snapshot(views=tuple(views))).findings
    assert f"Kubernetes calls {machines[-1].name} not ready and cordoned: somebody works on it" in finding.evidence


def test_the_name_comes_from_kubernetes_where_nothing_else_tells() -> None:
    machine = lan(random.Random(3), 3)[0]  # no secret
    found = view(World(machines=[machine]), machine, {"nodeReady": True}, without="Nodenames")
    assert found.nodename == machine.name
