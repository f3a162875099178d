"""etcd on the command line: dump to it, get from it, serve it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import pytest

from talos_resources.backends.etcd import EtcdState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus
from talos_resources.rpc.client.connect import Endpoints, connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources import open_source
from talos_resources.sources.writing import held_by
from talos_resources.testing.conformance.parts import told

pytestmark = pytest.mark.etcd


def run(*arguments: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main(list(arguments))
    return code, stdout.getvalue(), stderr.getvalue()


def test_one_node_there_and_back(url: str) -> None:
    assert run("dump", "--from", "demo", "-n", "172.20.0.2", "--show-secrets", "--to", url) == (0, "", "")
    _, before, _ = run("get", "kubespanpeerspecs", "--from", "demo", "-n", "172.20.0.2", "-o", "yaml")
    code, after, _ = run("get", "kubespanpeerspecs", "--from", url, "-o", "yaml")
    assert code == 0
    # etcd counts the versions itself, and the node has no name there.
    lines = [[line for line in text.splitlines() if not line.startswith(("node:", "    version:"))] for text in (before, after)]
    assert lines[0] == lines[1]
    assert "    version: 1" in after
    code, _, message = run("dump", "--from", "demo", "-n", "172.20.0.2", "--to", url)
    assert code == 1
    assert "holds resources already; name another prefix" in message


def test_several_nodes(url: str) -> None:
    assert run("dump", "--from", "demo", "--to", url)[0] == 0
    with open_source("demo") as demo, open_source(url) as cluster:
        assert sorted(cluster.nodes) == sorted(demo.nodes)
        for node in demo.nodes:
            held = {resource.reference.id for resource in demo.state(node).list(KubeSpanPeerStatus)}
            assert {resource.id for resource in cluster.state(node).list(KubeSpanPeerStatus)} == held
            assert {identity.spec.private_key for identity in cluster.state(node).list(KubeSpanIdentity)} <= {"", "<REDACTED>"}
    with EtcdState(f"{url}/{demo.nodes[0]}") as one:
        assert one.list(KubeSpanPeerStatus)


def test_a_node_and_others_below_it(url: str) -> None:
    for prefix in (url, f"{url}/worker"):
        with EtcdState(prefix) as state:
            state.create(Resource.new(KubeSpanPeerStatus(), id="a"))
    with pytest.raises(ConfigError, match="holds the resources of one node, and those of 1 below it; name one of them, .*/worker say"):
        open_source(url)
    with open_source(f"{url}/worker") as cluster:
        assert len(cluster.state(cluster.nodes[0]).list(KubeSpanPeerStatus)) == 1


def test_kinds_without_a_definition(url: str) -> None:
    """A Go program need not register what it stores."""
    links = untyped("Links.net.example.org", "net work/1")
    with EtcdState(url) as state:
        state.create(Resource.new(UntypedSpec(yaml="up: true\n"), id="eth0", kind=links))
        state.create(Resource.new(KubeSpanPeerStatus(), id="a", namespace="elsewhere"))
        assert list(state.held_kinds()) == [
            ("elsewhere", "KubeSpanPeerStatuses.kubespan.talos.dev"),
            ("net work/1", "Links.net.example.org"),
        ]
        assert state.kind("links.net.example.org").namespace == "net work/1"
        assert sorted(resource.id for resource in held_by(state)) == ["a", "eth0"]
    code, out, _ = run("get", "links.net.example.org", "--from", url, "-o", "name")
    assert (code, out) == (0, "links.net.example.org/eth0\n")


def test_serve(url: str) -> None:
    """Reads, writes and watches pass through to etcd."""
    command = [sys.executable, "-m", "talos_resources", "serve", "--listen", "127.0.0.1:0", "--insecure", "--from", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            with connect_plain(server.stdout.readline().split()[-1]) as client, EtcdState(url) as behind:
                with client.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:
                    first = behind.create(Resource.new(KubeSpanPeerStatus(), id="a"))
                    client.update(first.with_labels(l="1"))
                    client.create(Resource.new(KubeSpanPeerStatus(), id="b"))
                    behind.destroy(KubeSpanPeerStatus, "a")
                    assert told(events, 4) == ["+a1", "~a2", "+b1", "-a2"]
                assert [resource.id for resource in behind.list(KubeSpanPeerStatus)] == ["b"]
        finally:
            server.terminate()
            server.wait(30)
    assert server.returncode == 0


def test_no_etcd_there() -> None:
    code, out, message = run("get", "members", "--from", "etcd://127.0.0.1:1/x")
    assert (code, out) == (1, "")
    assert message == "error: no answer from etcd: 127.0.0.1:1: connection refused: nothing listens there\n"


def test_two_servers_over_one_etcd(url: str) -> None:
    """A bookmark is a revision of etcd: a client goes on with the other server where the first one left it."""
    with EtcdState(url) as one, EtcdState(url) as two, BackgroundServer(two, "127.0.0.1:0") as second:
        with BackgroundServer(one, "127.0.0.1:0") as first:
            client = Endpoints([first.address, second.address], timeout=30).node()
            events = client.watch_kind(KubeSpanPeerStatus, bootstrap=False)
            client.create(Resource.new(KubeSpanPeerStatus(), id="a"))
            assert told(events, 1) == ["+a1"]
        two.create(Resource.new(KubeSpanPeerStatus(), id="b"))
        client.create(Resource.new(KubeSpanPeerStatus(), id="c"))
        assert told(events, 2) == ["+b1", "+c1"]
        client.close()
