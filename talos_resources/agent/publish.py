"""Writes what the agent knows into the node's state, each thing as its owner on a Talos node would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos_resources.codec.plain import spec_from_plain
from talos_resources.model.kind import Kind, kind_of, typed_kind
from talos_resources.model.resource import Resource
from talos_resources.state.contract import State


def spec_of(kind: Kind[Any], plain: Any) -> Any:
    """A spec of a kind of Talos's, of what its YAML says: who reads messages sees it, too."""
    found = typed_kind(kind.type)
    assert found is not None  # all of Talos's types have a class
    return spec_from_plain(found.spec, plain)


class Publisher:
    """Writes into one state; what is as it was is not touched."""

    def __init__(self, state: State) -> None:
        """Takes the state."""
        self.state = state

    def put(self, kind: type[Any] | Kind[Any], id: str, spec: Any, *, owner: str, namespace: str | None = None) -> None:
        """Makes a resource have this spec."""
        old = {found.id: found for found in self.state.list(kind, namespace=namespace)}.get(id)
        self._write(kind_of(kind), id, spec, old, owner=owner, namespace=namespace)

    def replace(self, kind: type[Any] | Kind[Any], specs: Mapping[str, Any], *, owner: str, namespace: str | None = None) -> None:
        """Makes the resources of this kind and owner exactly these, by id."""
        there = {found.id: found for found in self.state.list(kind, namespace=namespace)}
        for key, spec in specs.items():
            self._write(kind_of(kind), key, spec, there.get(key), owner=owner, namespace=namespace)
        for key, old in there.items():
            if key not in specs and old.owner == owner:
                self.state.destroy(kind, key, namespace=namespace, owner=owner)

    def _write(self, kind: Kind[Any], id: str, spec: Any, old: Resource[Any] | None, *, owner: str, namespace: str | None) -> None:
        if old is None:
            self.state.create(Resource.new(spec, id=id, kind=kind, namespace=namespace), owner=owner)
        elif old.spec != spec:
            self.state.update(old.with_spec(spec), owner=owner)
