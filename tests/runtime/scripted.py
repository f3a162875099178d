"""Controllers that do what a test says, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from talos_resources.backends.memory import MemoryState
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import ClusterInfo, Member
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output

START = Timestamp.parse("2026-01-01T00:00:00Z")


class Scripted(Controller):
    """A controller that does what the test says."""

    def __init__(
        self,
        act: Callable[[Context], None],
        *,
        name: str = "test.Controller",
        inputs: tuple[Input, ...] = (),
        outputs: tuple[Output, ...] = (),
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.released = 0
        self._act = act

    def reconcile(self, context: Context) -> None:
        self._act(context)

    def release(self) -> None:
        self.released += 1


def named(text: str) -> Resource[ClusterInfo]:
    return Resource.new(ClusterInfo(cluster_name=text), id=text)


def mirror(context: Context) -> None:
    """A member for each cluster info."""
    context.replace(Member, {info.id: Member(hostname=info.spec.cluster_name) for info in context.list(ClusterInfo)})


MIRROR: dict[str, Any] = {"inputs": (Input(kind=ClusterInfo),), "outputs": (Output(kind=Member),)}


def ids(state: MemoryState) -> list[str]:
    return [member.id for member in state.list(Member)]
