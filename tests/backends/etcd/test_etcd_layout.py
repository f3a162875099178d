"""URLs and keys: no etcd is needed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.backends.etcd.address import EtcdAddress, parse
from talos_resources.backends.etcd.layout import Layout, bookmark, parts, range_end, revision_of
from talos_resources.backends.etcd.values import encode
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.errors import ConfigError, InvalidBookmarkError
from talos_resources.model.resource import Resource
from talos_resources.sources import choose
from talos_resources.testing import strategies

NOTHING: dict[str, str] = {}


@pytest.mark.parametrize(
    ("url", "endpoints", "prefix"),
    [
        ("etcd://a:1", ("a:1",), "/cosi"),
        ("etcd://a:1/", ("a:1",), "/cosi"),
        ("etcd://a", ("a:2379",), "/cosi"),
        ("etcd://a:1,b:2,a:1/x", ("a:1", "b:2"), "/x"),
        ("etcd://[::1]:1,[fd00::1]/x/y/", ("[::1]:1", "[fd00::1]:2379"), "/x/y"),
        ("etcd://a/x%20y", ("a:2379",), "/x y"),
        ("etcd://u:p%40ss@a:1/x", ("a:1",), "/x"),
    ],
)
def test_urls(url: str, endpoints: tuple[str, ...], prefix: str) -> None:
    address = parse(url, environment=NOTHING)
    assert (address.endpoints, address.prefix, address.credentials) == (endpoints, prefix, None)


def test_users_and_variables() -> None:
    address = parse("etcd://u:p%40s%3As@a/x", environment={"ETCDCTL_USER": "other:word"})
    assert (address.user, address.password) == ("u", "p@s:s")
    address = parse("etcd://a/x", environment={"ETCDCTL_USER": "u:p:q"})
    assert (address.user, address.password) == ("u", "p:q")
    address = parse("etcd://u@a/x", environment={"ETCDCTL_PASSWORD": "p"})
    assert (address.user, address.password) == ("u", "p")
    assert parse("etcd://a/x?salt=s", environment=NOTHING).salt == b"s"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("etcd:/a", "an etcd is named as etcd://HOST:PORT/PREFIX"),
        ("etcd://", "member 1 of the etcd URL is no address; write HOST:PORT"),
        ("etcd://a:1,", "member 2 of the etcd URL is no address"),
        ("etcd://a:99999", "member 1 of the etcd URL is no address"),
        ("etcd://a:b", "member 1 of the etcd URL is no address"),
        ("etcd://::1", "an IPv6 address in brackets"),
        ("etcd://a b", "is no address"),
        ("etcd://v:hush/hush@a", "must be percent-encoded"),
        ("etcd://v:hush?hush@a", "must be percent-encoded"),
        ("etcd://v:hush", "is no address"),
        ("etcd://a?x=1", "has no option 'x'; it has ca, cert, key, salt, tls"),
        ("etcd://a?tls=maybe", "the option tls of an etcd URL is true or false"),
        ("etcd://a?ca=/no/such", "cannot read /no/such: No such file or directory"),
        ("etcd://a?cert=/no/such", "needs both cert and key"),
    ],
)
def test_urls_that_are_none(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(url.replace("//", "//u:hush@") if "//" in url else url, environment=NOTHING)
    assert "hush" not in str(caught.value)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    from talos_resources.backends.etcd import EtcdState

    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ConfigError, match="the certificates for a:2379 cannot be used"):
        EtcdState(f"etcd://a?ca={file}")


def test_a_password_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALOSCONFIG", raising=False)
    address = parse("etcd://user:hush@a:1,b:2/x?salt=hush", environment=NOTHING)
    assert str(address) == "etcd://a:1,b:2/x"
    assert "hush" not in f"{address!r}{address}"
    with pytest.raises(ConfigError, match=r"--from etcd://…@a:1/x and --context exclude each other") as caught:
        choose(["etcd://user:hush@a:1/x"], context="c")
    assert "hush" not in str(caught.value)
    assert pickle.loads(pickle.dumps(address)) == address


def test_keys() -> None:
    """By hand: sha256sum of the id; Go's url.PathEscape of the names."""
    layout = Layout("/cosi")
    assert layout.key("kubespan", "KubeSpanPeerStatuses.kubespan.talos.dev", "a") == (
        b"/cosi/kubespan/KubeSpanPeerStatuses.kubespan.talos.dev/ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )
    assert layout.folder("a b", "os/path") == b"/cosi/a%20b/os%2Fpath/"
    assert layout.folder("$&+=:@", ",;!*'()") == b"/cosi/$&+=:@/%2C%3B%21%2A%27%28%29/"
    assert Layout("/cosi", b"s").key("n", "t", "a")[-64:] == Layout("/cosi").key("n", "t", "as")[-64:]


@given(st.text(min_size=1), st.text(min_size=1), st.text())
def test_what_a_key_says(namespace: str, type: str, id: str) -> None:
    layout = Layout("/p/q")
    try:
        key = layout.key(namespace, type, id)
    except UnicodeEncodeError:
        return  # half a character is in no resource that came over a wire
    assert parts(key, "/p/q")[:2] == (namespace, type)
    folder = layout.folder(namespace, type)
    assert folder <= key < range_end(folder)


@given(st.integers(min_value=1, max_value=2**63 - 2))
def test_bookmarks(revision: int) -> None:
    assert revision_of(bookmark(revision)) == revision


@pytest.mark.parametrize("mark", [b"", b"\0" * 8, b"\xff" * 8, b"\0" * 7, b"\0" * 9])
def test_bookmarks_that_are_none(mark: bytes) -> None:
    with pytest.raises(InvalidBookmarkError):
        revision_of(mark)


@given(strategies.any_resources())
def test_values(resource: Resource[object]) -> None:
    """Without YAML nothing is lost."""
    assert resource_from_wire(encode(resource)) == resource


def test_addresses_are_frozen() -> None:
    assert hash(EtcdAddress(endpoints=("a:1",))) == hash(EtcdAddress(endpoints=("a:1",)))
