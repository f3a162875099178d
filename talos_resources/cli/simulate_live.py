"""`simulate --serve`: a cluster that lives while others talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from argparse import Namespace
from functools import partial

from talos_resources.cli import progress, serving
from talos_resources.cli.simulate_output import recording, write
from talos_resources.cli.stopping import prepare_to_serve, stop_event
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.configured import machines
from talos_resources.simulate.control import Control
from talos_resources.simulate.course import CourseRecorder
from talos_resources.simulate.run import prepared
from talos_resources.simulate.running import RunningCluster
from talos_resources.simulate.scenarios import scenario
from talos_resources.simulate.served import alias, served_nodes
from talos_resources.simulate.summary import clock
from talos_resources.simulate.witness import ServingWitness

TRAFFIC = 1000
"""Bytes a second from each node to each other, so that counters grow as they do where pods talk."""


def run(args: Namespace) -> int:
    """Serves until somebody stops it, or until its time is over.

    Raises:
        ConfigError: the arguments do not fit each other.
    """
    chosen = scenario(args.scenario)
    host = serving.check_protection(args, args.serve, prog="talos-resources simulate --serve")
    prepare_to_serve()
    with recording(args) as recorder:
        if isinstance(recorder, CourseRecorder):
            recorder.on_end = lambda state: state.close()
        traffic = args.traffic if args.traffic is not None else max(chosen.traffic, TRAFFIC)
        with progress.busy(f"making {args.count} nodes"):
            cluster, events = prepared(
                chosen,
                nodes=args.count,
                seed=args.seed,
                witness=recorder or ServingWitness(),
                start=Timestamp(time.time_ns()),
                traffic=traffic,
                versions=partial(serving.given_version, args),
            )
        serving.check_versions(args, tuple(cluster.nodes), prog="talos-resources simulate")
        say = partial(_say, cluster)
        running = RunningCluster(cluster, events, speed=args.speed, on_note=say)
        asyncio.run(_serve(args, host, running))
    if args.to is not None:
        write(cluster, args.to, show_secrets=args.show_secrets)
    return 0


def _say(cluster: SimulatedCluster, text: str) -> None:
    print(f"{clock(cluster.elapsed_s)}  {text}", file=sys.stderr, flush=True)


async def _serve(args: Namespace, host: str | None, running: RunningCluster) -> None:
    cluster, stop = running.cluster, stop_event()
    beside = Control(running, on_note=partial(_say, cluster)).methods()
    nodes = served_nodes(cluster, machine=machines(cluster, running.do, on_note=partial(_say, cluster)))
    with progress.busy(f"switching {len(cluster.nodes)} nodes on"):
        running.start()
    with contextlib.closing(running):
        async with serving.listening(args, args.serve, host, nodes, alias=partial(alias, cluster), beside=beside):
            timeout = None if args.duration is None else args.duration / args.speed
            try:
                async with asyncio.timeout(timeout):
                    await stop.wait()
            except TimeoutError:
                _say(cluster, "its time is over")
