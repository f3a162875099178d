"""A state on which a script of changes happens while somebody watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.plain import spec_from_plain
from talos_resources.model.kind import Kind, typed_kind, untyped
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent

Change = Callable[[MemoryState], None]


def changes(script: Iterable[dict[str, Any]]) -> Iterator[Change]:
    """The steps of a script: `{op, namespace, type, id, owner, spec}` with op create, update, teardown or destroy."""
    for step in script:
        yield Step(op=step["op"], namespace=step["namespace"], type=step["type"], id=step["id"], owner=step["owner"], spec=step.get("spec"))


@attrs.frozen(kw_only=True)
class Step:
    """One change."""

    op: str
    namespace: str
    type: str
    id: str
    owner: str
    spec: Any

    def __call__(self, state: MemoryState) -> None:
        """Makes the change as its owner would."""
        kind: Kind[Any] = typed_kind(self.type) or untyped(self.type, self.namespace)
        match self.op:
            case "create":
                spec = spec_from_plain(kind.spec, self.spec)
                resource = Resource.new(spec, id=self.id, kind=kind, namespace=self.namespace)
                state.create(resource, owner=self.owner)
            case "update":
                held = state.get(kind, self.id, namespace=self.namespace)
                state.update(held.with_spec(spec_from_plain(kind.spec, self.spec)), owner=self.owner)
            case "teardown":
                held = state.get(kind, self.id, namespace=self.namespace)
                state.update(held.with_metadata(phase=Phase.TEARING_DOWN), owner=self.owner)
            case "destroy":
                state.destroy(kind, self.id, namespace=self.namespace, owner=self.owner)
            case other:
                raise ValueError(f"a script cannot {other}")


class ScriptedState(MemoryState):
    """A state whose watches see a script happen, each change after the events of the one before, and then end."""

    def __init__(self, script: Sequence[Change]) -> None:
        super().__init__()
        self._script = script

    def watch(self, *args: Any, **options: Any) -> Watch[Any]:
        return ScriptedWatch(self, super().watch(*args, **options), self._script)

    def watch_kind(self, *args: Any, **options: Any) -> Watch[Any]:
        return ScriptedWatch(self, super().watch_kind(*args, **options), self._script)


class ScriptedWatch:
    """A real watch, read to its end before each change."""

    def __init__(self, state: MemoryState, watch: Watch[Any], script: Sequence[Change]) -> None:
        self._watch = watch
        self._events = self._replay(state, script)

    def _replay(self, state: MemoryState, script: Sequence[Change]) -> Iterator[AnyEvent]:
        yield from self._news()
        for change in script:
            change(state)
            yield from self._news()

    def _news(self) -> Iterator[AnyEvent]:
        while True:
            try:
                yield self._watch.next(timeout=0)
            except TimeoutError:
                return

    def next(self, timeout: object = None) -> AnyEvent:
        """The next event; StopIteration after the last."""
        return next(self._events)

    def next_batch(self, timeout: object = None) -> Sequence[AnyEvent]:
        """The next event alone."""
        return [next(self._events)]

    def close(self) -> None:
        """Ends the real watch."""
        self._watch.close()

    def __iter__(self) -> Iterator[AnyEvent]:
        return self._events

    def __next__(self) -> AnyEvent:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
