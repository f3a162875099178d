"""Nodes of a source by what their cluster calls them: the host names of its members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.net import format_address
from talos_resources.resources import Member
from talos_resources.state.contract import State
from talos_resources.state.named import called, the_one

_ASKED: Final = 8
"""How many nodes that know members are asked; all nodes of a cluster know the same ones, but for clusters in one source."""


def node_of_member(name: str, nodes: Sequence[str], state: Callable[[str], State], others: Mapping[str, str]) -> str | None:
    """The node of the member that is called so; None if nobody knows one, or if the source has no such node.

    Args:
        name: a host name, or its first part.
        nodes: the names of the source's nodes.
        state: gives the state of a node.
        others: further names of nodes.

    Raises:
        AmbiguousNameError: several members are called so.
    """
    asked = 0
    for node in nodes:
        try:
            members = state(node).list(Member)
        except TalosResourcesError:  # whoever asks for this node hears of it
            continue
        if found := called(members, name):
            member = the_one(found, Member, name)
            ways = (member.id, member.spec.hostname, *[format_address(address) for address in member.spec.addresses if address is not None])
            return next((others.get(way, way) for way in ways if way in nodes or way in others), None)
        asked += bool(members)
        if asked == _ASKED:
            break
    return None
