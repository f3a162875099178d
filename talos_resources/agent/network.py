"""Makes the host's network what KubeSpan wants: link, address, routes, policy rules, packet chains.

With the tools that every Linux administrator knows (`ip` of iproute2, `nft`), so that what it does can be seen
and undone by hand; see docs/agent.md. Everything is replaced as a whole and may be done again.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from talos_resources.kubespan.devices import SOCKETS, ToolDevice, UapiDevice, kernel_device, userspace_program
from talos_resources.kubespan.network import POLICY_RULE_TOP, POLICY_RULES, Address, Chain, ChainRule, DefaultRoute, Link, PolicyRule
from talos_resources.kubespan.network_specs import ADDRESS_SPECS, CHAINS, LINK_SPECS, ROUTE_SPECS, SPEC_NAMESPACE
from talos_resources.kubespan.wireguard import DeviceConfig, PeerReading, WireGuardDevice
from talos_resources.model.errors import ConfigError
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input

TABLE: Final = "talos_kubespan"
"""Our table of nftables, of the family inet."""
TIMEOUT_S: Final = 15.0
START_S: Final = 10.0
_HEADERS: Final = {4: 40, 6: 60}
"""Bytes of IP and TCP headers, by IP version."""

log: Final = logging.getLogger("talos_resources.agent")


def run(*command: str, text: str | None = None, check: bool = True) -> str:
    """What a command prints.

    Raises:
        OSError: it failed, with its first complaint; or it is not installed.
    """
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    if check and done.returncode:
        complaint = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise OSError(f"`{' '.join(command[:4])}` failed: {complaint}")
    return done.stdout


class HostDevice:
    """The WireGuard device of the host: the kernel's, or where that has none, one of wireguard-go.

    Implements: `talos_resources.kubespan.wireguard.WireGuardDevice`.
    """

    def __init__(self, name: str) -> None:
        """Nothing is made yet; takes the name of the interface."""
        self.name = name
        self._device: WireGuardDevice | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Makes the device unless it is there.

        Raises:
            ConfigError: the kernel has no WireGuard and wireguard-go is not installed.
            OSError: it cannot be made.
        """
        if self._device is not None and self.read() is not None:
            return
        self.remove()
        self._device = kernel_device(self.name) or self._userspace()

    def configure(self, config: DeviceConfig) -> None:
        """See `WireGuardDevice`."""
        self.make()
        assert self._device is not None
        self._device.configure(config)

    def read(self) -> dict[str, PeerReading] | None:
        """See `WireGuardDevice`."""
        found = None if self._device is None else self._device.read()
        return None if found is None else dict(found)

    def remove(self) -> None:
        """See `WireGuardDevice`; also what a former run has left."""
        self._device = None
        if self._program is not None:
            self._program.terminate()
            self._program.wait(TIMEOUT_S)
            self._program = None
        ToolDevice(self.name).remove()

    def _userspace(self) -> WireGuardDevice:
        program = userspace_program()
        if program is None:
            raise ConfigError("this kernel has no WireGuard, and wireguard-go is not installed; install one of them")
        environment = {**os.environ, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1", "LOG_LEVEL": "error"}
        quiet = subprocess.DEVNULL
        self._program = subprocess.Popen([program, "-f", self.name], env=environment, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603
        device = UapiDevice(self.name)
        end = time.monotonic() + START_S
        while device.read() is None:
            if self._program.poll() is not None or time.monotonic() > end:
                raise OSError(f"wireguard-go did not make the device {self.name} (is {SOCKETS} writable, and /dev/net/tun there?)")
            time.sleep(0.02)
        return device


class HostRules:
    """The host's policy routing rules; see `talos_resources.kubespan.manager_controller.PolicyRules`."""

    def install(self, rules: tuple[PolicyRule, ...]) -> None:
        """Adds the rules, each at the highest free priority from 32500 down."""
        self.remove(rules)  # of a former run
        for rule in rules:
            taken = {entry["priority"] for entry in json.loads(run("ip", f"-{rule.version}", "-j", "rule", "show") or "[]")}
            priority = next(number for number in range(POLICY_RULE_TOP, 0, -1) if number not in taken)
            run("ip", f"-{rule.version}", "rule", "add", *_rule_words(rule), "priority", str(priority))

    def remove(self, rules: tuple[PolicyRule, ...]) -> None:
        """Takes the rules away."""
        for rule in rules:
            while True:
                try:
                    run("ip", f"-{rule.version}", "rule", "delete", *_rule_words(rule))
                except OSError:
                    break


def _rule_words(rule: PolicyRule) -> tuple[str, ...]:
    return "fwmark", f"{rule.mark:#x}/{rule.mask:#x}", "table", str(rule.table)


class NetworkController(Controller):
    """Applies what KubeSpan asks of the host's network, and takes it away again."""

    name = "network.KubeSpanController"
    inputs = (
        Input(kind=LINK_SPECS.kind, namespace=SPEC_NAMESPACE),
        Input(kind=ADDRESS_SPECS.kind, namespace=SPEC_NAMESPACE),
        Input(kind=ROUTE_SPECS.kind, namespace=SPEC_NAMESPACE),
        Input(kind=CHAINS.kind),
    )

    def __init__(self, device: HostDevice) -> None:
        """Takes the device."""
        self._device = device
        self._link: Link | None = None
        self._applied: tuple[object, ...] = ()

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        links = [LINK_SPECS.value(found) for found in context.list(LINK_SPECS.kind, namespace=SPEC_NAMESPACE)]
        if not links:
            self.clean_up()
            return
        [link] = links
        addresses = tuple(ADDRESS_SPECS.value(found) for found in context.list(ADDRESS_SPECS.kind, namespace=SPEC_NAMESPACE))
        routes = tuple(ROUTE_SPECS.value(found) for found in context.list(ROUTE_SPECS.kind, namespace=SPEC_NAMESPACE))
        chains = tuple(CHAINS.value(found) for found in context.list(CHAINS.kind))
        if link is not self._link:
            self._device.configure(link.device)
            self._link = link
        wanted = (link.mtu, addresses, routes)
        if wanted != self._applied[:3]:
            _apply_link(link, addresses, routes)
        if (*wanted, chains) != self._applied:
            run("nft", "-f", "-", text=ruleset(chains))
        self._applied = (*wanted, chains)

    def clean_up(self) -> None:
        """Takes all of it away; that there is nothing is no error."""
        self._link, self._applied = None, ()
        self._device.remove()  # its addresses and routes go with it
        run("nft", "-f", "-", text=f"table inet {TABLE}\ndelete table inet {TABLE}\n")

    def release(self) -> None:
        """Forgets what was applied, so that it is applied again."""
        self._link, self._applied = None, ()


def _apply_link(link: Link, addresses: Sequence[Address], routes: Sequence[DefaultRoute]) -> None:
    run("ip", "link", "set", link.name, "mtu", str(link.mtu), "up")
    _allow_sources(link.name)
    for address in addresses:
        run("ip", "address", "replace", str(address.address), "dev", link.name, "nodad")
    for route in routes:
        table = ("table", str(route.table), "metric", str(route.priority), "mtu", str(route.mtu))
        run("ip", f"-{route.version}", "route", "replace", "default", "dev", link.name, *table)


def _allow_sources(link: str) -> None:
    """Lets packets in whose source is at home on another link, as those of peers' ordinary addresses are."""
    filters = Path("/proc/sys/net/ipv4/conf")
    with suppress(OSError):
        (filters / link / "rp_filter").write_text("0\n")
        if (filters / "all" / "rp_filter").read_text().strip() != "0":
            log.warning("net.ipv4.conf.all.rp_filter is not 0: this host will drop what peers send from their ordinary IPv4 addresses")


def ruleset(chains: Sequence[Chain]) -> str:
    """The chains for `nft -f`, in place of those that are there, all at once."""
    lines = [f"table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    for chain in chains:
        lines += [f"  chain {chain.name} {{", f"    type {chain.type} hook {chain.hook} priority filter; policy accept;"]
        lines += [f"    {line}" for rule in chain.rules for line in _rule_lines(rule)]
        lines += ["  }"]
    return "\n".join([*lines, "}"]) + "\n"


def _rule_lines(rule: ChainRule) -> Iterator[str]:
    """A rule; one for each IP version where destinations matter."""
    conditions = []
    if rule.mark is not None:
        conditions.append(f"meta mark & {rule.mark.mask:#010x} == {rule.mark.value:#010x}")
    if rule.out_interface is not None:
        conditions.append(f'oifname "{rule.out_interface}"')
    if rule.destinations is None:
        yield " ".join([*conditions, *_actions(rule, 4)])
        return
    for version, family in ((4, "ip"), (6, "ip6")):
        networks = [str(network) for network in rule.destinations if network.address.version == version]
        if networks:
            yield " ".join([*conditions, f"{family} daddr {{ {', '.join(networks)} }}", *_actions(rule, version)])


def _actions(rule: ChainRule, version: int) -> Iterator[str]:
    if rule.clamp_mss_to_mtu is not None:
        size = max(rule.clamp_mss_to_mtu - _HEADERS[version], 0)
        yield f"tcp flags & (syn | rst) == syn tcp option maxseg size > {size} tcp option maxseg size set {size}"
    if rule.set_mark is not None:
        yield f"meta mark set meta mark & {rule.set_mark.mask:#010x} ^ {rule.set_mark.xor:#010x}"
    if rule.accept:
        yield "accept"


def clean_host(name: str) -> None:
    """Takes away what a run that was killed has left: link, chains and rules."""
    HostDevice(name).remove()
    run("nft", "-f", "-", text=f"table inet {TABLE}\ndelete table inet {TABLE}\n")
    HostRules().remove(POLICY_RULES)
