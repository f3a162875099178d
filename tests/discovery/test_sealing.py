"""Messages and sealing of the discovery service, against recordings and with garbage."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.discovery import payload
from talos_resources.discovery.crypto import ClusterCipher, SealError
from talos_resources.discovery.wire import MessageError, decode, encode
from talos_resources.model.errors import ConfigError
from tests.golden import discovery

DATA = Path(__file__).parents[1] / "data" / "discovery"
CASES = [*discovery.results(DATA), *discovery.results(DATA.with_name("discovery-1.14"))]
KEY = bytes(range(32))


@pytest.mark.parametrize(("name", "difference"), CASES, ids=[name for name, _ in CASES])
def test_recorded(name: str, difference: str) -> None:
    assert not difference, name


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_sealed_data_opens_and_changed_data_does_not(plain: bytes) -> None:
    cipher = ClusterCipher(KEY)
    sealed = cipher.seal(plain)
    assert cipher.open(sealed) == plain
    with pytest.raises(SealError):
        cipher.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=255))
def test_a_sealed_endpoint_is_never_one_that_kills(plain: bytes) -> None:
    cipher = ClusterCipher(KEY)
    sealed = cipher.seal_endpoint(plain)
    assert sealed
    assert len(sealed) % 16 == 0
    assert cipher.open_endpoint(sealed) == plain


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_garbage_is_refused_or_read_and_written_back(data: bytes) -> None:
    try:
        message = decode(payload.Affiliate, data)
    except MessageError:
        return
    assert decode(payload.Affiliate, encode(message)) == message


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64))
def test_a_garbage_endpoint_is_refused_or_short(data: bytes) -> None:
    try:
        plain = ClusterCipher(KEY).open_endpoint(data)
    except SealError:
        return
    assert len(plain) < len(data)


def test_an_endpoint_too_long_for_its_length_is_refused() -> None:
    with pytest.raises(SealError, match="256 bytes"):
        ClusterCipher(KEY).seal_endpoint(bytes(256))


def test_secrets_do_not_show() -> None:
    assert repr(ClusterCipher(KEY)) == "<ClusterCipher>"
    with pytest.raises(ConfigError) as caught:
        ClusterCipher(b"hush")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["10.0.0.1", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_addresses(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert payload.unpacked(payload.packed(address)) == address


def test_no_address() -> None:
    assert payload.unpacked(payload.packed(None)) is None
    with pytest.raises(ValueError, match="does not appear"):
        payload.unpacked(b"12345")
