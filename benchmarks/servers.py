"""Servers that are measured: started in processes of their own, and what they take of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def started(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that says in its first line where it listens, and the last word of that line; it ends with the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            if not words:
                raise SystemExit(f"{' '.join(command[:4])} ended with {process.wait()}")
            yield process, words[-1]
        finally:
            process.terminate()


def listening(stack: ExitStack, command: Sequence[str | Path], port: int) -> subprocess.Popen[bytes]:
    """A server that does not say anything, once it listens; it ends with the stack."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {process.returncode}") from None
            time.sleep(0.1)
        else:
            return process


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def cpu_s(pid: int) -> float:
    """The CPU time that a process has used, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, in megabytes of 2^20 bytes."""
    return _memory_mb(pid, "VmHWM")


def memory_mb(pid: int) -> float:
    """The memory that a process has, in megabytes of 2^20 bytes."""
    return _memory_mb(pid, "VmRSS")


def _memory_mb(pid: int, which: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024
