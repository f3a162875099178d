"""What a controller declares: what it reads and what it writes.

Source: COSI runtime v1.16.2, controllers.
"""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.model.kind import Kind, kind_of


def _kind(value: Any) -> Kind[Any]:
    return kind_of(value)


def _own_namespace(declared: Any) -> str:
    namespace: str = declared.kind.namespace
    return namespace


@attrs.frozen(kw_only=True)
class Input:
    """What a controller reads, and whose changes wake it.

    Attributes:
        kind: a resource class or a Kind.
        namespace: instead of the kind's own.
        id: only this resource; None for all of the kind.
    """

    kind: Kind[Any] = attrs.field(converter=_kind)
    namespace: str = attrs.field(default=attrs.Factory(_own_namespace, takes_self=True))
    id: str | None = None

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
    namespace: str = attrs.field(default=attrs.Factory(_own_namespace, takes_self=True))
    shared: bool = False

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
