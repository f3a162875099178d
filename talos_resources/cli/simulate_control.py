"""`simulate inject` and `simulate heal`: what is done to a simulation that runs elsewhere."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from talos_resources.cli import options
from talos_resources.model.errors import ConfigError, UnsupportedError
from talos_resources.simulate import control
from talos_resources.simulate.strikes import FAULTS
from talos_resources.simulate.summary import clock

if TYPE_CHECKING:
    from talos_resources.rpc.client.state import RemoteState


def run(args: Namespace) -> int:
    """Does it and says what was done.

    Raises:
        ConfigError: what is asked for is no simulation, or the simulation refuses it.
    """
    with options.opened(args) as (cluster, selected):
        state = _remote(cluster.state(selected[0]), cluster.source)
        if args.action == "heal":
            healed = _ask(state, control.HEAL, {"id": args.id})["healed"]
            for what in healed:
                print(f"healed: {what}")
            if not healed:
                print("no fault is there")
        elif args.fault is None:
            _list(state)
        else:
            asked = {"fault": args.fault, "nodes": args.targets, "site": args.site, "forSeconds": args.for_s, "value": args.value}
            struck = _ask(state, control.INJECT, asked)
            print(f"{struck['id']}  {struck['what']}")
    return 0


def _remote(state: object, source: str) -> RemoteState:
    from talos_resources.rpc.client.state import RemoteState

    if not isinstance(state, RemoteState):
        raise ConfigError(f"{source} is no simulation that runs; start one with `simulate --serve`, and name its talosconfig")
    return state


def _ask(state: RemoteState, method: str, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return control.decoded(state.call(method, control.encoded(asked)))
    except UnsupportedError:
        raise ConfigError("whoever answers there is no simulation; `simulate --serve` is one") from None


def _list(state: RemoteState) -> None:
    from talos_resources.views.tabwriter import align

    told = _ask(state, control.LIST, {})
    width = max(map(len, FAULTS))
    for name, fault in FAULTS.items():
        print(f"{name:{width}}   {fault.about}")
    there = len(told["there"])
    print(f"\nat {clock(told['elapsedSeconds'])}, {told['speed']:g}x: {there or 'no'} fault{'' if there == 1 else 's'} there")
    rows = [("ID", "SINCE", "HEALS", "WHAT")]
    for struck in told["there"]:
        heals = struck.get("healsAtSeconds")
        rows.append((struck["id"], clock(struck["sinceSeconds"]), "-" if heals is None else clock(heals), struck["what"]))
    if len(rows) > 1:
        print(align("".join("\t".join(row) + "\n" for row in rows)), end="")
