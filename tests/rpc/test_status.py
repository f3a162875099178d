from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.model import errors
from talos_resources.model.metadata import Phase, Reference
from talos_resources.rpc.status import MAX_TEXT, Code, RpcError, decode_text, encode_text, error_of, parse_code, status_of

R = Reference("ns", "Things.example.dev", "a", 2)


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFoundError(R),
        errors.AlreadyExistsError(R),
        errors.OwnerConflictError(R, owner="me"),
        errors.VersionConflictError(R, expected=1, actual=2),
        errors.VersionConflictError(R, expected=0, actual=2),
        errors.PhaseConflictError(R, expected=Phase.TEARING_DOWN),
        errors.PendingFinalizersError(R, finalizers=("a", "b")),
        errors.InvalidBookmarkError("too old"),
        errors.QueryError("no such operator"),
        errors.UnsupportedError("no tail events"),
        errors.PermissionDeniedError("not authorised"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_on_the_other_side(error: errors.TalosResourcesError) -> None:
    back = error_of(status_of(error), R)
    assert type(back) is type(error)
    assert back.message == error.message
    facts = {name: value for name, value in vars(error).items() if name != "reason"}
    assert {name: getattr(back, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (Code.UNKNOWN, 'owner is already set to "x"', errors.OwnerConflictError),
        (Code.UNAUTHENTICATED, "who are you", errors.PermissionDeniedError),
        (Code.UNAVAILABLE, "no node", errors.ConnectError),
        (Code.INTERNAL, "oh", errors.RemoteError),
        (Code.FAILED_PRECONDITION, "something else", errors.RemoteError),
        (Code.INVALID_ARGUMENT, "resource is not in phase nonsense", errors.QueryError),
    ],
)
def test_what_others_say_keeps_its_text(code: Code, text: str, expected: type[errors.TalosResourcesError]) -> None:
    error = error_of(RpcError(code, text), R)
    assert type(error) is expected
    assert error.message == text


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_texts_survive_the_header(text: str) -> None:
    encoded = encode_text(text)
    assert encoded.isascii()
    assert "\n" not in encoded
    assert "\r" not in encoded
    assert decode_text(encoded) == text.encode("utf-8", "replace").decode()


def test_long_texts_are_cut() -> None:
    assert len(decode_text(encode_text("x" * 100_000))) == MAX_TEXT


def test_what_is_no_code_is_unknown() -> None:
    assert parse_code("5") is Code.NOT_FOUND
    assert parse_code("99") is Code.UNKNOWN
    assert parse_code("ok") is Code.UNKNOWN
