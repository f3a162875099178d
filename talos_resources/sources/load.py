"""Resources → a state in memory, in which every type has a definition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from talos_resources.backends.memory import MemoryState
from talos_resources.model.kind import kind_of, names, typed_kind, untyped
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import ResourceDefinition
from talos_resources.resources.meta.definition import definition_of


def memory_state(resources: Iterable[Resource[Any]]) -> MemoryState:
    """A state that holds these resources as they are: versions and times are kept.

    Raises:
        AlreadyExistsError: two of them have the same identity.
    """
    state = MemoryState()
    state.restore(resources)
    return state


def defined(resources: list[Resource[Any]]) -> list[Resource[Any]]:
    """The resources, and the definitions that they lack: without one a type cannot be looked up."""
    return resources + lacking_definitions(resources)


def lacking_definitions(resources: Sequence[Resource[Any]]) -> list[Resource[Any]]:
    """Definitions of the types that these resources do not define."""
    meta = kind_of(ResourceDefinition).type
    there = {
        resource.spec.resource_type for resource in resources if resource.type == meta and isinstance(resource.spec, ResourceDefinition)
    }
    lacking = {resource.type: resource.namespace for resource in resources if resource.type not in there}
    return [_definition(name, namespace) for name, namespace in lacking.items()]


def _definition(type: str, namespace: str) -> Resource[ResourceDefinition]:
    kind = typed_kind(type)
    definition = definition_of(kind) if kind is not None else _guessed(type, namespace)
    meta = kind_of(ResourceDefinition)
    return Resource(Metadata(namespace=meta.namespace, type=meta.type, id=type.lower(), version=1), definition)


def _guessed(type: str, namespace: str) -> ResourceDefinition:
    """What follows from a type's name and from where its resources were found."""
    try:
        short, every = names(type)
    except ValueError:  # a type such as `os/path`, which only its full name finds
        short, every = (), ()
    display_type = untyped(type, namespace).display_type
    return ResourceDefinition(resource_type=type, display_type=display_type, default_namespace=namespace, aliases=short, all_aliases=every)


def is_taken_out(document: dict[str, Any]) -> bool:
    """Whether a secret spec was emptied by hand: a node that has nothing set writes every field with its zero."""
    spec = document.get("spec")
    text = spec.yaml.strip() if isinstance(spec, UntypedSpec) else spec
    if text not in ({}, "{}", "", None):  # nearly all; to ask for their kinds would load the classes of all types
        return False
    kind = typed_kind(str(document["metadata"]["type"]))
    return kind is not None and kind.sensitive
