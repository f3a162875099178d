from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.kubespan.affiliate import parse_filter
from talos_resources.kubespan.constants import IDENTITY_FILE, NODE_IDENTITY_FILE
from talos_resources.kubespan.host import HOSTNAMES, Hostname
from talos_resources.kubespan.identity import load_identity, node_address
from talos_resources.kubespan.keys import generate_private_key, parse_key, public_key
from talos_resources.kubespan.node_id import decode, encode, generate_node_id, load_node_id, machine_id
from talos_resources.kubespan.rendered import RenderedSpec
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec


def test_keys_are_made_once_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    first = load_identity(tmp_path)
    path = tmp_path / IDENTITY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == f'address: ""\nsubnet: ""\nprivateKey: {first.private_key}\npublicKey: {first.public_key}\n'
    assert load_identity(tmp_path) == first
    assert [file.name for file in tmp_path.iterdir()] == [IDENTITY_FILE]


def test_starting_twice_at_once_gives_one_key(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    found: list[str] = []

    def load() -> None:
        barrier.wait()
        found.append(load_identity(tmp_path).public_key)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", 'value of "kubespan-identity.yaml" is still zero after unmarshaling'),
        ("", 'value of "kubespan-identity.yaml" is still zero after unmarshaling'),
        ("- a", "no mapping"),
        ("privateKey: 3", "privateKey: this is no text"),
        ("private: x", "unknown key 'private'"),
        ("privateKey: not-a-key-but-a-secret", "wgtypes: failed to parse base64-encoded key"),
    ],
)
def test_a_broken_file_is_refused_without_showing_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / IDENTITY_FILE).write_text(text)
    with pytest.raises(DecodeError, match=message) as caught:
        load_identity(tmp_path)
    assert "secret" not in str(caught.value)


def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / IDENTITY_FILE
    path.write_text(f"privateKey: {generate_private_key()}\npublicKey: {public_key(generate_private_key())}\n")
    with pytest.raises(DecodeError, match="publicKey: the public key is not that of the private key"):
        load_identity(tmp_path)


def test_generated_keys_are_clamped() -> None:
    raw = parse_key(generate_private_key())
    assert raw[0] & 7 == 0
    assert raw[31] & 192 == 64


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_node_ids_read_back(raw: bytes) -> None:
    assert decode(encode(raw)) == raw


def test_a_node_id_is_kept(tmp_path: Path) -> None:
    made = load_node_id(tmp_path)
    assert load_node_id(tmp_path) == made
    assert (tmp_path / NODE_IDENTITY_FILE).read_text() == f"nodeId: {made}\n"
    assert len(decode(made)) == 32


def test_bad_node_ids_are_refused() -> None:
    with pytest.raises(DecodeError, match="illegal base62 data at input byte 2"):
        decode("ab!")
    with pytest.raises(DecodeError, match="too short"):
        machine_id("abc")
    assert len(machine_id(generate_node_id())) == 32


@pytest.mark.parametrize("text", ["", "aa", "zz:zz:zz:zz:zz:zz", "0a:0b:0c:0d:0e", "aabb:cc:dd:ee:ff:00"])
def test_other_hardware_addresses_are_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="MAC address must be in EUI-48 or EUI-64 form"):
        node_address("cluster", text)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "!nonsense", "", "10.0.0.0/8/8", "fe80::1%eth0/64"])
def test_filters_that_are_no_networks_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="filter is not valid"):
        parse_filter(text)


def test_untyped_values_come_from_here_and_from_yaml() -> None:
    spec = HOSTNAMES.spec(Hostname("a", "b.c"))
    assert spec.yaml == "hostname: a\ndomainname: b.c\n"
    assert spec == HOSTNAMES.spec(Hostname("a", "b.c")) != HOSTNAMES.spec(Hostname("a"))
    read = Resource.new(UntypedSpec(yaml=spec.yaml), id="hostname", kind=HOSTNAMES.kind)
    assert HOSTNAMES.value(read).full == "a.b.c"
    assert isinstance(spec, RenderedSpec)
    assert spec == UntypedSpec(yaml=spec.yaml)
    with pytest.raises(DecodeError, match="hostname"):
        HOSTNAMES.value(Resource.new(UntypedSpec(yaml="name: a\n"), id="hostname", kind=HOSTNAMES.kind))
