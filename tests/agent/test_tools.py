"""An agent whose host's tools hang, print nonsense or fail: it says so, goes on, and recovers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.agent.kernel import read_links, read_rules
from talos_resources.agent.nftables import Listing, read_chains
from talos_resources.agent.statuses import rule_status
from talos_resources.agent.tools import TIMEOUT_S
from talos_resources.codec.text import spec_to_yaml
from talos_resources.state.contract import State
from tests.agent.mesh import Mesh, Node, until
from tests.agent.test_restoring import look


class Tools:
    """Tools that do what a file says, in a folder for PATH: the real thing while there is no such file."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        for name in names:
            program = folder / name
            program.write_text(
                f'#!/bin/sh\ncase "$*" in *monitor*) ;; *) [ -e {folder}/as-{name} ] && . {folder}/as-{name} ;; esac\nexec {shutil.which(name) or "/bin/false"} "$@"\n'
            )
            program.chmod(0o755)

    def behave(self, name: str, script: str) -> None:
        (self.folder / f"as-{name}").write_text(script)

    def recover(self, name: str) -> None:
        (self.folder / f"as-{name}").unlink()

    @property
    def path(self) -> str:
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Tools:
    """Tools that somebody else finds in PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    return Tools(folder, "ip", "nft")


@pytest.fixture
def tools(elsewhere: Tools, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Tools that we find in PATH."""
    monkeypatch.setenv("PATH", elsewhere.path)
    return elsewhere


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo nonsense; exit 0", "printed what is no JSON: 'nonsense'"),
        ("echo '{}'; exit 0", "printed no list of objects"),
        ('echo \'[{"ifname": "eth0"}]\'; exit 0', "printed what cannot be understood: KeyError"),
        ("printf '\\377\\376'; exit 0", "printed what is no text"),
        ("echo Cannot open netlink socket >&2; exit 1", "failed: Cannot open netlink socket"),
        ("kill -9 $$", "failed: no reason given"),
    ],
)
def test_what_is_no_answer_is_told(tools: Tools, script: str, complaint: str) -> None:
    tools.behave("ip", script)
    with pytest.raises(OSError, match="`ip -json") as told:
        read_links()
    assert complaint in str(told.value)


def test_nothing_printed_is_nothing_there(tools: Tools) -> None:
    tools.behave("ip", "exit 0")
    assert read_rules() == ()
    assert read_links() == ((), ())


def test_actions_of_policy_rules_are_those_of_the_kernel(tools: Tools) -> None:
    """As iproute2 6.1 prints them; Talos has no name for a jump and for a rule that does nothing, and prints the number."""
    rules = [
        {"priority": 0, "src": "all", "table": "255", "protocol": "2"},
        {"priority": 50, "src": "all", "goto": 60, "unresolved": None, "protocol": "0"},
        {"priority": 200, "src": "all", "nop": None, "protocol": "0"},
        {"priority": 300, "src": "all", "action": "6", "protocol": "0"},
        {"priority": 400, "src": "10.0.0.0", "srclen": 8, "action": "8", "protocol": "0"},
    ]
    tools.behave("ip", f"case \"$*\" in *-4*) echo '{json.dumps(rules)}';; esac; exit 0")
    found = [str(rule_status(rule).action) for rule in read_rules()]
    assert found == ["unicast", "RoutingRuleAction(2)", "RoutingRuleAction(3)", "blackhole", "prohibit"]


def test_chains_that_cannot_be_told_are_unknown_and_not_absent(tools: Tools) -> None:
    tools.behave("nft", 'echo "Error: No such file or directory" >&2; exit 1')
    assert read_chains() == Listing("", ())
    tools.behave("nft", 'echo "Error: Operation not permitted" >&2; exit 1')
    with pytest.raises(OSError, match="Operation not permitted"):
        read_chains()
    tools.behave("nft", 'echo \'{"nftables": [{"rule": 7}]}\'; exit 0')
    with pytest.raises(OSError, match="cannot be understood"):
        read_chains()


def test_a_tool_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="'ip'"):
        read_links()


@pytest.fixture
def node(tmp_path: Path, elsewhere: Tools) -> Iterator[Node]:
    mesh = Mesh(tmp_path)
    try:
        mesh.start(1)
        [node] = mesh.nodes
        node.start({"PATH": elsewhere.path})
        yield node
    finally:
        mesh.stop()


def listed(state: State, type: str) -> dict[str, str]:
    """The specs of a type as YAML, by id."""
    kind = state.kind(type)
    return {found.id: spec_to_yaml(found.spec) for found in state.list(kind)}


@pytest.mark.wireguard
def test_an_agent_whose_tools_fail(node: Node, elsewhere: Tools) -> None:
    until(lambda: "kubespan_outgoing" in listed(node.state, "nftableschains"))
    # An `ip` that hangs: it is ended and told, and addresses are told again when it is back.
    elsewhere.behave("ip", "exec sleep 60")
    node.sh("ip", "address", "add", "10.78.0.77/24", "dev", "eth0")
    until(lambda: f"hangs: it was ended after {TIMEOUT_S:g} s" in node.log())
    assert "10.78.0.77/24" not in listed(node.state, "nodeaddresses")["current"]
    elsewhere.recover("ip")
    until(lambda: "reading the host's network: works again" in node.log())
    until(lambda: "10.78.0.77/24" in listed(node.state, "nodeaddresses")["current"])
    # An `nft` that cannot set the chains again: the state shows that they are gone, until they are back.
    before = look(node)
    elsewhere.behave("nft", 'case "$*" in *-f*) echo "Error: no memory" >&2; exit 1;; esac')
    node.sh("nft", "flush", "ruleset")
    until(lambda: "packet chains: `nft -f -` failed: Error: no memory" in node.log())
    until(lambda: not listed(node.state, "nftableschains"))
    elsewhere.recover("nft")
    until(lambda: look(node) == before)
    until(lambda: "kubespan_outgoing" in listed(node.state, "nftableschains"))
