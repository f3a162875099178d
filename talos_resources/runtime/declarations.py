"""What a controller declares: what it reads and what it writes.

Source: COSI runtime v1.16.2, controllers.
"""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.model.kind import Kind, kind_of


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


class Declared:
    """What a controller says of itself.

    Attributes:
        name: the owner of its outputs, `kubespan.PeerSpecController`.
        inputs: all that it reads beside its outputs.
        outputs: all that it writes.
    """

    name: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
