"""Runs the controllers of one State. Source: COSI runtime v1.16.2, controller runtime."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import Kind
from talos_resources.model.timestamp import Timestamp
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input
from talos_resources.runtime.scheduler import Scheduler, Subscription
from talos_resources.runtime.timer_queue import Timer
from talos_resources.state.contract import State, Watch

_LOG: Final = logging.getLogger("talos_resources.runtime")
_S: Final = 1_000_000_000
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 60.0

Place = tuple[str, str]
"""Namespace and type."""


@attrs.frozen(kw_only=True)
class Report:
    """How a controller is.

    Attributes:
        name: its name.
        runs: how often it was called.
        failures: failures in a row; 0 if the last call was good.
        error: the text of the last failure, empty if the last call was good.
    """

    name: str
    runs: int
    failures: int
    error: str


def check(controllers: Sequence[Controller]) -> None:
    """Refuses controllers that would be in each other's way.

    Raises:
        ConfigError: two have one name, or one kind as an output that is not shared.
    """
    names: set[str] = set()
    writers: dict[Place, tuple[str, bool]] = {}
    for controller in controllers:
        if controller.name in names:
            msg = f"there are two controllers {controller.name}; give each a name of its own"
            raise ConfigError(msg)
        names.add(controller.name)
        for output in controller.outputs:
            place = (output.namespace, output.kind.type)
            other, shared = writers.setdefault(place, (controller.name, output.shared))
            if other != controller.name and not (shared and output.shared):
                msg = f"controllers {other} and {controller.name} both write {output}; declare the output as shared in both"
                raise ConfigError(msg)


class Runtime:
    """The controllers of one State on a scheduler, from `start` to `stop`.

    Several runtimes may share a scheduler: a simulated cluster has one per node.
    """

    def __init__(self, state: State, controllers: Sequence[Controller], scheduler: Scheduler) -> None:
        """Raises ConfigError as `check` does."""
        check(controllers)
        self.state = state
        self.scheduler = scheduler
        self._tasks = [_Task(self, controller) for controller in controllers]
        self._by_name = {task.controller.name: task for task in self._tasks}
        self._listeners: dict[Place, list[_Task]] = {}
        self._subscriptions: dict[Place, Subscription] = {}
        self._running = False

    def start(self) -> None:
        """Subscribes to all inputs and calls every controller for the first time."""
        self._running = True
        for task in self._tasks:
            for place, kind in {_place(declared): declared.kind for declared in task.controller.inputs}.items():
                self.listen(place, kind, task)
        for task in self._tasks:
            task.trigger()

    def stop(self) -> None:
        """Calls no controller any more and lets each release what it holds; outputs stay as they are."""
        self._running = False
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions.clear()
        self._listeners.clear()
        for task in self._tasks:
            task.stop()

    def wake(self, name: str) -> None:
        """Calls a controller because something outside of the State changed; any thread may ask for it.

        Raises:
            KeyError: there is no controller of this name.
        """
        self.scheduler.soon(self._by_name[name].trigger)

    def poll(self) -> None:
        """Looks at once for changes that others have made (only virtual time needs it)."""
        for subscription in tuple(self._subscriptions.values()):
            subscription.poll()

    def reports(self) -> tuple[Report, ...]:
        """How each controller is, in the order in which they were given."""
        return tuple(task.report() for task in self._tasks)

    def listen(self, place: Place, kind: Kind[Any], task: _Task) -> None:
        """Wakes a controller at every change of a kind."""
        tasks = self._listeners.setdefault(place, [])
        if task not in tasks:
            tasks.append(task)
        if place not in self._subscriptions:
            self._subscriptions[place] = self.scheduler.follow(self._watcher(place, kind), lambda: self._changed(place))

    def wrote(self, controller: Controller) -> None:
        """Looks for what a controller changed, so that those who read it run next."""
        for output in controller.outputs:
            subscription = self._subscriptions.get((output.namespace, output.kind.type))
            if subscription is not None:
                subscription.poll()

    def _watcher(self, place: Place, kind: Kind[Any]) -> Callable[[], Watch[Any]]:
        return lambda: self.state.watch_kind(kind, namespace=place[0], bootstrap=False)

    def _changed(self, place: Place) -> None:
        for task in tuple(self._listeners.get(place, ())):
            task.trigger()


class _Task:
    """A controller and when it runs next."""

    __slots__ = ("_changed", "_error", "_failures", "_queued", "_runs", "_runtime", "_stopped", "_timer", "_wake", "controller")

    def __init__(self, runtime: Runtime, controller: Controller) -> None:
        self.controller = controller
        self._runtime = runtime
        self._queued = self._stopped = False
        self._changed = True
        self._timer: Timer | None = None
        self._wake: Timestamp | None = None
        self._runs = self._failures = 0
        self._error = ""

    def trigger(self) -> None:
        """Asks for a call because an input changed; until then more changes ask for nothing more."""
        self._changed = True
        if not self._queued and not self._failures:
            self._queued = True
            self._runtime.scheduler.soon(self._run)

    def stop(self) -> None:
        self._stopped = True
        self._set_timer(None)
        self.controller.release()

    def report(self) -> Report:
        return Report(name=self.controller.name, runs=self._runs, failures=self._failures, error=self._error)

    def _run(self) -> None:
        self._queued = False
        if self._stopped:
            return
        changed, self._changed = self._changed, False
        now = self._runtime.scheduler.now()
        context = Context(
            self._runtime.state, self.controller, now=now, changed=changed, wake=self._due_after(now), call_again=self._call_again
        )
        self._runs += 1
        try:
            self.controller.reconcile(context)
        except Exception as error:  # noqa: BLE001  (whatever a controller raises, the others live on)
            self._failed(error, now)
        else:
            self._failures, self._error = 0, ""
            for kind, namespace in context.pending:
                self._runtime.listen((namespace, kind.type), kind, self)
            self._set_timer(context.wake)
        self._runtime.wrote(self.controller)

    def _call_again(self) -> None:
        self._runtime.scheduler.soon(self.trigger)

    def _due_after(self, now: Timestamp) -> Timestamp | None:
        """The time that was asked for before, unless it has come."""
        return self._wake if self._wake is not None and self._wake > now else None

    def _failed(self, error: Exception, now: Timestamp) -> None:
        self._failures += 1
        self._error = str(error)
        delay = min(_FIRST_DELAY_S * 2 ** (self._failures - 1), _LONGEST_DELAY_S) * self._runtime.scheduler.random.uniform(0.5, 1.5)
        _LOG.warning("controller %s failed and starts anew in %.1f s: %s", self.controller.name, delay, error)
        self.controller.release()
        self._changed = True
        self._set_timer(Timestamp(now + round(delay * _S)))

    def _set_timer(self, when: Timestamp | None) -> None:
        if when == self._wake and self._timer is not None and self._timer.call is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wake = when
        self._timer = None if when is None else self._runtime.scheduler.at(when, self._on_time)

    def _on_time(self) -> None:
        # The task may also wait in the queue because of a change; one call will do for both.
        self._timer = None
        if self._queued:
            return
        self._run()


def _place(declared: Input) -> Place:
    return declared.namespace, declared.kind.type
