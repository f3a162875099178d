"""The program as a process: pipes, signals, terminals, exit codes."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "talos_resources"]
STATUSES = ["get", "kubespanpeerstatuses", "--from", "demo"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    dropped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TALOSCONFIG"}
    return {key: value for key, value in os.environ.items() if key not in dropped} | {"HOME": str(tmp_path), "TERM": "xterm-256color"}


def run(environment: dict[str, str], *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PROGRAM, *arguments], input=data, capture_output=True, env=environment, timeout=60, check=False)


def on_terminal(environment: dict[str, str], *arguments: str) -> str:
    """What the program writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            written += piece
        assert process.wait(60) == 0
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["version"], 0), (["get", "nosuch", "--from", "demo"], 1), (["get"], 2), (["nosuch"], 2)],
    ids=["fine", "error", "usage", "command"],
)
def test_exit_codes(environment: dict[str, str], arguments: list[str], code: int) -> None:
    done = run(environment, *arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == (1 if code else 0)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"\xff" * 1000, b"{", b"[1]", b"a: [", b"- - - -", b"&a [*a, *a]", bytes(range(255, -1, -1)) * 8]
)
def test_garbage_on_stdin(environment: dict[str, str], data: bytes) -> None:
    done = run(environment, "get", "members", "--from", "-", data=data)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: stdin")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("extra", [[], ["-o", "yaml"]])
def test_a_closed_pipe_is_no_error(environment: dict[str, str], tmp_path: Path, extra: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with (tmp_path / "stderr").open("w+b") as errors:
        code = subprocess.run(
            [*PROGRAM, *STATUSES, *extra], stdout=writer, stderr=errors, env=environment, timeout=60, check=False
        ).returncode
        os.close(writer)
        errors.seek(0)
        assert (code, errors.read()) == (0, b"")


@pytest.mark.parametrize("nodes", ["172.20.0.2", "172.20.0.2,172.20.0.3"])
def test_ctrl_c_ends_a_watch_quietly(environment: dict[str, str], nodes: str) -> None:
    command = [*PROGRAM, *STATUSES, "-w", "-n", nodes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(1 + 4 * len(nodes.split(",")))]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert all(b":51820" in line for line in lines[1:])
    assert (rest, errors) == (b"", b"")


def test_a_terminal_has_colours(environment: dict[str, str]) -> None:
    plain = run(environment, *STATUSES).stdout.decode()
    wide = on_terminal(environment | {"COLUMNS": "160"}, *STATUSES)
    assert "\x1b[" in wide
    assert re.sub(r"\x1b\[[0-9;]*m| +$", "", wide, flags=re.MULTILINE) == plain


def test_no_color_is_honoured(environment: dict[str, str]) -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal(environment | {"COLUMNS": "160", "NO_COLOR": "1"}, *STATUSES)) is None
    assert "\x1b" not in on_terminal(environment, *STATUSES, "--color", "never")


def test_colours_into_a_pipe_when_asked_for(environment: dict[str, str]) -> None:
    assert b"\x1b[" in run(environment | {"NO_COLOR": "1"}, *STATUSES, "--color", "always").stdout
    assert b"\x1b[" not in run(environment, *STATUSES).stdout


def test_a_narrow_terminal(environment: dict[str, str]) -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(environment | {"COLUMNS": "80"}, *STATUSES))
    assert max(map(len, shown.splitlines())) <= 80
    assert "15043220" in shown


def test_both_entries_are_the_same(environment: dict[str, str]) -> None:
    script = Path(sys.executable).parent / "talos-resources"
    done = subprocess.run([script, *STATUSES], capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, run(environment, *STATUSES).stdout, b"")


def test_a_unix_socket_is_read_by_a_process_of_its_own(environment: dict[str, str], tmp_path: Path) -> None:
    from talos_resources.rpc.server.server import BackgroundServer
    from talos_resources.testing.node import fresh_state

    with BackgroundServer(fresh_state(), f"unix:{tmp_path}/state.sock") as server:
        done = run(environment, "get", "namespaces", "-o", "name", "--from", f"cosi+{server.address}")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Namespaces.meta.cosi.dev/kubespan" in done.stdout.replace(b"namespaces.meta.cosi.dev", b"Namespaces.meta.cosi.dev")


@pytest.mark.parametrize(
    "arguments", [STATUSES, ["--help"], ["rd", "--help"], ["dump", "--from", "demo", "--to", "-"], ["completion", "bash"]]
)
def test_a_closed_standard_output_is_one_line(environment: dict[str, str], arguments: list[str]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"error: standard output is closed\n")


def test_a_file_does_not_get_the_number_of_a_closed_output(environment: dict[str, str], tmp_path: Path) -> None:
    command = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *PROGRAM, "dump", "--from", "demo", "--to", f"sqlite:{tmp_path / 'a.db'}"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, timeout=60, check=False).returncode == 0
    assert (tmp_path / "a.db").read_bytes().startswith(b"SQLite format 3")


INTERRUPTED = """
import os, runpy, signal, sys

class Interrupt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

wanted = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupt)
runpy.run_module("talos_resources", run_name="__main__", alter_sys=True)
"""
"""A program that is interrupted when a module of it is about to be loaded."""


@pytest.mark.parametrize(
    "module", ["talos_resources.cli.main", "argparse", "talos_resources.cli.get", "talos_resources.model.kind", "attrs"]
)
def test_an_interrupt_while_modules_are_loaded_is_quiet(environment: dict[str, str], module: str) -> None:
    arguments = [sys.executable, "-c", INTERRUPTED, module, "get", "members", "--from", "demo"]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
