"""Faults for a simulation that runs elsewhere: three calls beside those of its nodes.

Requests and answers are `google.protobuf.Struct`, so that any gRPC client can make them without a definition:

- `Inject` {fault, nodes, site, forSeconds, value} → {id, what}
- `Heal` {id} (all of them without) → {healed: [what]}
- `List` {} → {elapsedSeconds, speed, lateSeconds, there: [{id, what, sinceSeconds, healsAtSeconds}]}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.rpc.server.call import Call, Method
    from talos_resources.simulate.faults import Struck
    from talos_resources.simulate.running import RunningCluster

SERVICE: Final = "/talos_resources.Simulation/"
INJECT: Final = f"{SERVICE}Inject"
HEAL: Final = f"{SERVICE}Heal"
LIST: Final = f"{SERVICE}List"


def encoded(value: Mapping[str, Any]) -> bytes:
    """A message; values are texts, numbers, lists and mappings, and None is left out."""
    from google.protobuf.struct_pb2 import Struct

    message = Struct()
    message.update({name: item for name, item in value.items() if item is not None})
    return message.SerializeToString()


def decoded(data: bytes) -> dict[str, Any]:
    """What a message holds.

    Raises:
        ConfigError: it is none.
    """
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError
    from google.protobuf.struct_pb2 import Struct

    try:
        return dict(MessageToDict(Struct.FromString(data)))
    except (DecodeError, ValueError):
        raise ConfigError("this is no message of a simulation") from None


class Control:
    """The calls, answered by a simulation of this process."""

    def __init__(self, running: RunningCluster, *, on_note: Callable[[str], None] = lambda _text: None) -> None:
        """Takes the simulation, and what is told of what clients do."""
        self._running = running
        self._on_note = on_note

    def methods(self) -> Mapping[str, Method]:
        """Path → method."""
        return {INJECT: self._method(self._inject), HEAL: self._method(self._heal), LIST: self._method(self._list)}

    def _method(self, act: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Method:
        async def answer(call: Call, data: bytes) -> None:
            import asyncio

            from talos_resources.rpc.server.roles import check_write
            from talos_resources.rpc.status import Code, RpcError

            check_write(call.roles)
            try:
                # In a thread: it waits until a step of the simulation is over.
                told = await asyncio.to_thread(lambda: act(decoded(data)))
            except ConfigError as error:
                raise RpcError(Code.INVALID_ARGUMENT, error.message) from None
            await call.send(encoded(told))

        return answer

    def _inject(self, asked: dict[str, Any]) -> Mapping[str, Any]:
        name, site, value = (_text(asked, field) for field in ("fault", "site", "value"))
        nodes, for_s = asked.get("nodes", []), asked.get("forSeconds")
        if not isinstance(nodes, list) or not all(isinstance(node, str) for node in nodes):
            raise ConfigError("nodes are a list of names")
        if for_s is not None and not isinstance(for_s, float):
            raise ConfigError("forSeconds is a number of seconds")
        faults = self._running.faults
        struck = self._running.do(lambda: faults.inject(name, *nodes, site=site or None, for_s=for_s, value=value))
        self._on_note(struck.what)
        return {"id": struck.id, "what": struck.what}

    def _heal(self, asked: dict[str, Any]) -> Mapping[str, Any]:
        which = _text(asked, "id") or None
        healed = [struck.what for struck in self._running.do(lambda: self._running.faults.heal(which))]
        for what in healed:
            self._on_note(f"healed: {what}")
        return {"healed": healed}

    def _list(self, asked: dict[str, Any]) -> Mapping[str, Any]:
        del asked
        running = self._running
        there = running.do(running.faults.there)
        return {
            "elapsedSeconds": running.cluster.elapsed_s,
            "speed": running.speed,
            "lateSeconds": running.behind_s,
            "there": [_plain(struck) for struck in there],
        }


def _plain(struck: Struck) -> dict[str, Any]:
    told = {"id": struck.id, "what": struck.what, "sinceSeconds": struck.since_s, "healsAtSeconds": struck.heals_at_s}
    return {name: value for name, value in told.items() if value is not None}


def _text(asked: dict[str, Any], field: str) -> str:
    value = asked.get(field, "")
    if not isinstance(value, str):
        raise ConfigError(f"{field} is a text")
    return value
