"""WireGuard devices of a Linux host: the user-space API of wireguard-go, and the `wg` tool for any device.

Source: the cross-platform user-space API of WireGuard (a socket NAME.sock that answers `get=1` and `set=1`), and
`wg show NAME dump` and `wg syncconf` of wireguard-tools.
"""

from __future__ import annotations

import base64
import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig, PeerReading
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.timestamp import Timestamp

SOCKETS: Final = Path("/var/run/wireguard")
TIMEOUT_S: Final = 10.0

# The second where the kernel has no WireGuard at all.
_NO_DEVICE: Final = ("No such device", "Protocol not supported")
_MISSING: Final = (errno.ENOENT, errno.ECONNREFUSED, errno.ENODEV)


class UapiDevice:
    """A device that a program in user space runs, wireguard-go for one; talked to over its socket.

    Implements: `talos_resources.kubespan.wireguard.ConfiguredDevice`.
    """

    def __init__(self, name: str, *, sockets: Path = SOCKETS, timeout_s: float = TIMEOUT_S) -> None:
        """Nothing is opened yet.

        Args:
            name: of the interface.
            sockets: the folder of the sockets.
            timeout_s: how long an answer may take.
        """
        self.name = name
        self._timeout_s = timeout_s
        self._path = sockets / f"{name}.sock"

    def configure(self, config: DeviceConfig) -> None:
        """Makes the device so: peers that stay keep their sessions."""
        there = self.read()
        if there is None:
            raise FileNotFoundError(errno.ENOENT, f"there is no WireGuard device {self.name}", str(self._path))
        lines = [
            f"private_key={_hex(config.private_key)}",
            f"listen_port={config.listen_port}",
            f"fwmark={config.firewall_mark}",
        ]
        for key in there.keys() - {peer.public_key for peer in config.peers}:
            lines += [f"public_key={_hex(key)}", "remove=true"]
        for peer in config.peers:
            lines += _peer_lines(peer)
        self._ask("set=1", lines)

    def read(self) -> Mapping[str, PeerReading] | None:
        """Every peer by its public key; None if there is no such device."""
        said = self._say()
        return None if said is None else dict(_readings(said))

    def config(self) -> DeviceConfig | None:
        """What it is configured to be, each peer with the endpoint that it has now; None if there is no such device."""
        said = self._say()
        return None if said is None else _config(said)

    def remove(self) -> None:
        """Takes the device away: who runs it ends when its socket goes."""
        self._path.unlink(missing_ok=True)

    def _say(self) -> list[tuple[str, str]] | None:
        try:
            return self._ask("get=1")
        except OSError as error:
            if error.errno in _MISSING:
                return None
            raise

    def _ask(self, operation: str, lines: Sequence[str] = ()) -> list[tuple[str, str]]:
        """One exchange; gives the lines of the answer.

        Raises:
            OSError: there is no such device, or it refuses; never with a key in its text.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._timeout_s)
            connection.connect(str(self._path))
            connection.sendall(("\n".join([operation, *lines]) + "\n\n").encode())
            answer = b""
            while not answer.endswith(b"\n\n"):
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
        pairs = [(key, value) for line in answer.decode().splitlines() if line for key, _, value in [line.partition("=")]]
        code = next((int(value) for key, value in pairs if key == "errno"), errno.EIO)
        if code:
            raise OSError(abs(code), f"the WireGuard device {self.name} refuses: {os.strerror(abs(code))}")
        return pairs


class ToolDevice:
    """Any device that the `wg` tool knows: the kernel's, and those in user space.

    Implements: `talos_resources.kubespan.wireguard.ConfiguredDevice`.
    """

    def __init__(self, name: str) -> None:
        """Nothing is run yet; takes the name of the interface."""
        self.name = name

    def configure(self, config: DeviceConfig) -> None:
        """Makes the device so: peers that stay keep their sessions."""
        # By standard input: what is in the arguments of a program, everybody can read.
        self._run(["wg", "syncconf", self.name, "/dev/stdin"], "\n".join(_config_lines(config)) + "\n")

    def read(self) -> Mapping[str, PeerReading] | None:
        """Every peer by its public key; None if there is no such device."""
        try:
            dump = self._run(["wg", "show", self.name, "dump"])
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return dict(map(_dumped, dump.splitlines()[1:]))

    def config(self) -> DeviceConfig | None:
        """What it is configured to be, each peer with the endpoint that it has now; None if there is no such device."""
        try:
            first, *peers = self._run(["wg", "show", self.name, "dump"]).splitlines()
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        private, _, port, mark = first.split("\t")
        return DeviceConfig(
            private_key=_known(private),
            listen_port=int(port),
            firewall_mark=0 if mark == "off" else int(mark, 0),
            peers=tuple(sorted(map(_dumped_config, peers), key=attrgetter("public_key"))),
        )

    def remove(self) -> None:
        """Takes the device away; that there is none is no error."""
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603, S607

    def _run(self, command: Sequence[str], text: str = "") -> str:
        """What a command prints.

        Raises:
            OSError: it failed, or is not there.
        """
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        if done.returncode:
            # Other complaints repeat what they complain about, which may be a key.
            said = done.stderr.partition("Unable to access interface: ")[2].strip()
            code = errno.ENODEV if said in _NO_DEVICE else errno.EIO
            raise OSError(code, f"the WireGuard device {self.name}: {said or f'`{command[0]} {command[1]}` failed'}")
        return done.stdout


def kernel_device(name: str) -> ToolDevice | None:
    """A new device of the kernel; None where the kernel has no WireGuard.

    Raises:
        OSError: it cannot be made: no rights, or there is one of this name.
    """
    done = subprocess.run(["ip", "link", "add", name, "type", "wireguard"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603, S607
    if done.returncode == 0:
        return ToolDevice(name)
    said = done.stderr.strip()
    if "Unknown device type" in said or "not supported" in said:
        return None
    code = errno.EEXIST if "File exists" in said else errno.EPERM if "not permitted" in said else errno.EIO
    raise OSError(code, f"cannot make the WireGuard device {name}: {said or 'ip failed'}")


def userspace_program() -> str | None:
    """The path of wireguard-go; None if it is not installed."""
    return shutil.which("wireguard-go")


def _hex(key: str) -> str:
    return base64.b64decode(key).hex()


def _peer_lines(peer: PeerConfig) -> Iterator[str]:
    yield f"public_key={_hex(peer.public_key)}"
    yield f"preshared_key={_hex(peer.preshared_key) if peer.preshared_key else '00' * 32}"
    if peer.endpoint is not None:
        yield f"endpoint={peer.endpoint}"
    yield f"persistent_keepalive_interval={peer.keepalive_s}"
    yield "replace_allowed_ips=true"
    yield from (f"allowed_ip={prefix}" for prefix in peer.allowed_ips)


def _config_lines(config: DeviceConfig) -> Iterator[str]:
    yield "[Interface]"
    yield f"PrivateKey = {config.private_key}"
    yield f"ListenPort = {config.listen_port}"
    yield f"FwMark = {config.firewall_mark}"
    for peer in config.peers:
        yield "[Peer]"
        yield f"PublicKey = {peer.public_key}"
        if peer.preshared_key:
            yield f"PresharedKey = {peer.preshared_key}"
        if peer.endpoint is not None:
            yield f"Endpoint = {peer.endpoint}"
        yield f"PersistentKeepalive = {peer.keepalive_s or 'off'}"
        if peer.allowed_ips:
            yield f"AllowedIPs = {', '.join(map(str, peer.allowed_ips))}"


def _sections(pairs: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """The parts of an answer to `get=1`: what is said of the device, then of each peer from its key on."""
    section: list[tuple[str, str]] = []
    for pair in pairs:
        if pair[0] == "public_key":
            yield section
            section = []
        section.append(pair)
    yield section


def _readings(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, PeerReading]]:
    _, *peers = _sections(pairs)
    for fields in map(dict, peers):
        seconds, nanos = int(fields.get("last_handshake_time_sec", 0)), int(fields.get("last_handshake_time_nsec", 0))
        yield (
            _base64(fields["public_key"]),
            PeerReading(
                endpoint=AddrPort.parse(fields["endpoint"]) if "endpoint" in fields else None,
                last_handshake_time=Timestamp.from_seconds(seconds, nanos) if seconds else Timestamp.ZERO,
                receive_bytes=int(fields.get("rx_bytes", 0)),
                transmit_bytes=int(fields.get("tx_bytes", 0)),
            ),
        )


def _config(pairs: Sequence[tuple[str, str]]) -> DeviceConfig:
    first, *peers = _sections(pairs)
    device = dict(first)
    return DeviceConfig(
        private_key=_base64(device.get("private_key", "")),
        listen_port=int(device.get("listen_port", 0)),
        firewall_mark=int(device.get("fwmark", 0)),
        peers=tuple(sorted(map(_peer_config, peers), key=attrgetter("public_key"))),
    )


def _peer_config(pairs: Sequence[tuple[str, str]]) -> PeerConfig:
    fields = dict(pairs)
    secret = fields.get("preshared_key", "")
    return PeerConfig(
        public_key=_base64(fields["public_key"]),
        preshared_key=_base64(secret) if secret.strip("0") else "",
        endpoint=AddrPort.parse(fields["endpoint"]) if "endpoint" in fields else None,
        keepalive_s=int(fields.get("persistent_keepalive_interval", 0)),
        allowed_ips=tuple(IPPrefix.parse(value) for name, value in pairs if name == "allowed_ip"),
    )


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _known(text: str) -> str:
    """A field of `wg show NAME dump`; empty where it says that there is none."""
    return "" if text == "(none)" else text


def _dumped_config(line: str) -> PeerConfig:
    key, secret, endpoint, networks, _, _, _, keepalive = line.split("\t")
    return PeerConfig(
        public_key=key,
        preshared_key=_known(secret),
        endpoint=AddrPort.parse(endpoint) if _known(endpoint) else None,
        keepalive_s=0 if keepalive == "off" else int(keepalive),
        allowed_ips=tuple(map(IPPrefix.parse, filter(None, _known(networks).split(",")))),
    )


def _dumped(line: str) -> tuple[str, PeerReading]:
    """A peer's line of `wg show NAME dump`: key, preshared key, endpoint, allowed IPs, handshake, rx, tx, keepalive."""
    key, _, endpoint, _, handshake, received, sent, _ = line.split("\t")
    return key, PeerReading(
        endpoint=None if endpoint == "(none)" else AddrPort.parse(endpoint),
        last_handshake_time=Timestamp.from_seconds(int(handshake)) if handshake != "0" else Timestamp.ZERO,
        receive_bytes=int(received),
        transmit_bytes=int(sent),
    )
