"""Every example of every help text: printed by the real parser, and run."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli import registry
from talos_resources.cli.examples import TOP
from talos_resources.cli.main import main
from talos_resources.cli.parser import Parser
from talos_resources.machineconfig.configured_node import store
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources import open_source
from talos_resources.sources.writing import held_by
from talos_resources.talosconfig.config import Context, TalosConfig
from talos_resources.talosconfig.file import save
from talos_resources.testing.node import TalosNode
from tests.machineconfig.cilium.samples import CILIUM
from tests.processes import worked

PROG = "talos-resources"
PATIENCE_S = 60.0
FOUND = 3
"""`doctor` and `cilium check` say so when they found something."""

ENDLESS = re.compile(r"talos-resources (serve|discovery|record|top|export) |--listen|--serve| -w\b|/CONSOLE")
"""They go on until somebody stops them."""

ELSEWHERE = re.compile(r"talos-resources agent |etcd://|simulate (inject|heal) ")
"""They need more than is here: the agent is in tests/agent, an etcd in tests/interop/test_go_replicas.py, a running simulation
in tests/cli/test_simulate.py."""


def parsers(parser: Parser) -> Iterator[Parser]:
    """A command's parser and those of the commands within it."""
    yield parser
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        for inner in dict(action.choices or {}).values():
            assert isinstance(inner, Parser)
            yield from parsers(inner)


def shown(help_text: str) -> list[str]:
    """The examples at the end of a help text."""
    return [line.strip() for line in help_text.partition("examples:\n")[2].splitlines() if line.startswith("  ")]


def every_example() -> list[str]:
    found = [f"{PROG} {line}" for line in TOP]
    for names, _ in registry.listing():
        for parser in parsers(registry.parser_of(names[0], prog=PROG)):
            found += shown(parser.format_help())
    return list(dict.fromkeys(found))


EXAMPLES = every_example()


def arguments(example: str) -> list[str]:
    words = shlex.split(re.sub(r" [|>].*", "", example))
    assert words[0] == PROG
    return words[1:]


@pytest.mark.parametrize("name", sorted(set(registry.COMMANDS.values()) - {"version"}))
def test_every_command_has_examples(name: str) -> None:
    names = [command for command, module in registry.COMMANDS.items() if module == name]
    found = shown(registry.parser_of(names[0], prog=PROG).format_help())
    assert found
    assert all(line == f"{PROG} {names[0]}" or line.startswith(f"{PROG} {names[0]} ") for line in found)


def test_commands_within_a_command_show_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "info", "--help"]) == 0
    assert shown(capsys.readouterr().out) == [f"{PROG} config info -o yaml"]


@pytest.mark.parametrize("example", [line for line in EXAMPLES if ELSEWHERE.search(line)])
def test_examples_that_run_elsewhere_are_understood(example: str) -> None:
    name, *rest = arguments(example)
    registry.parser_of(name, prog=PROG).parse(rest)


class World:
    """What the examples name: nodes, bundles, a recording of a day, configurations.

    Attributes:
        folder: with the files.
        plain: the address of a server without TLS.
    """

    def __init__(self, folder: Path, plain: str) -> None:
        self.folder = folder
        self.plain = plain


def recorded(file: Path) -> None:
    """A day of the demo: in the last hours a peer goes down on one node."""

    def ago(hours: float) -> Timestamp:
        return Timestamp(time.time_ns() - int(hours * 3600e9))

    with SqliteState(file) as state, open_source("demo") as demo, state.batch():
        for name in demo.nodes:
            node = state.of_node(name)
            for resource in held_by(demo.state(name)):
                node.put(resource, at=ago(26))
        node = state.of_node("172.20.0.2")
        peer = next(peer for peer in node.list(KubeSpanPeerStatus) if peer.spec.label == "talos-default-worker-2")
        for hours, link in ((2, PeerState.DOWN), (0.5, PeerState.UP)):
            peer = peer.with_spec(state=link).with_metadata(version=peer.version + 1)
            node.put(peer, at=ago(hours))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    for target in ("support.zip", "cluster.zip"):
        assert main(["dump", "--from", "demo", "--to", str(folder / target)]) == 0
    recorded(folder / "mesh.db")
    assert main(["gen", "secrets", "-o", str(folder / "secrets.yaml")]) == 0
    made = ["gen", "config", "my-cluster", "https://mycluster.local:6443", "--with-secrets", str(folder / "secrets.yaml")]
    assert main([*made, "-o", str(folder)]) == 0
    (folder / "talosconfig").unlink()
    (folder / "helm.yaml").write_text(CILIUM)
    for name, command in {"cilium.yaml": f"cilium inline {folder}/helm.yaml", "kubespan.yaml": "kubespan patch"}.items():
        done = subprocess.run([sys.executable, "-m", "talos_resources", *command.split()], capture_output=True, check=True)
        (folder / name).write_bytes(done.stdout)
    with open_source("demo") as demo:
        state = demo.state("172.20.0.2")
        store(state, (folder / "controlplane.yaml").read_text())
        with TalosNode(folder / "pki-of-the-node", state=state) as node, BackgroundServer(state, "127.0.0.1:0") as plain:
            save(attrs.evolve(TalosConfig.load(node.talosconfig).with_context(Context(name="prod")), path=folder / "talosconfig"))
            yield World(folder, plain.address)


