"""TLS with client certificates, users with passwords, tokens that expire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from talos_resources.backends.etcd import EtcdState
from talos_resources.model.errors import ConnectError, PermissionDeniedError
from talos_resources.rpc.pki import issue_client, issue_server, new_authority
from talos_resources.testing.conformance.parts import PATHS, path, told
from tests.backends.etcd.cluster import Etcd, need_etcd
from tests.backends.etcd.conftest import Open

pytestmark = pytest.mark.etcd

Files = Mapping[str, Path]


def make_files(folder: Path, hosts: tuple[str, ...] = ("127.0.0.1",)) -> dict[str, Path]:
    """Certificates of an authority of their own, Ed25519 as those of Talos are."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    authority = new_authority("etcd", now=now)
    server, client = issue_server(authority, hosts=hosts, now=now), issue_client(authority, roles=["tests"], now=now)
    contents = {"ca": authority.crt, "cert": server.crt, "key": server.key, "client_cert": client.crt, "client_key": client.key}
    folder.mkdir(exist_ok=True)
    for name, data in contents.items():
        (folder / f"{name}.pem").write_bytes(data.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY"))
    return {name: folder / f"{name}.pem" for name in contents}


def options(files: Files, **other: str) -> str:
    chosen = {"ca": str(files["ca"]), "cert": str(files["client_cert"]), "key": str(files["client_key"]), **other}
    return f"?{urlencode({name: value for name, value in chosen.items() if value})}"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def secure(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    need_etcd()
    with Etcd(tmp_path_factory.mktemp("secure"), tls=dict(files)) as cluster:
        yield cluster


def test_mutual_tls(secure: Etcd, files: Files, opened: Open) -> None:
    state = opened(secure.url("/tls") + options(files))
    with state.watch_kind(PATHS, bootstrap=False) as events:
        state.update(state.create(path("a")).with_labels(l="1"))
        state.destroy(PATHS, "a")
        assert told(events, 3) == ["+a1", "~a2", "-a2"]


def test_files_from_the_variables_of_etcdctl(secure: Etcd, files: Files, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, name in (("CACERT", "ca"), ("CERT", "client_cert"), ("KEY", "client_key")):
        monkeypatch.setenv(f"ETCDCTL_{variable}", str(files[name]))
    assert opened(secure.url("/variables")).list(PATHS) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cert": "", "key": ""}, "it wants a client certificate, and the etcd URL has none"),
        ({"ca": "other"}, "signed by another authority than the etcd URL has"),
        ({"ca": "", "tls": "true"}, "signed by another authority than this system has"),
        ({"cert": "other", "key": "other"}, "it does not accept the certificate of the etcd URL"),
        ({"ca": "", "cert": "", "key": ""}, "not etcd without TLS: it speaks TLS"),
    ],
    ids=["no certificate", "another authority", "the system's authorities", "another authority's certificate", "plaintext"],
)
def test_what_does_not_get_in(secure: Etcd, files: Files, opened: Open, tmp_path: Path, changes: Mapping[str, str], message: str) -> None:
    foreign = make_files(tmp_path / "foreign")
    names = {"ca": "ca", "cert": "client_cert", "key": "client_key"}
    chosen = {name: str(foreign[names[name]]) if value == "other" else value for name, value in changes.items()}
    state = opened(secure.url("/x") + options(files, **chosen), timeout=30)
    with pytest.raises(ConnectError, match=message) as caught:
        state.list(PATHS)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConnectError, match=message):
        state.watch_kind(PATHS)


def enable_users(cluster: Etcd) -> None:
    for command in (
        ("user", "add", "root:pa ss:word"),
        ("user", "add", "reader:r"),
        ("role", "add", "reading"),
        ("role", "grant-permission", "reading", "read", "/mine/", "/mine0"),
        ("user", "grant-role", "reader", "reading"),
        ("user", "grant-role", "root", "root"),
        ("auth", "enable"),
    ):
        cluster.etcdctl(*command)


def with_user(cluster: Etcd, user: str, prefix: str = "/mine") -> str:
    return cluster.url(prefix).replace("etcd://", f"etcd://{user}@")


@pytest.fixture
def jwt_files(tmp_path: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = tmp_path / "jwt.key", tmp_path / "jwt.pub"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_users(own_etcd: Etcd, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    enable_users(own_etcd)
    root = opened(with_user(own_etcd, "root:pa%20ss%3Aword"))
    with root.watch_kind(PATHS, bootstrap=False) as events:
        first = root.create(path("a"))
        assert told(events, 1) == ["+a1"]
    reader = opened(with_user(own_etcd, "reader:r"))
    assert reader.list(PATHS) == (first,)
    with pytest.raises(PermissionDeniedError, match="etcd does not allow this: etcdserver: permission denied"):
        reader.update(first.with_labels(l="1"))
    with pytest.raises(PermissionDeniedError, match="permission denied"):
        opened(with_user(own_etcd, "reader:r", "/others")).list(PATHS)
    with pytest.raises(PermissionDeniedError, match="etcd does not let us in"):
        opened(with_user(own_etcd, "reader:wrong")).list(PATHS)
    with pytest.raises(PermissionDeniedError, match="etcd wants a user and a password"):
        opened(own_etcd.url("/mine")).list(PATHS)
    monkeypatch.setenv("ETCDCTL_USER", "reader")
    monkeypatch.setenv("ETCDCTL_PASSWORD", "r")
    assert opened(own_etcd.url("/mine")).list(PATHS) == (first,)


def test_users_and_a_restart(own_etcd: Etcd, opened: Open) -> None:
    enable_users(own_etcd)
    state = opened(with_user(own_etcd, "root:pa%20ss%3Aword"))
    with state.watch_kind(PATHS, bootstrap=False) as events:
        state.create(path("a"))
        own_etcd.kill(0)
        own_etcd._processes[0] = own_etcd._start(0)
        wait_for_member(own_etcd)
        state.create(path("b"))
        assert told(events, 2) == ["+a1", "+b1"]


def test_tokens_that_expire(jwt_files: tuple[Path, Path], tmp_path: Path, opened: Open) -> None:
    need_etcd()
    private, public = jwt_files
    folder = tmp_path / "data"
    folder.mkdir()
    token = f"--auth-token=jwt,pub-key={public},priv-key={private},sign-method=RS256,ttl=2s"
    with Etcd(folder, options=[token]) as cluster:
        enable_users(cluster)
        state = opened(with_user(cluster, "root:pa%20ss%3Aword"))
        tokens: set[str] = set()
        with state.watch_kind(PATHS, bootstrap=False) as events:
            now = state.create(path("a"))
            while len(tokens) < 3:
                now = state.update(now.with_labels(l=str(now.version)))
                tokens.add(state._client._token)
            assert told(events, now.version) == ["+a1", *(f"~a{n}" for n in range(2, now.version + 1))]


def wait_for_member(cluster: Etcd) -> None:
    """Until a member with users answers, which etcdctl without one cannot tell."""
    with EtcdState(with_user(cluster, "reader:r")) as state:
        while True:
            try:
                state.list(PATHS)
            except ConnectError:
                continue
            return
