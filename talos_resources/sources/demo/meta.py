"""The namespaces of a demo machine."""

from __future__ import annotations

from talos_resources.resources.meta.namespace import Namespace
from talos_resources.sources.demo import data
from talos_resources.sources.demo.machine import Machine
from talos_resources.sources.demo.stored import Made, stored


def namespaces(machine: Machine) -> Made:
    """Where its resources lie."""
    for name, description in data.NAMESPACES.items():
        yield stored(Namespace(description=description), name, created=machine.booted)