def prepared(example: str, world: World, tmp_path: Path) -> tuple[str, Path, dict[str, str]]:
    """The command line, its folder and environment: free ports in the place of fixed ones, and no target that is there already."""
    folder = tmp_path / "here"
    shutil.copytree(world.folder, folder)
    writes = re.search(r" (dump|simulate)\b.* --to (?:sqlite:)?(\S+)", example) or re.search(r" (gen) secrets.* -o (\S+)", example)
    if writes:
        (folder / writes[2]).unlink(missing_ok=True)
    if " gen config " in example:
        for name in ("controlplane.yaml", "worker.yaml", "talosconfig"):
            (folder / name).unlink()
    if " cilium inline " in example:  # what helm wrote
        shutil.copy(folder / "helm.yaml", folder / "cilium.yaml")
    line = re.sub(r"(--(?:listen|serve) [0-9.]+):\d+", r"\1:0", example).replace("cosi://127.0.0.1:50000", f"cosi://{world.plain}")
    if " export " in line and "--listen" not in line:
        line += " --listen 127.0.0.1:0"
    line = line.replace("unix:/tmp/", f"unix:{tmp_path}/")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "EDITOR": "true"}
    environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    # `-n` with a source that is not named asks the node of a talosconfig; the addresses of the guide are those of the demo.
    if " config " in line or (" -n " in line and " -n 172." not in line and " --from " not in line):
        environment["TALOSCONFIG"] = str(folder / "talosconfig")
    return line, folder, environment


FINITE = [line for line in EXAMPLES if not ENDLESS.search(line) and not ELSEWHERE.search(line)]
UNTIL_STOPPED = [line for line in EXAMPLES if ENDLESS.search(line) and " top " not in line and not ELSEWHERE.search(line)]
ON_A_TERMINAL = [line for line in EXAMPLES if " top " in line]


@pytest.mark.parametrize("example", FINITE)
def test_an_example_runs(example: str, world: World, tmp_path: Path) -> None:
    line, folder, environment = prepared(example, world, tmp_path)
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    allowed = {0, FOUND} if re.search(r" (doctor|cilium check)", example) else {0}
    assert done.returncode in allowed, done.stderr
    assert "error:" not in done.stderr


@pytest.mark.parametrize("example", UNTIL_STOPPED)
def test_an_example_goes_on_until_it_is_stopped(example: str, world: World, tmp_path: Path) -> None:
    line, folder, environment = prepared(example, world, tmp_path)
    started = subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    with started as process:
        assert process.stdout is not None
        said, used = b"", -1
        while not re.search(rb"listening|recording|VERSION|links up|TIME", said):
            if not select.select([process.stdout], [], [], 1.0)[0] and " events " in example:
                if used == (used := worked(process.pid)):
                    break  # it has nothing to tell while nothing happens
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            assert piece, said
            said += piece
        assert process.poll() is None, said
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(PATIENCE_S) in {0, 130}


@pytest.mark.parametrize("example", ON_A_TERMINAL)
def test_an_example_runs_on_a_terminal(example: str, world: World, tmp_path: Path) -> None:
    line, folder, environment = prepared(example, world, tmp_path)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", f"exec {line}"], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = b""
        while b"links up" not in written and b"links:" not in written:
            assert select.select([ours], [], [], PATIENCE_S)[0], written[-500:]
            written += os.read(ours, 65536)
        os.write(ours, b"q")
        while select.select([ours], [], [], PATIENCE_S)[0]:
            try:
                os.read(ours, 65536)
            except OSError:  # it has gone
                break
        assert process.wait(PATIENCE_S) == 0
    os.close(ours)
