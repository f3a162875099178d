"""Python as it is on other systems: what they lack is taken away from the one that runs.

`python -m tests.other_systems SYSTEM MODULE ARGUMENT...` runs a module so, `python -m tests.other_systems SYSTEM --import MODULE...`
imports some; systems are `windows` and `macos`.

What is taken away is what the documentation of Python says that the system does not have, as far as Linux has it. It
does not show how the system differs in what it does have; for that nothing but the system itself will do.
"""

from __future__ import annotations

import functools
import importlib
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, NoReturn

MODULES: Final = {
    "windows": frozenset({"crypt", "fcntl", "grp", "posix_ipc", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"}),
    "macos": frozenset({"spwd"}),
}
_LINUX_ONLY: Final[dict[ModuleType, str]] = {
    os: "memfd_create eventfd getrandom sched_getaffinity sched_setaffinity setns unshare splice posix_fadvise fdatasync pidfd_open",
    select: "epoll",
    socket: "AF_NETLINK AF_PACKET AF_ALG TCP_KEEPIDLE TCP_USER_TIMEOUT TCP_QUICKACK SO_PEERCRED SO_BINDTODEVICE SO_MARK",
}
_UNIX_ONLY: Final[dict[ModuleType, str]] = {
    os: "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown chroot fchdir fchmod fchown fork forkpty getegid geteuid getgid getgroups "
    "getloadavg getpgid getpgrp getpriority getresuid getuid getxattr initgroups killpg lchown lockf mkfifo nice openpty pread pwrite "
    "register_at_fork sendfile setegid seteuid setgid setpgid setpriority setsid setuid statvfs sync sysconf tcgetpgrp ttyname uname "
    "wait wait3 wait4 WNOHANG",
    select: "poll",
    signal: "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH alarm getitimer "
    "pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait",
    socket: "AF_UNIX CMSG_LEN SCM_RIGHTS SO_REUSEPORT recv_fds send_fds",
}
_FOLDERS: Final = ("/proc/", "/dev/shm", "/sys/")


class _Missing:
    """Finds that modules are not there."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _hide_folders(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(_FOLDERS):
        raise FileNotFoundError(2, "No such file or directory", arguments[0])


def _not_implemented(*_: object) -> NoReturn:
    raise NotImplementedError


def become(system: str) -> None:
    """Takes away what the system lacks, from now on."""
    # These look at `sys.platform`, which stays: they are what they are here.
    for name in ("asyncio.unix_events", "subprocess", "platformdirs"):
        importlib.import_module(name)
    loop: Any = sys.modules["asyncio.unix_events"].SelectorEventLoop
    socket.socketpair = functools.partial(socket.socketpair, socket.AF_UNIX)  # all have one, of their own kind
    lacking = [_LINUX_ONLY] if system == "macos" else [_LINUX_ONLY, _UNIX_ONLY]
    for module, names in (pair for table in lacking for pair in table.items()):
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    if sys.version_info >= (3, 13):
        os.process_cpu_count = os.cpu_count  # as Python makes it where there is no affinity
    if system == "windows":
        loop.add_signal_handler = loop.remove_signal_handler = _not_implemented
    for name in MODULES[system]:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Missing(MODULES[system]))
    sys.addaudithook(_hide_folders)


def main(arguments: Sequence[str]) -> None:
    """The command; see the module."""
    system, first, *rest = arguments
    become(system)
    if first == "--import":
        for name in rest:
            importlib.import_module(name)
    else:
        sys.argv = [first, *rest]
        runpy.run_module(first, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
