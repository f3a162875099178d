"""Keeps the host's network as KubeSpan wants it, and says what it is.

A thread of its own looks at what the kernel has after every change that the kernel tells of and every few seconds,
mends what differs, and hands what it saw to whoever asked for it. A tool that hangs holds up nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from talos_resources.agent.device import HostDevice, link_is_up
from talos_resources.agent.kernel import read_links, read_routes, read_rules
from talos_resources.agent.nftables import apply_chains, read_chains, remove_chains
from talos_resources.agent.notify import KernelNotifications
from talos_resources.agent.plan import (
    HostNetwork,
    Step,
    Wanted,
    address_steps,
    closing_steps,
    link_steps,
    opening_steps,
    route_steps,
    rule_steps,
)
from talos_resources.agent.tools import run
from talos_resources.kubespan.network import Chain, Link
from talos_resources.kubespan.wireguard import deviations
from talos_resources.model.errors import TalosResourcesError

LOOK_S: Final = 10.0
"""How often everything is looked at although the kernel told of nothing."""
DEVICE_S: Final = 1.0
"""How often the WireGuard device is looked at, of which the kernel tells nothing; also until the next try after a failure."""
SETTLE_S: Final = 0.1
"""How long to wait for more changes after one."""
PAUSE_S: Final = 0.5
"""How long after one look the next begins at the earliest: on a host where links come and go all the time."""
AGAIN_S: Final = 30.0
"""How often the same failure is told."""
_FILTERS: Final = Path("/proc/sys/net/ipv4/conf")

log: Final = logging.getLogger("talos_resources.agent")

Seen = Callable[[HostNetwork], None]


class NetworkKeeper:
    """Keeps one host's network, from `start` to `stop`."""

    def __init__(self, device: HostDevice, *, on_seen: Seen, on_device: Callable[[], None]) -> None:
        """Nothing is done yet.

        Args:
            device: the host's.
            on_seen: called with what the host has after each look, by the keeper's thread.
            on_device: called when the device has gone or come, likewise.
        """
        self._device = device
        self._on_seen = on_seen
        self._on_device = on_device
        self._wanted = Wanted()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._done: Link | None = None
        self._chains: tuple[Chain, ...] = ()
        self._fingerprint = ""
        self._was_there = False
        self._told: dict[str, float] = {}
        self._failed: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="talos-resources network", daemon=True)
        self._notifications: KernelNotifications | None = None

    def want(self, wanted: Wanted) -> None:
        """Says what the network shall be from now on; any thread may."""
        self._wanted = wanted
        self._changed.set()

    def start(self) -> None:
        """Takes away what a run that was killed has left, looks once, and begins."""
        self.clean()
        _warn_of_source_filters()
        self._notifications = KernelNotifications(self._changed.set)
        self._on_seen(self._read())
        self._thread.start()

    def stop(self) -> None:
        """Ends, and takes everything away."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()
        if self._notifications is not None:
            self._notifications.close()
        self.clean()

    def clean(self) -> None:
        """Takes chains, rules, routes and the link away; that there are none is no error.

        Raises:
            OSError: the host's tools fail.
        """
        remove_chains()
        for step in (*rule_steps((), actual := HostNetwork(rules=read_rules(), routes=read_routes())), *route_steps((), actual)):
            run(*step.command)
        self._device.remove()
        for step in opening_steps(HostNetwork(routes=read_routes())):
            run(*step.command)
        self._done, self._chains, self._fingerprint = None, (), ""

    def kept_chains(self, seen: HostNetwork) -> tuple[Chain, ...] | None:
        """The chains that were set, if the kernel has exactly these; None otherwise."""
        return self._chains if seen.chains is not None and seen.chains.fingerprint == self._fingerprint else None

    def _run(self) -> None:
        look = last = time.monotonic()
        while not self._stopping.is_set():
            notified = self._changed.wait(DEVICE_S)
            if self._stopping.is_set():
                return
            if notified:
                self._stopping.wait(max(SETTLE_S, last + PAUSE_S - time.monotonic()))
                self._changed.clear()
            now = time.monotonic()
            if not notified and now < look and self._device_is_right():
                continue
            try:
                self._pass()
            except Exception:  # the keeper must not die whatever happens; the next look begins anew
                log.exception("keeping the host's network failed; it is tried again in %g s", DEVICE_S)
                self._failed.add("everything")
            last = now
            look = now + (DEVICE_S if self._failed else LOOK_S)

    def _device_is_right(self) -> bool:
        link = self._wanted.link
        if link is None:
            return True
        with suppress(OSError):
            config = self._device.config()
            return config is not None and link_is_up(link.name) and not deviations(link.device, config)
        return False

    def _pass(self) -> None:
        """Looks, mends what differs, looks again if something did, and tells."""
        self._failed.clear()
        wanted = self._wanted
        actual = self._read()
        self._tell_device()
        if wanted.link is None:
            if self._done is not None:
                self.clean()
        elif self._mend(wanted, wanted.link, actual):
            actual = self._read()
        self._tell_device()
        self._on_seen(actual)
        self._done = wanted.link
        self._recovered()

    def _tell_device(self) -> None:
        there = self._device.read() is not None
        if there != self._was_there:
            self._was_there = there
            self._on_device()

    def _mend(self, wanted: Wanted, link: Link, actual: HostNetwork) -> bool:
        """Does all that has to be done; a part that fails keeps no other from being mended."""
        did = [self._steps("routes", closing_steps(wanted.addresses, actual))]
        with self._part("the WireGuard device"):
            did.append(self._mend_device(link))
        did.append(self._steps("the link", link_steps(link, actual)))
        if link.name not in {found.name for found in actual.links or ()}:
            actual = self._read()  # a new link has addresses and routes of its own
        did.append(self._steps("addresses", address_steps(wanted.addresses, actual)))
        did.append(self._steps("routes", route_steps(wanted.routes, actual)))
        did.append(self._steps("policy rules", rule_steps(wanted.rules, actual)))
        with self._part("packet chains"):
            did.append(self._mend_chains(wanted.chains, link.name, actual))
        _allow_sources(link.name)
        return any(did)

    def _mend_device(self, link: Link) -> bool:
        config = self._device.config()
        if config is None:
            if self._done is not None:
                log.warning("the WireGuard device %s is gone; it is made again", link.name)
        elif link == self._done:
            found = deviations(link.device, config)
            if not found:
                return False
            log.warning("the WireGuard device %s was changed (%s); it is set again", link.name, ", ".join(found))
        self._device.configure(link.device)
        return True

    def _mend_chains(self, wanted: tuple[Chain, ...], link: str, actual: HostNetwork) -> bool:
        if actual.chains is None or (wanted == self._chains and actual.chains.fingerprint == self._fingerprint):
            return False
        if wanted == self._chains:
            log.warning("the packet chains were changed; they are set again")
        apply_chains(wanted, link)
        # What the kernel makes of them is what they look like from now on.
        self._fingerprint = read_chains().fingerprint
        self._chains = wanted
        return True

    def _steps(self, what: str, steps: Iterable[Step]) -> bool:
        did = False
        for step in steps:
            did = True
            with self._part(what):
                if self._done is not None:
                    log.warning("the host's network was changed: %s; mended", step.why)
                run(*step.command)
        return did

    def _read(self) -> HostNetwork:
        found: dict[str, Any] = {}
        with self._part("reading packet chains"):
            found["chains"] = read_chains()
        with self._part("reading the host's network"):  # the same tool for all of it: where it hangs once, it is not asked again
            found["links"], found["addresses"] = read_links()
            found["routes"] = read_routes()
            found["rules"] = read_rules()
        return HostNetwork(**found)

    @contextmanager
    def _part(self, what: str) -> Iterator[None]:
        """Tells a failure of a part, again only after a while, and goes on."""
        try:
            yield
        except (OSError, TalosResourcesError) as error:
            self._failed.add(what)
            now = time.monotonic()
            if now - self._told.get(what, -AGAIN_S) >= AGAIN_S:
                self._told[what] = now
                log.warning("%s: %s; what was known before stays, and it is tried again every %g s", what, error, DEVICE_S)

    def _recovered(self) -> None:
        for what in [what for what in self._told if what not in self._failed]:
            del self._told[what]
            log.warning("%s: works again", what)


def _warn_of_source_filters() -> None:
    with suppress(OSError):
        if (_FILTERS / "all" / "rp_filter").read_text().strip() != "0":
            log.warning("net.ipv4.conf.all.rp_filter is not 0: this host will drop what peers send from their ordinary IPv4 addresses")


def _allow_sources(link: str) -> None:
    """Lets packets in whose source is at home on another link, as those of peers' ordinary addresses are."""
    setting = _FILTERS / link / "rp_filter"
    with suppress(OSError):
        if setting.read_text().strip() != "0":
            setting.write_text("0\n")
