"""`agent`: makes this host a KubeSpan node."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from talos_resources.cli.parser import Parser
from talos_resources.model.errors import ConfigError

HELP: Final = "make this host a KubeSpan node"
DESCRIPTION: Final = """\
Make this Linux host a node of a KubeSpan mesh: it keeps a key pair, finds the others through the discovery
service, drives WireGuard (the kernel's, or wireguard-go), and routes what is meant for other nodes through the
tunnel. Its resources can be read at --listen. SIGTERM, Ctrl-C and the end of its terminal take link, routes, rules and chains away.
Needs root, iproute2 and nftables, and the extra `server`."""
EXAMPLES: Final = """\
--config worker.yaml
--config worker.yaml --state-dir /var/lib/talos-resources --listen unix:/run/talos-resources.sock
"""


def configure(parser: Parser) -> None:
    """Adds what makes the node."""
    parser.add_argument("--config", required=True, metavar="FILE", help="the machine configuration, of the cluster and with KubeSpan on")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path("/var/lib/talos-resources"),
        metavar="DIR",
        help="keeps the node's identities (default: %(default)s)",
    )
    parser.add_argument(
        "--listen",
        default="unix:/run/talos-resources.sock",
        metavar="unix:PATH",
        help="where its resources are served (default: %(default)s)",
    )
    parser.add_argument("--nodename", metavar="NAME", help="of the node in Kubernetes (default: the host's name)")
    parser.add_argument("--link", default="kubespan", metavar="NAME", help="of the WireGuard interface (default: %(default)s)")
    parser.add_argument("--discovery-ca", metavar="FILE", help="authorities of the discovery service's certificate (default: the system's)")


def run(args: Namespace) -> int:
    """Runs the node until somebody stops it.

    Raises:
        ConfigError: no root, or a configuration that makes no KubeSpan node.
    """
    import os
    import signal
    import threading

    if not args.listen.startswith("unix:"):
        raise ConfigError(f"--listen takes unix:PATH, not {args.listen!r}: the socket's mode protects the node's keys")
    if not sys.platform.startswith("linux"):
        raise ConfigError(f"agent makes a Linux host a node of the mesh; this is {sys.platform}")
    if os.geteuid() != 0:
        raise ConfigError("agent changes the host's network and needs root; run it with sudo")
    from talos_resources.agent.agent import Agent, Settings
    from talos_resources.cli.configuration import read_configuration
    from talos_resources.cli.stopping import stopping_signals
    from talos_resources.codec.whole import read_whole
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.rpc.server.server import BackgroundServer

    settings = Settings(
        config=MachineConfig.load(read_configuration(args.config), source=args.config),
        state_dir=args.state_dir,
        nodename=args.nodename,
        link=args.link,
        discovery_ca=None if args.discovery_ca is None else read_whole(Path(args.discovery_ca)),
    )
    stop = threading.Event()
    for number in stopping_signals():
        signal.signal(number, lambda _number, _frame: stop.set())
    agent = Agent(settings)
    with BackgroundServer(agent.state, args.listen) as server:
        try:
            with agent:
                print(f"listening on {server.address}", flush=True)
                while not stop.wait(3600):
                    pass
        except OSError as error:
            raise ConfigError(f"the host's network cannot be changed: {error}") from None
    print("the node has left the mesh", file=sys.stderr)
    return 0
