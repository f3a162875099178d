"""The WireGuard device of the host: the kernel's, or where that has none, one of wireguard-go."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import struct
import subprocess
import threading
import time
from contextlib import suppress
from typing import Final

import attrs

from talos_resources.agent.tools import run
from talos_resources.kubespan.devices import SOCKETS, ToolDevice, UapiDevice, kernel_device, userspace_program
from talos_resources.kubespan.wireguard import ConfiguredDevice, DeviceConfig, PeerReading
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import AddrPort

START_S: Final = 10.0
END_S: Final = 2.0
ANSWER_S: Final = 2.0
_GET_FLAGS: Final = 0x8913
_IS_UP: Final = 1

log: Final = logging.getLogger("talos_resources.agent")


def link_is_up(name: str) -> bool:
    """Whether there is a link of this name and it is up, as the kernel of this network namespace says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _GET_FLAGS, struct.pack("16sH14x", name.encode(), 0))
        except OSError:
            return False
    return bool(struct.unpack("16sH14x", answer)[1] & _IS_UP)


class HostDevice:
    """The WireGuard device of the host.

    One thread makes, configures and removes it; any may read it.

    Implements: `talos_resources.kubespan.wireguard.ConfiguredDevice`.
    """

    def __init__(self, name: str) -> None:
        """Nothing is made yet; takes the name of the interface."""
        self.name = name
        self._device: ConfiguredDevice | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._endpoints: dict[str, AddrPort] = {}
        self._lock = threading.Lock()

    def is_there(self) -> bool:
        """Whether the device answers, up or not."""
        with suppress(OSError):
            return self.config() is not None
        return False

    def make(self) -> bool:
        """Makes the device unless it is there; gives whether it did.

        Raises:
            ConfigError: the kernel has no WireGuard and wireguard-go is not installed.
            OSError: it cannot be made.
        """
        if self.is_there():
            return False
        self.remove()
        device = kernel_device(self.name)
        self._device = self._userspace() if device is None else device
        return True

    def configure(self, config: DeviceConfig) -> None:
        """See `WireGuardDevice`; a peer in a new device begins where it was last seen."""
        if self.make():
            with self._lock:
                seen = dict(self._endpoints)
            peers = (attrs.evolve(peer, endpoint=peer.endpoint or seen.get(peer.public_key)) for peer in config.peers)
            config = attrs.evolve(config, peers=tuple(peers))
        assert self._device is not None
        self._device.configure(config)

    def config(self) -> DeviceConfig | None:
        """See `ConfiguredDevice`; None also for one that does not answer in time."""
        device = self._device
        try:
            return None if device is None else device.config()
        except TimeoutError:
            log.warning("the WireGuard device %s does not answer", self.name)
            return None

    def read(self) -> dict[str, PeerReading] | None:
        """See `WireGuardDevice`; None also while the link is down or the device does not answer: nothing passes then."""
        device = self._device
        found = None
        if device is not None and link_is_up(self.name):
            with suppress(OSError):
                found = device.read()
        if found is None:
            return None
        with self._lock:
            self._endpoints = {key: peer.endpoint for key, peer in found.items() if peer.endpoint is not None}
        return dict(found)

    def remove(self) -> None:
        """See `WireGuardDevice`; also what a former run has left."""
        self._device = None
        program, self._program = self._program, None
        if program is not None:
            program.terminate()
            try:
                program.wait(END_S)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait(END_S)
        ToolDevice(self.name).remove()
        self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        """Waits until the program of a former run has let go: on leaving it removes its socket, or would remove the next one's."""
        left, end = UapiDevice(self.name, timeout_s=ANSWER_S), time.monotonic() + END_S
        with suppress(OSError):
            while left.read() is not None and time.monotonic() < end:
                time.sleep(0.02)
        left.remove()

    def _userspace(self) -> UapiDevice:
        found = userspace_program()
        if found is None:
            raise ConfigError("this kernel has no WireGuard, and wireguard-go is not installed; install one of them")
        environment = {**os.environ, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1", "LOG_LEVEL": "error"}
        quiet = subprocess.DEVNULL
        program = self._program = subprocess.Popen([found, "-f", self.name], env=environment, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603
        device = UapiDevice(self.name, timeout_s=ANSWER_S)
        end = time.monotonic() + START_S
        while device.read() is None:
            if program.poll() is not None or time.monotonic() > end:
                raise OSError(f"wireguard-go did not make the device {self.name} (is {SOCKETS} writable, and /dev/net/tun there?)")
            time.sleep(0.02)
        with suppress(OSError):  # a host without IPv6
            # As the kernel's WireGuard has it: no address of the link's own.
            run("ip", "link", "set", self.name, "addrgenmode", "none")
        return device
