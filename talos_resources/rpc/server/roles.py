"""Who may do what: the roles of Talos, which are the organisations of the client's certificate.

Source: Talos v1.14.0-rc.1, roles; resource access by definition sensitivity.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from talos_resources.model.errors import NotFoundError, PermissionDeniedError
from talos_resources.model.kind import typed_kind
from talos_resources.resources import ResourceDefinition, Sensitivity
from talos_resources.state.contract import State


class Role(StrEnum):
    """What a certificate can make of its holder."""

    ADMIN = "os:admin"
    OPERATOR = "os:operator"
    READER = "os:reader"
    ETCD_BACKUP = "os:etcd:backup"
    IMPERSONATOR = "os:impersonator"
    IMAGE_VERIFIER = "os:image:verifier"
    META_WRITER = "os:meta:writer"


EVERYTHING: Final = frozenset({Role.ADMIN})
"""The roles of whoever reaches a socket that is not protected by certificates."""

READERS: Final = (Role.ADMIN, Role.OPERATOR, Role.READER)
"""Those that may read resources; the others are for calls that only Talos has."""

_NAMES: Final = {role.value: role for role in Role}


def roles_of(certificate: dict[str, Any] | None) -> frozenset[Role]:
    """The roles in a certificate as `ssl.SSLSocket.getpeercert` describes it; none without one."""
    subject: Iterable[Iterable[tuple[str, str]]] = (certificate or {}).get("subject", ())
    return frozenset(
        _NAMES[value] for attributes in subject for name, value in attributes if name == "organizationName" and value in _NAMES
    )


def check_write(roles: frozenset[Role]) -> None:
    """Lets only administrators change anything.

    Raises:
        PermissionDeniedError: nobody else may.
    """
    if Role.ADMIN not in roles:
        raise PermissionDeniedError(f"not authorised: only {Role.ADMIN} may change resources, you are {_listed(roles)}")


def check_known(roles: frozenset[Role]) -> None:
    """Lets in whoever may read resources.

    Raises:
        PermissionDeniedError: the certificate has no such role.
    """
    if roles.isdisjoint(READERS):
        raise PermissionDeniedError(f"not authorised: your certificate has none of the roles {', '.join(READERS)}")


def check_read(roles: frozenset[Role], sensitive: bool | None, type: str) -> None:
    """Lets administrators read everything and the others what is not sensitive.

    Args:
        roles: of the caller.
        sensitive: whether the type is; None if nobody knows.
        type: its name.

    Raises:
        PermissionDeniedError: not with these roles.
    """
    check_known(roles)
    if Role.ADMIN in roles or sensitive is False:
        return
    why = "is sensitive" if sensitive else "has no definition that says whether it is sensitive"
    raise PermissionDeniedError(f"not authorised: {type} {why}, so only {Role.ADMIN} may read it; you are {_listed(roles)}")


def sensitivity(state: State, type: str) -> bool | None:
    """Whether a type is sensitive, by its class here or its definition in the state; None if there is neither."""
    typed = typed_kind(type)
    try:
        definition = state.get(ResourceDefinition, type.lower()).spec
    except NotFoundError:
        return None if typed is None else typed.sensitive
    return (typed is not None and typed.sensitive) or definition.sensitivity is Sensitivity.SENSITIVE


def _listed(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(roles)) or "nobody"
