"""What `Cluster.list` returns: the resources of several nodes, which know how to show themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, TypeVar

from talos_resources.codec.records import beside, own_name, record_columns
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.resource import Resource
from talos_resources.state.listing import ResourceList

S = TypeVar("S")


class ClusterList(ResourceList[S]):
    """Resources of one kind, node by node, those of a node sorted by id.

    Attributes:
        kind: of the resources.
        nodes: the node of each resource, in the same order.
        errors: node → why it has none here.
    """

    kind: Kind[S]
    nodes: tuple[str, ...]
    errors: Mapping[str, TalosResourcesError]

    @classmethod
    def joined(cls, kind: type[S] | Kind[S], answers: Mapping[str, Sequence[Resource[S]] | TalosResourcesError]) -> Self:
        """Joins what nodes answered.

        Raises:
            TalosResourcesError: not one node answered; the first error.
        """
        errors = {node: answer for node, answer in answers.items() if isinstance(answer, TalosResourcesError)}
        if errors and len(errors) == len(answers):
            raise next(iter(errors.values()))
        found = {node: answer for node, answer in answers.items() if not isinstance(answer, TalosResourcesError)}
        joined = cls(resource for resources in found.values() for resource in resources)
        joined.kind = kind_of(kind)
        joined.nodes = tuple(node for node, resources in found.items() for _ in resources)
        joined.errors = MappingProxyType(errors)
        return joined

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """As of any list of resources, with `node` first."""
        return [beside({"node": node}, record) for node, record in zip(self.nodes, super().records(json=json), strict=True)]

    def record_columns(self) -> tuple[str, ...]:
        """As of any list of resources, with `node` first."""
        columns = record_columns(self.kind.spec)
        return (own_name("node", columns), *columns)

    def __repr__(self) -> str:
        missing = f", no answer from {', '.join(self.errors)}" if self.errors else ""
        return f"<{len(self)} resources of {len(set(self.nodes))} nodes{missing}:\n{super().__repr__()}>"
