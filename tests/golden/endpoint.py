"""Recorded cases of talosctl with several nodes, with a server between our command line and the nodes.

`python -m tests.golden.endpoint DIR` runs them as `tests.golden.talosctl` runs all; what is watched while a script
runs is left out: its changes have to fall between the reads of one watch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import attrs

from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.endpoint import Endpoint
from talos_resources.rpc.server.nodes import Nodes, ServedNode
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
from talos_resources.rpc.server.server import BackgroundServer
from tests.golden import command, talosctl
from tests.golden.command import Verdict
from tests.golden.talosctl import Recording, Refusing, Result


class Endpoints:
    """Servers of the nodes that cases name, one for all cases of which the nodes are alike."""

    def __init__(self, folder: Path) -> None:
        """The folder gets certificates and a talosconfig for each server."""
        self._folder = folder
        self._authority = authority_in(folder)
        self._stack = ExitStack()
        self._talosconfigs: dict[Any, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def way(self, recording: Recording, case: dict[str, Any]) -> list[str]:
        """The arguments by which the nodes of a case are reached."""
        key = recording.name, case["nodes"], *(tuple(case.get(what, ())) for what in ("down", "deny"))
        if key not in self._talosconfigs:
            self._talosconfigs[key] = self._serve(recording, *key[1:])
        return ["--talosconfig", str(self._talosconfigs[key])]

    def _serve(self, recording: Recording, names: str, down: Sequence[str], deny: Sequence[str]) -> Path:
        def state(name: str) -> Callable[[], Refusing | None]:
            held = Refusing(deny)
            held.restore(recording.resources)
            return lambda: None if name in down else held

        served = [ServedNode(name=name, state=state(name)) for name in dict.fromkeys(names.split(","))]
        nodes = Nodes(served, common=Common(talos_version=recording.release.version))
        server = BackgroundServer(
            Endpoint(nodes, served[0].name), "127.0.0.1:0", credentials=server_credentials(self._authority, "127.0.0.1")
        )
        self._stack.callback(server.close)
        folder = self._folder / str(len(self._talosconfigs))
        folder.mkdir()
        return write_talosconfig(folder, self._authority, server.address, nodes=[node.name for node in served])


def run_all(folder: Path) -> Iterator[Result]:
    """Runs every case of several nodes of a folder."""
    with TemporaryDirectory() as own, Endpoints(Path(own)) as endpoints:
        for found in talosctl.recordings(folder):
            recording = attrs.evolve(found, way=endpoints.way)
            for case in recording.cases:
                if not case.get("watch") and ("," in case["nodes"] or "nodes" in recording.name):
                    yield talosctl.run(recording, case)


def main(arguments: Sequence[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return command.run(
        "endpoint", arguments, lambda folder: (Verdict(result.name, result.difference, result.meant) for result in run_all(folder))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
