"""`export`: the mesh for monitoring."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from argparse import Namespace
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli import options
from talos_resources.cli.durations import some_time
from talos_resources.cli.parser import Parser
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.sources.poll import Poll

HELP: Final = "serve the mesh as metrics: prometheus"
EXAMPLES: Final = """\
prometheus -n 10.0.0.1,10.0.0.2,10.0.0.3
prometheus --listen 0.0.0.0:9633 --every 15s
"""

DEFAULT_ADDRESS: Final = "127.0.0.1:9633"

MOST: Final = 64
"""Connections at a time; a scrape takes milliseconds."""

FRESH_S: Final = 1.0
"""For so long a scrape is told again: that of a thousand nodes takes a second or more to make."""


def configure(parser: Parser) -> None:
    """Adds `prometheus`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="FORMAT")
    prometheus = actions.add_parser(
        "prometheus",
        help="metrics over HTTP",
        description="Read all nodes again and again and serve what they say at /metrics, as plain HTTP. A scrape never waits for a node. "
        'When it is ready it prints "listening on ADDRESS"; SIGTERM, Ctrl-C and the end of its terminal stop it.',
    )
    prometheus.add_argument("--listen", metavar="HOST:PORT", default=DEFAULT_ADDRESS, help=f"port 0: any (default: {DEFAULT_ADDRESS})")
    prometheus.add_argument("--every", type=some_time, default=30.0, metavar="TIME", help="how often to read the nodes (default: 30s)")
    options.add_source(prometheus)
    prometheus.set_defaults(watch=True)  # it goes on until it is stopped, so the note about the demo comes first


def run(args: Namespace) -> int:
    """Serves until somebody stops it."""
    from talos_resources.rpc.server.server import split_address
    from talos_resources.sources.poll import Poll

    host, port = split_address(args.listen)
    with options.opened(args) as (cluster, selected):
        poll = Poll(cluster, tuple(selected) if args.nodes else cluster.nodes, every_s=args.every)
        try:
            server = _Server((host, port), poll)
        except OSError as error:
            raise ConfigError(f"cannot listen on {args.listen}: {error.strerror}") from None
        poll.start()
        _serve(server)
        poll.stop()
    return 0


def _serve(server: _Server) -> None:
    from talos_resources.cli.stopping import stopping_signals

    def stop(*_: Any) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()  # it waits for the loop, which this signal interrupts

    before = {number: signal.signal(number, stop) for number in stopping_signals()}
    try:
        host, port = server.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        print(f"listening on {shown}:{port}", flush=True)
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(ThreadingHTTPServer):
    """A thread for each of a few connections: another one ends the oldest of whoever has most."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], poll: Poll) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.poll = poll
        self._lock = threading.Lock()
        self._open: dict[Any, str] = {}
        self._scraping = threading.Lock()
        self._scraped = ""
        self._scraped_at = float("-inf")
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begins to answer somebody."""
        with self._lock:
            if len(self._open) >= MOST:
                most = Counter(self._open.values()).most_common(1)[0][0]
                oldest = next(request for request, client in self._open.items() if client == most)
                del self._open[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread ends
            self._open[request] = client_address[0]
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Has answered somebody."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news; of anything else one line is."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"{client_address[0]}: {type(error).__name__}: {error}", file=sys.stderr)

    def metrics(self) -> str:
        """What is told now; made once for all who ask within `FRESH_S`."""
        with self._scraping:
            if time.monotonic() - self._scraped_at >= FRESH_S:
                self._scraped = _metrics(self.poll)
                self._scraped_at = time.monotonic()
            return self._scraped


class _Handler(BaseHTTPRequestHandler):
    timeout = 30

    def do_GET(self) -> None:
        """Metrics, and a page that leads to them."""
        from talos_resources.views.prometheus import CONTENT_TYPE

        path = self.path.partition("?")[0]
        if path == "/metrics":
            assert isinstance(self.server, _Server)
            self._answer(200, CONTENT_TYPE, self.server.metrics())
        elif path == "/":
            self._answer(200, "text/html; charset=utf-8", '<!DOCTYPE html><title>talos-resources</title><a href="/metrics">metrics</a>\n')
        else:
            self._answer(404, "text/plain; charset=utf-8", "there is /metrics\n")

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Only what went wrong: a line for each scrape is noise."""
        if args and str(args[-2 if len(args) > 1 else -1]).startswith("5"):
            print(f"{self.address_string()}: {format % args}", file=sys.stderr)


def _metrics(poll: Poll) -> str:
    from talos_resources.insight.mesh import build
    from talos_resources.insight.metrics import discovery_metrics, mesh_metrics, reading_metrics
    from talos_resources.views.prometheus import metrics_text

    snapshot, readings = poll.now()
    if not snapshot.views:  # that nobody has answered yet is no mesh without nodes
        return metrics_text(reading_metrics(readings))
    mesh = build(snapshot)
    return metrics_text([*mesh_metrics(mesh), *discovery_metrics(mesh, snapshot.views), *reading_metrics(readings)])
