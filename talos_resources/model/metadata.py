"""What every resource has beside its spec: identity, version, phase, owner, finalizers, labels."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs
from immutabledict import immutabledict

from talos_resources.model.build import twin
from talos_resources.model.natural import checked
from talos_resources.model.timestamp import Timestamp

Labels = immutabledict[str, str]
NO_LABELS: Final[Labels] = immutabledict()


class Phase(StrEnum):
    """Whether a resource lives or is being taken down."""

    RUNNING = "running"
    TEARING_DOWN = "tearingDown"


@attrs.frozen(weakref_slot=False)
class Reference:
    """Names one resource, with its version where one is known (0: undefined).

    The text form, `TYPE(NAMESPACE/ID@VERSION)`, is COSI's.
    """

    namespace: str
    type: str
    id: str
    version: int = 0

    def __str__(self) -> str:
        return f"{self.type}({self.namespace}/{self.id}@{self.version or 'undefined'})"


@checked
@attrs.frozen(kw_only=True, weakref_slot=False)
class Metadata:
    """A resource's metadata; what its fields cannot hold raises a TypeError or ValueError, as in a spec.

    Attributes:
        namespace: where the resource lives; with type and id it names the resource.
        type: plural name and suffix, `KubeSpanPeerStatuses.kubespan.talos.dev`.
        id: unique within namespace and type.
        version: 0 before creation (COSI's `undefined`), 1 at creation, one more with every update.
        owner: the controller that made it and alone may change it; empty for nobody.
        phase: running, or tearing down.
        finalizers: who must still let go before it can be destroyed; a set in order of arrival.
        labels: for queries.
        annotations: for people and tools.
        created: set by the store at creation.
        updated: set by the store at every update; before the first the creation time, or from others `Timestamp.ZERO`.

    Source: COSI runtime v1.16.2, resource metadata.
    """

    namespace: str
    type: str
    id: str
    version: int = 0
    owner: str = ""
    phase: Phase = Phase.RUNNING
    finalizers: tuple[str, ...] = ()
    labels: Labels = NO_LABELS
    annotations: Labels = NO_LABELS
    created: Timestamp = Timestamp.ZERO
    updated: Timestamp = Timestamp.ZERO

    @property
    def reference(self) -> Reference:
        """What errors and events call this resource."""
        return Reference(self.namespace, self.type, self.id, self.version)


OpenMetadata: Final = twin(Metadata)
"""What a store fills when it stamps a resource; see `talos_resources.model.build`."""
