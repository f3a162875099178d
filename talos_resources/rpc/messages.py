"""The messages of `cosi.resource.State` as the client writes and reads them.

By hand, over `codec.protowire`: importing the protobuf runtime would cost a short command more than
all its work. The server, which lives long and reads what strangers send, uses the runtime; tests hold
the two against each other.

Source: COSI runtime v1.16.2, resource and state messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from talos_resources.codec.protowire import LEN, VARINT, WireError, lengthened, read_payload, read_varint, skip, tag, varint
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.labels import LabelOp, LabelTerm
from talos_resources.model.metadata import Phase
from talos_resources.model.query import Labels, as_queries
from talos_resources.model.resource import Resource

API_VERSION: Final = 1
OPERATIONS: Final = {
    LabelOp.EXISTS: 0,
    LabelOp.EQUAL: 1,
    LabelOp.IN: 3,
    LabelOp.LT: 4,
    LabelOp.LTE: 5,
    LabelOp.LT_NUMERIC: 6,
    LabelOp.LTE_NUMERIC: 7,
}
"""`LabelTerm.Operation`; 2 is NOT_EXISTS, an inverted EXISTS."""


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return lengthened(tag(number, LEN), payload)


def get_request(namespace: str, type: str, id: str) -> bytes:
    """A GetRequest."""
    return text_field(1, namespace) + text_field(2, type) + text_field(3, id)


def list_request(namespace: str, type: str, *, labels: Labels, ids: str | None) -> bytes:
    """A ListRequest.

    Raises:
        QueryError: a query that cannot be understood.
    """
    options = _queries(1, labels) + _id_query(2, ids)
    return text_field(1, namespace) + text_field(2, type) + (field(3, options) if options else b"")


def create_request(resource: Resource[Any], *, owner: str) -> bytes:
    """A CreateRequest."""
    return field(1, resource_to_wire(resource)) + field(2, text_field(1, owner))


def update_request(resource: Resource[Any], *, owner: str, expected_phase: Phase | None) -> bytes:
    """An UpdateRequest."""
    phase = b"" if expected_phase is None else field(2, expected_phase.value.encode())
    return field(2, resource_to_wire(resource)) + field(3, text_field(1, owner) + phase)


def owner_request(namespace: str, type: str, id: str, *, owner: str) -> bytes:
    """A DestroyRequest, a TeardownRequest or a TeardownAndDestroyRequest: they look the same."""
    return get_request(namespace, type, id) + field(4, text_field(1, owner))


def watch_request(
    namespace: str,
    type: str,
    id: str | None,
    *,
    bootstrap: bool = False,
    bootstrap_bookmark: bool = False,
    tail_events: int = 0,
    start_from_bookmark: bytes | None = None,
    labels: Labels = (),
    ids: str | None = None,
) -> bytes:
    """A WatchRequest, for one resource or (without an id) for all of a kind.

    Raises:
        QueryError: a query that cannot be understood.
    """
    options = b"".join(
        (
            number_field(1, bootstrap),
            number_field(2, tail_events),
            _queries(3, labels),
            _id_query(4, ids),
            number_field(5, id is None),  # events in batches: fewer messages for the same
            b"" if start_from_bookmark is None else field(6, start_from_bookmark),
            number_field(7, bootstrap_bookmark),
        )
    )
    one = b"" if id is None else field(3, id.encode())
    return text_field(1, namespace) + text_field(2, type) + one + (field(4, options) if options else b"") + number_field(5, API_VERSION)


def resource_of(response: bytes) -> Resource[Any]:
    """The resource of a Get-, List-, Create- or UpdateResponse, whose field 1 it is.

    Raises:
        DecodeError: it is no such message.
    """
    try:
        # Nearly always the resource is all there is.
        if response[:1] == b"\x0a":
            length, start = read_varint(response, 1)
            if start + length == len(response):
                return resource_from_wire(response[start:])
        payloads = [payload for number, payload in fields_in(response) if number == 1 and isinstance(payload, bytes)]
    except WireError as error:
        raise DecodeError(f"not a message: {error}", path="response") from None
    if not payloads:
        raise DecodeError("has no resource", path="response")
    return resource_from_wire(b"".join(payloads))


def check_type(resource: Resource[Any], type: str) -> None:
    """Whether the other side has answered with what was asked for: whoever asked relies on the fields that it has.

    Raises:
        DecodeError: it is of another type.
    """
    if resource.metadata.type != type:
        raise DecodeError(f"expected {type}, got {resource.metadata.type!r}", path="metadata.type")


def destroy_ready(response: bytes) -> bool:
    """What a TeardownResponse says: no finalizers are left.

    Raises:
        DecodeError: it is no such message.
    """
    try:
        return any(number == 1 and bool(value) for number, value in fields_in(response))
    except WireError as error:
        raise DecodeError(f"not a message: {error}", path="response") from None


def fields_in(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message that are numbers or have a length, by their numbers, in their order.

    Raises:
        WireError: it is no message.
    """
    position = 0
    while position < len(data):
        key, position = read_varint(data, position)
        value: int | bytes
        if key & 7 == LEN:
            value, position = read_payload(data, position)
        elif key & 7 == VARINT:
            value, position = read_varint(data, position)
        else:
            position = skip(data, position, key)
            continue
        if not key >> 3:
            raise WireError("a field with the number 0")
        yield key >> 3, value


def text_field(number: int, text: str) -> bytes:
    """A field of text, left out where it is empty."""
    return field(number, text.encode()) if text else b""


def number_field(number: int, value: int) -> bytes:
    """A field that is a number, left out where it is 0."""
    return tag(number, VARINT) + varint(value) if value else b""


def _id_query(number: int, ids: str | None) -> bytes:
    return b"" if ids is None else field(number, text_field(1, ids))


def _queries(number: int, labels: Labels) -> bytes:
    return b"".join(field(number, _terms(query.terms)) for query in as_queries(labels))


def _terms(terms: Sequence[LabelTerm]) -> bytes:
    return b"".join(
        field(
            1,
            text_field(1, term.key)
            + number_field(2, OPERATIONS[term.op])
            + b"".join(field(3, value.encode()) for value in term.values)
            + number_field(5, term.invert),
        )
        for term in terms
    )
