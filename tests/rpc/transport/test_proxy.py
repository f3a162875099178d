"""Proxies that connect for real, and those that do not."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, ConnectError
from talos_resources.rpc import pki
from talos_resources.rpc.client.connect import connect
from talos_resources.rpc.transport.proxy import Proxy, choose_proxy
from talos_resources.rpc.transport.tls import load_pem
from talos_resources.talosconfig.config import TalosConfig
from talos_resources.testing.node import TalosNode
from tests.rpc.transport.test_failures import CA, NOW


class RealProxy:
    """A SOCKS5 and HTTP proxy that connects for whoever knows the login, if it wants one."""

    def __init__(self, *, login: tuple[str, str] | None = None, context: ssl.SSLContext | None = None, answer: bytes | None = None) -> None:
        self.asked: list[str] = []
        self._login = login
        self._context = context
        self._answer = answer
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            self._sockets.append(client)
            if self._answer is not None:
                client.recv(1000)
                client.sendall(self._answer)
                client.shutdown(socket.SHUT_WR)
                return
            first = client.recv(1, socket.MSG_PEEK) if self._context is None else b"C"
            target = self._socks(client) if first == b"\5" else self._connect(client)
            if target is None:
                client.close()
                return
            host, _, port = target.rpartition(":")
            self.asked.append(target)
            server = socket.create_connection((host.strip("[]"), int(port)))
            self._sockets.append(server)
            client.sendall(b"\5\0\0\1\0\0\0\0\0\0" if first == b"\5" else b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n")
            other = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            other.start()
            self._pass(client, server)
            other.join(30)

    def _socks(self, client: socket.socket) -> str | None:
        _, count = client.recv(2)
        methods = client.recv(count)
        if self._login is not None:
            if 2 not in methods:
                client.sendall(b"\5\xff")
                return None
            client.sendall(b"\5\2")
            user = client.recv(client.recv(2)[1])
            password = client.recv(client.recv(1)[0])
            right = (user.decode(), password.decode()) == self._login
            client.sendall(b"\1\0" if right else b"\1\1")
            if not right:
                return None
        else:
            client.sendall(b"\5\0")
        kind = client.recv(4)[3]
        host = socket.inet_ntop(socket.AF_INET, client.recv(4)) if kind == 1 else client.recv(client.recv(1)[0]).decode()
        return f"{host}:{int.from_bytes(client.recv(2))}"

    def _connect(self, client: socket.socket) -> str | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        lines = head.decode().split("\r\n")
        if self._login is not None:
            login = base64.b64encode(":".join(self._login).encode()).decode()
            if f"Proxy-Authorization: Basic {login}" not in lines:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                return None
        return lines[0].split(" ")[1]

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxies() -> Iterator[list[RealProxy]]:
    made: list[RealProxy] = []
    yield made
    for proxy in made:
        proxy.close()


def through(node: TalosNode, url: str, **changes: str) -> str:
    config = TalosConfig.load(node.talosconfig)
    file = node.talosconfig.parent / "proxied"
    file.write_bytes(node.talosconfig.read_bytes())
    assert main(["config", "proxy-url", url, "--talosconfig", str(file), *(f"--{name}={value}" for name, value in changes.items())]) == 0
    assert TalosConfig.load(file).context().proxy_url == url.strip()
    assert config.context().proxy_url == ""
    with connect(talosconfig=file, timeout=30) as state:
        return state.version()


@pytest.mark.parametrize("scheme", ["socks5", "http"])
@pytest.mark.parametrize("login", [None, ("me", "se:cr@et")])
def test_a_node_behind_a_proxy(talos_node: TalosNode, proxies: list[RealProxy], scheme: str, login: tuple[str, str] | None) -> None:
    proxies.append(RealProxy(login=login))
    user = "" if login is None else "me:se%3Acr%40et@"
    assert through(talos_node, f"{scheme}://{user}{proxies[0].address}").startswith("v")
    assert proxies[0].asked == [talos_node.address]
    if login is not None:
        with pytest.raises(ConnectError, match="wants a login|does not accept|407 Proxy Authentication Required") as error:
            through(talos_node, f"{scheme}://me:wrong@{proxies[0].address}")
        assert "wrong" not in str(error.value)
        with pytest.raises(ConnectError, match="wants a login|407"):
            through(talos_node, f"{scheme}://{proxies[0].address}")


def test_tls_to_the_proxy_and_through_it(
    talos_node: TalosNode, proxies: list[RealProxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = pki.issue_server(CA, hosts=["127.0.0.1"], now=NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_pem(context, pair.crt, pki.standard_key_pem(pair.key))
    proxies.append(RealProxy(context=context))
    with pytest.raises(ConnectError, match="signed by another authority than this system has"):
        through(talos_node, f"https://{proxies[0].address}")
    (tmp_path / "ca.pem").write_bytes(CA.crt)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert through(talos_node, f"https://{proxies[0].address}").startswith("v")
    assert proxies[0].asked == [talos_node.address]


@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("socks5", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SOCKS5"),
        ("socks5", b"\5\0\5\5\0\1", "connection refused"),
        ("socks5", b"", "hung up"),
        ("http", b"\5\xff", "hung up"),
        ("http", b"SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
        ("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        ("http", b"HTTP/1.1 502 \x1b[2J\r\n\r\n", "the proxy says: 502$"),
        ("http", b"x" * 100_000, "no end"),
    ],
)
def test_proxies_that_do_not(talos_node: TalosNode, proxies: list[RealProxy], scheme: str, answer: bytes, reason: str) -> None:
    proxies.append(RealProxy(answer=answer))
    with pytest.raises(ConnectError, match=reason) as error:
        through(talos_node, f"{scheme}://{proxies[0].address}")
    assert f"through {scheme}://{proxies[0].address}" in str(error.value)


def test_nobody_there(talos_node: TalosNode) -> None:
    with pytest.raises(ConnectError, match=r"through socks5://127.0.0.1:1: connection refused"):
        through(talos_node, "socks5://127.0.0.1:1")


@pytest.mark.parametrize("url", ["not a url", "ftp://x", "socks5://", "http://ho st", "http://h:x", "http://[::1"])
def test_what_is_no_proxy(talos_node: TalosNode, url: str) -> None:
    """talosctl writes any text into the file; who uses it is told."""
    with pytest.raises(ConfigError, match="proxy-url"):
        through(talos_node, url, compat="talosctl")


ENVIRONMENT = {"HTTPS_PROXY": "http://p:1"}


@pytest.mark.parametrize(
    ("url", "address", "environment", "proxy"),
    [
        ("", "10.0.0.1:5", {}, None),
        ("", "10.0.0.1:5", ENVIRONMENT, "http://p:1"),
        ("", "10.0.0.1:5", {"https_proxy": "p:1"}, "http://p:1"),
        ("", "10.0.0.1:5", {"HTTPS_PROXY": "socks5://p"}, "socks5://p:1080"),
        ("", "127.0.0.1:5", ENVIRONMENT, None),
        ("", "localhost:5", ENVIRONMENT, None),
        ("", "[::1]:5", ENVIRONMENT, None),
        ("direct", "10.0.0.1:5", ENVIRONMENT, None),
        ("socks5://q:2", "10.0.0.1:5", ENVIRONMENT, "socks5://q:2"),
        ("https://q", "127.0.0.1:5", {}, "https://q:443"),
        ("", "10.0.0.1:5", {**ENVIRONMENT, "NO_PROXY": "10.0.0.0/8"}, None),
        ("", "10.0.0.1:5", {**ENVIRONMENT, "NO_PROXY": "10.0.0.1"}, None),
        ("", "10.0.0.1:5", {**ENVIRONMENT, "NO_PROXY": "10.0.0.1:6"}, "http://p:1"),
        ("", "10.0.0.1:5", {**ENVIRONMENT, "NO_PROXY": "10.0.0.1:5"}, None),
        ("", "[fd00::1]:5", {**ENVIRONMENT, "no_proxy": "x, fd00::/8"}, None),
        ("", "a.example.org:5", {**ENVIRONMENT, "NO_PROXY": "example.org"}, None),
        ("", "example.org:5", {**ENVIRONMENT, "NO_PROXY": "example.org"}, None),
        ("", "example.org:5", {**ENVIRONMENT, "NO_PROXY": ".example.org"}, "http://p:1"),
        ("", "a.example.org:5", {**ENVIRONMENT, "NO_PROXY": "*.example.org"}, None),
        ("", "badexample.org:5", {**ENVIRONMENT, "NO_PROXY": "example.org"}, "http://p:1"),
        ("", "10.0.0.1:5", {**ENVIRONMENT, "NO_PROXY": "*"}, None),
    ],
)
def test_which_proxy(url: str, address: str, environment: dict[str, str], proxy: str | None) -> None:
    found = choose_proxy(url, address, environment=environment)
    assert (None if found is None else str(found)) == proxy


def test_a_login_is_not_shown() -> None:
    proxy = Proxy.parse("http://me:secret@p:1", source="proxy-url")
    assert (proxy.user, proxy.password) == ("me", "secret")
    assert "secret" not in f"{proxy} {proxy!r}"
