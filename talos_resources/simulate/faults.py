"""The faults that are there in a simulated cluster: injected, healed, by hand or after a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean
from talos_resources.runtime.timer_queue import Timer
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.strikes import FAULTS, Fault, Strike, Undo


@attrs.define(kw_only=True)
class Struck:
    """A fault that is there.

    Attributes:
        id: to heal it by.
        what: happened, in one line.
        since_s: when it struck, in seconds after the start.
        heals_at_s: when it heals by itself; None if it does not.
    """

    id: str
    what: str
    since_s: float
    heals_at_s: float | None
    undo: Undo = attrs.field(repr=False)
    timer: Timer | None = attrs.field(default=None, repr=False)


class Faults:
    """The faults of a cluster, in the thread that lets its time pass."""

    def __init__(self, cluster: SimulatedCluster, *, on_healed: Callable[[Struck], None] = lambda _struck: None) -> None:
        """Begins without any; `on_healed` is called with those that heal by themselves."""
        self._cluster = cluster
        self._on_healed = on_healed
        self._there: dict[str, Struck] = {}
        self._count = 0

    def there(self) -> Sequence[Struck]:
        """Those that can be healed, oldest first."""
        return tuple(self._there.values())

    def inject(self, name: str, *nodes: str, site: str | None = None, for_s: float | None = None, value: str = "") -> Struck:
        """Lets a fault strike now.

        Args:
            name: of the fault.
            nodes: that it hits.
            site: hits all nodes of this site as well.
            for_s: heals by itself after so many seconds; None for never.
            value: what else it takes.

        Raises:
            ConfigError: there is no such fault, node or site, or it does not take these.
        """
        fault = FAULTS.get(name)
        if fault is None:
            msg = f'no fault "{name}"; there are {", ".join(FAULTS)}{did_you_mean(name, FAULTS)}'
            raise ConfigError(msg)
        chosen = self._chosen(fault, nodes, site)
        if for_s is not None and for_s <= 0:
            msg = "a fault lasts for more than 0 s"
            raise ConfigError(msg)
        what, undo = fault.strike(Strike(cluster=self._cluster, nodes=chosen, value=value))
        if undo is None and for_s is not None:
            what = f"{what}, for good"
        self._count += 1
        now = self._cluster.elapsed_s
        heals = None if undo is None or for_s is None else now + for_s
        struck = Struck(id=str(self._count), what=what, since_s=now, heals_at_s=heals, undo=undo or (lambda: None))
        if undo is not None:
            self._there[struck.id] = struck
            if heals is not None:
                struck.timer = self._cluster.clock.at(self._cluster.moment(heals), lambda: self._on_healed(self._undo(struck.id)))
        return struck

    def heal(self, id: str | None = None) -> Sequence[Struck]:
        """Undoes a fault, or all of them, the newest first.

        Raises:
            ConfigError: there is none of this id.
        """
        if id is not None and id not in self._there:
            there = ", ".join(self._there) or "none"
            msg = f'no fault "{id}" is there; there are {there}'
            raise ConfigError(msg)
        return [self._undo(each) for each in ([id] if id is not None else list(reversed(self._there)))]

    def _undo(self, id: str) -> Struck:
        struck = self._there.pop(id)
        if struck.timer is not None:
            struck.timer.cancel()
        struck.undo()
        return struck

    def _chosen(self, fault: Fault, names: Sequence[str], site: str | None) -> tuple[SimulatedNode, ...]:
        """The nodes that are named, and those of the site.

        Raises:
            ConfigError: there is no such node or site, or too few or too many of them.
        """
        known = self._cluster.nodes
        for name in names:
            if name not in known:
                msg = f'no node "{name}"; there are {", ".join(list(known)[:8])}{" …" if len(known) > 8 else ""}'
                raise ConfigError(msg)
        of_site = [] if site is None else [name for name, node in known.items() if site in (node.host.zone, node.host.site)]
        if site is not None and not of_site:
            sites = sorted({place for node in known.values() for place in (node.host.zone, node.host.site) if place})
            msg = f'no site "{site}"; there are {", ".join(sites) or "none"}'
            raise ConfigError(msg)
        chosen = tuple(known[name] for name in dict.fromkeys((*names, *of_site)))
        least, most = fault.takes
        if len(chosen) < least or (most is not None and len(chosen) > most):
            wanted = f"{least} or more" if most is None else str(least) if least == most else f"{least} to {most}"
            msg = f"{fault.name} takes {wanted} node{'' if wanted == '1' else 's'}, not {len(chosen)}"
            raise ConfigError(msg)
        return chosen
