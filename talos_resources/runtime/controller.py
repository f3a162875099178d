"""What a controller is: declarations and one function.

Source: COSI runtime v1.16.2, controllers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import attrs

from talos_resources.model.kind import Kind, kind_of
from talos_resources.runtime.context import Context


def _kind(value: Any) -> Kind[Any]:
    return kind_of(value)


@attrs.frozen(kw_only=True)
class Input:
    """What a controller reads, and whose changes wake it.

    Attributes:
        kind: a resource class or a Kind.
        namespace: instead of the kind's own.
        id: only this resource; None for all of the kind.
    """

    kind: Kind[Any] = attrs.field(converter=_kind)
    namespace: str = attrs.field()
    id: str | None = None

    @namespace.default
    def _own_namespace(self) -> str:
        return self.kind.namespace

    def __str__(self) -> str:
        return f"{self.kind.type}({self.namespace}{'' if self.id is None else f'/{self.id}'})"


@attrs.frozen(kw_only=True)
class Output:
    """What a controller writes.

    Attributes:
        kind: a resource class or a Kind.
        namespace: instead of the kind's own.
        shared: other controllers write resources of this kind too; each owns its own.
    """

    kind: Kind[Any] = attrs.field(converter=_kind)
    namespace: str = attrs.field()
    shared: bool = False

    @namespace.default
    def _own_namespace(self) -> str:
        return self.kind.namespace

    def __str__(self) -> str:
        return f"{self.kind.type}({self.namespace})"


class Controller(ABC):
    """Keeps its outputs in line with its inputs.

    It has no thread: the runtime calls `reconcile` once at the start, after every change of an input
    (several changes at once are one call), and when a time that it asked for has come. Between calls it
    may remember things in its attributes; what it must not forget belongs into a resource.

    Attributes:
        name: the owner of its outputs, `kubespan.PeerSpecController`.
        inputs: all that it reads beside its outputs.
        outputs: all that it writes.
    """

    name: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()

    @abstractmethod
    def reconcile(self, context: Context) -> None:
        """Looks at the inputs and writes the outputs that follow from them.

        Called again it must change nothing. An exception is logged, and after a while, which grows with
        every failure in a row, the controller starts anew.
        """

    def release(self) -> None:
        """Lets go of what lies outside of the State: called when the runtime stops, and after a failure."""
        return
