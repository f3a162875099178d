"""Real etcd members on loopback ports, to be broken on purpose."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PATIENCE_S = 60.0
"""How long anything may take on a loaded machine; nothing waits so long when all is well."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


class Etcd:
    """A cluster of one or more members; leaving `with` ends them all."""

    def __init__(self, folder: Path, members: int = 1, *, options: Sequence[str] = (), tls: dict[str, Path] | None = None) -> None:
        self.folder = folder
        self.tls = tls or {}
        ports = free_ports(2 * members)
        self.ports, peers = ports[:members], ports[members:]
        self._home = 0
        self._options = options
        self._peers = [f"http://127.0.0.1:{port}" for port in peers]
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for index in range(members):
                self._processes.append(self._start(index))
            for index in range(members):
                self.wait_for(index)
        except BaseException:
            self.close()
            raise

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def endpoints(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def url(self, prefix: str = "/cosi") -> str:
        return f"etcd://{self.endpoints}{prefix}"

    def etcdctl(self, *arguments: str, member: int | None = None, patience_s: int = 30) -> str:
        """Runs etcdctl against one member, or all."""
        ports = self.ports if member is None else [self.ports[member]]
        endpoints = ",".join(f"{self.scheme}://127.0.0.1:{port}" for port in ports)
        secure = [
            f"--{option}={self.tls[name]}"
            for option, name in (("cacert", "ca"), ("cert", "client_cert"), ("key", "client_key"))
            if self.tls
        ]
        done = subprocess.run(
            [
                "etcdctl",
                f"--endpoints={endpoints}",
                *secure,
                f"--dial-timeout={patience_s}s",
                f"--command-timeout={patience_s}s",
                *arguments,
            ],
            env={**os.environ, "ETCDCTL_API": "3"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def leader(self) -> int:
        """The member that leads, once there is one."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            for index in range(len(self.ports)):
                with contextlib.suppress(AssertionError):
                    fields = self.etcdctl("endpoint", "status", member=index, patience_s=5).split(", ")
                    if fields[4] == "true":
                        return index
            time.sleep(0.1)
        raise AssertionError("there is no leader")

    def member_id(self, index: int) -> str:
        return self.etcdctl("endpoint", "status", member=index).split(", ")[1]

    def revision(self) -> int:
        """The revision that the cluster is at."""
        import json

        return int(json.loads(self.etcdctl("get", "none", "-w", "json"))["header"]["revision"])

    def kill(self, index: int) -> None:
        """SIGKILL, as by the kernel."""
        self._processes[index].kill()
        self._processes[index].wait(PATIENCE_S)

    def pause(self, index: int) -> None:
        """The member hangs: its connections stay open and it says nothing."""
        self._processes[index].send_signal(signal.SIGSTOP)

    def resume(self, index: int) -> None:
        self._processes[index].send_signal(signal.SIGCONT)

    def restart(self, index: int, *, elsewhere: bool = False) -> None:
        """Starts a killed member with what it has on disk, on another port where its clients do not look for it."""
        port = self.ports[index]
        if elsewhere:
            self.ports[index] = free_ports(1)[0]
        self._processes[index] = self._start(index)
        self.wait_for(index)
        if elsewhere:
            self._home = port

    def come_home(self, index: int) -> None:
        """Kills a member that is elsewhere and starts it where its clients look for it."""
        self.kill(index)
        self.ports[index] = self._home
        self.restart(index)

    def wait_for(self, index: int) -> None:
        """Waits until a member answers a read that needs the cluster."""
        end = time.monotonic() + PATIENCE_S
        while True:
            code = self._processes[index].poll()
            if code is not None:
                words = (self.folder / f"{index}.log").read_text()[-2000:]
                # Its port is nobody's for a moment, and may be given to a connection of somebody else.
                assert "address already in use" in words, f"member {index} ended with {code}: {words}"
                assert time.monotonic() < end, f"the port of member {index} is taken"
                time.sleep(0.2)
                self._processes[index] = self._start(index)
            try:
                self.etcdctl("get", "none", member=index, patience_s=5)
            except AssertionError:
                assert time.monotonic() < end, f"member {index} does not answer"
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        client = f"{self.scheme}://127.0.0.1:{self.ports[index]}"
        secure = [
            f"--{option}={self.tls[name]}"
            for option, name in (("trusted-ca-file", "ca"), ("cert-file", "cert"), ("key-file", "key"))
            if self.tls
        ]
        with (self.folder / f"{index}.log").open("ab") as log:
            return subprocess.Popen(
                [
                    "etcd",
                    f"--name=m{index}",
                    f"--data-dir={self.folder / f'm{index}'}",
                    f"--listen-client-urls={client}",
                    f"--advertise-client-urls={client}",
                    f"--listen-peer-urls={self._peers[index]}",
                    f"--initial-advertise-peer-urls={self._peers[index]}",
                    f"--initial-cluster={','.join(f'm{n}={peer}' for n, peer in enumerate(self._peers))}",
                    "--unsafe-no-fsync",
                    "--logger=zap",
                    "--log-level=warn",
                    *(["--client-cert-auth"] if self.tls else []),
                    *secure,
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def need_etcd() -> None:
    """Skips where etcd is not installed."""
    for program in ("etcd", "etcdctl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
