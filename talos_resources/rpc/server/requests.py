"""Reading the requests of `cosi.resource.State`: strangers send them, so the protobuf runtime decodes them."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import attrs
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import Kind, typed_kind, untyped
from talos_resources.model.labels import LabelOp, LabelQuery, LabelTerm
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.rpc.messages import OPERATIONS
from talos_resources.rpc.status import Code, RpcError

M = TypeVar("M", bound=Message)

LONGEST_NAME: Final = 1000
"""Characters of a type or namespace that is asked for."""
MOST_QUERIES: Final = 100
MOST_TERMS: Final = 1000
"""Terms and their values in all label queries of a request: each is compared with each resource."""
LONGEST_PATTERN: Final = 1000
"""Characters of an id query."""

_NOT_EXISTS: Final = 2
_OPS: Final = {number: op for op, number in OPERATIONS.items()}
_COMPARISONS: Final = frozenset({LabelOp.LT, LabelOp.LTE, LabelOp.LT_NUMERIC, LabelOp.LTE_NUMERIC})


def parse(message: type[M], data: bytes) -> M:
    """A request.

    Raises:
        RpcError: INVALID_ARGUMENT, it is none.
    """
    try:
        return message.FromString(data)
    except (ProtobufError, ValueError):
        raise RpcError(Code.INVALID_ARGUMENT, f"the request is no {message.DESCRIPTOR.name}") from None


def kind_from(type: str, namespace: str) -> Kind[Any]:
    """The kind that a request names, known or not.

    Raises:
        RpcError: INVALID_ARGUMENT, these are no names.
    """
    if len(type) > LONGEST_NAME or len(namespace) > LONGEST_NAME:
        raise RpcError(Code.INVALID_ARGUMENT, f"a type or namespace of more than {LONGEST_NAME} characters is no name")
    return typed_kind(type) or untyped(type, namespace)


def resource_from(message: pb.Resource) -> Resource[Any]:
    """The resource that a request carries.

    Raises:
        RpcError: INVALID_ARGUMENT, it is none.
    """
    metadata = message.metadata
    if not metadata.phase:
        metadata.phase = Phase.RUNNING.value  # a resource that no store has seen
    if not (metadata.namespace and metadata.type):
        raise RpcError(Code.INVALID_ARGUMENT, "the resource has no namespace or no type")
    try:
        return resource_from_wire(message.SerializeToString())
    except DecodeError as error:
        raise RpcError(Code.INVALID_ARGUMENT, f"the resource cannot be read: {error.message}") from None


def phase_from(options: pb.UpdateOptions) -> Phase | None:
    """The phase that an update expects, None for any.

    Raises:
        RpcError: INVALID_ARGUMENT, there is no such phase.
    """
    if not options.HasField("expected_phase"):
        return None
    try:
        return Phase(options.expected_phase)
    except ValueError:
        raise RpcError(Code.INVALID_ARGUMENT, f'there is no phase "{options.expected_phase}"') from None


@attrs.frozen(kw_only=True)
class Queries:
    """What a request selects by."""

    labels: tuple[LabelQuery, ...] = ()
    ids: str | None = None


def check_queries(options: pb.ListOptions | pb.WatchOptions) -> None:
    """Refuses more label and id queries than anybody has reason to ask.

    Raises:
        RpcError: INVALID_ARGUMENT, these are more.
    """
    terms = sum(1 + len(term.value) for query in options.label_query for term in query.terms)
    if len(options.label_query) > MOST_QUERIES or terms > MOST_TERMS:
        asked = f"{len(options.label_query)} label queries of {terms} terms and values"
        raise RpcError(Code.INVALID_ARGUMENT, f"{asked} are too many; {MOST_QUERIES} and {MOST_TERMS} are let through")
    length = len(options.id_query.regexp)
    if length > LONGEST_PATTERN:
        raise RpcError(Code.INVALID_ARGUMENT, f"an id query of {length} characters is too long; {LONGEST_PATTERN} are let through")


def queries_from(options: pb.ListOptions | pb.WatchOptions) -> Queries:
    """The label and id queries of a request that `check_queries` has let through.

    Raises:
        RpcError: UNIMPLEMENTED, an operation that is not known.
    """
    return Queries(
        labels=tuple(LabelQuery(tuple(map(_term, query.terms))) for query in options.label_query),
        ids=options.id_query.regexp if options.HasField("id_query") else None,
    )


def _term(term: pb.LabelTerm) -> LabelTerm:
    values = tuple(term.value)
    if term.op == _NOT_EXISTS:
        return LabelTerm(term.key, LabelOp.EXISTS, values, invert=not term.invert)
    op = _OPS.get(term.op)
    if op is None:
        raise RpcError(Code.UNIMPLEMENTED, f"unsupported label query operator: {term.op}")
    # A comparison with nothing matches nothing, inverted or not.
    invert = term.invert and not (op in _COMPARISONS and not values)
    return LabelTerm(term.key, op, values, invert=invert)
