"""One agent on a link and in a state folder, whatever else is given to a second one."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from talos_resources.model.errors import ConfigError

_FILE: Final = "agent.lock"
_CREDENTIALS: Final = struct.Struct("iII")


def lock(link: str, state_dir: Path) -> ExitStack:
    """Takes both locks until what is returned is closed, or the process ends in whatever way.

    Raises:
        ConfigError: another agent has one of them, with its process id.
        OSError: the folder cannot be written.
    """
    with ExitStack() as held:
        held.enter_context(_lock_link(link))
        _lock_folder(state_dir, held)
        return held.pop_all()


def _lock_link(link: str) -> socket.socket:
    """An abstract socket: like links it belongs to a network namespace, and the kernel takes it back from a process that is killed."""
    address = f"\0talos-resources/agent/{link}"
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        taken.bind(address)
        taken.listen()
    except OSError:
        taken.close()
        raise ConfigError(f"{_other(address)} runs on the link {link} already; stop it first, or give this one another --link") from None
    return taken


def _other(address: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(address)
            raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return "another agent"
    return f"another agent (process {_CREDENTIALS.unpack(raw)[0]})"


def _lock_folder(state_dir: Path, held: ExitStack) -> None:
    file = held.enter_context((state_dir / _FILE).open("a+"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read(32).strip()
        raise ConfigError(
            f"another agent (process {owner or 'unknown'}) keeps its identities in {state_dir}; "
            "stop it first, or give this one another --state-dir"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
