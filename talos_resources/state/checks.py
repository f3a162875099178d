"""Why a store refuses a write: the rules of the contract, in the order in which they are told.

Source: COSI runtime v1.16.2, `reference/cosi.md` in the project's notes.
"""

from __future__ import annotations

from talos_resources.model.errors import OwnerConflictError, PendingFinalizersError, PhaseConflictError, VersionConflictError
from talos_resources.model.metadata import Metadata, Phase


def creator(given: Metadata, owner: str) -> str:
    """Who creates a resource: the owner that the call names, if the resource names no other.

    Raises:
        OwnerConflictError: it does.
    """
    if given.owner and given.owner != owner:
        raise OwnerConflictError(given.reference, owner=given.owner)
    return owner


def check_update(held: Metadata, given: Metadata, owner: str, expected_phase: Phase | None) -> None:
    """Refuses an update of what is held.

    Args:
        held: what the store has.
        given: what is to replace it, changed from the version that it names.
        owner: who updates it.
        expected_phase: the phase that the held one must be in; None for any.

    Raises:
        OwnerConflictError: it belongs to another owner.
        VersionConflictError: it has another version.
        PhaseConflictError: it is in another phase.
    """
    if held.owner != owner:
        raise OwnerConflictError(held.reference, owner=held.owner)
    if held.version != given.version:
        raise VersionConflictError(held.reference, expected=given.version, actual=held.version)
    if expected_phase is not None and held.phase is not expected_phase:
        raise PhaseConflictError(held.reference, expected=expected_phase)


def check_destroy(held: Metadata, owner: str) -> None:
    """Refuses to destroy what is held.

    Raises:
        OwnerConflictError: it belongs to another owner.
        PendingFinalizersError: somebody has not let go yet.
    """
    if held.owner != owner:
        raise OwnerConflictError(held.reference, owner=held.owner)
    if held.finalizers:
        raise PendingFinalizersError(held.reference, finalizers=held.finalizers)
