"""The commands in this process: what they print, their errors and exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from talos_resources.cli import registry
from talos_resources.cli.main import main
from talos_resources.cli.options import DEMO_NOTE

GUIDE = {
    "kubespanpeerspecs": """\
ID                                             VERSION   LABEL                          ENDPOINTS
06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=   2         talos-default-controlplane-2   ["172.20.0.3:51820"]
THtfKtfNnzJs1nMQKs5IXqK0DFXmM//0WMY+NnaZrhU=   2         talos-default-controlplane-3   ["172.20.0.4:51820"]
nVHu7l13uZyk0AaI1WuzL2/48iG8af4WRv+LWmAax1M=   2         talos-default-worker-2         ["172.20.0.6:51820"]
zXP0QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWkqmkE/oDlc=   2         talos-default-worker-1         ["172.20.0.5:51820"]
""",
    "kubespanpeerstatuses": """\
ID                                             VERSION   LABEL                          ENDPOINT           STATE   RX         TX
06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=   63        talos-default-controlplane-2   172.20.0.3:51820   up      15043220   17869488
THtfKtfNnzJs1nMQKs5IXqK0DFXmM//0WMY+NnaZrhU=   62        talos-default-controlplane-3   172.20.0.4:51820   up      14573208   18157680
nVHu7l13uZyk0AaI1WuzL2/48iG8af4WRv+LWmAax1M=   60        talos-default-worker-2         172.20.0.6:51820   up      130072     46888
zXP0QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWkqmkE/oDlc=   60        talos-default-worker-1         172.20.0.5:51820   up      130044     46556
""",
    "kubespanendpoints": """\
ID                                             VERSION   ENDPOINT           AFFILIATE ID
06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=   1         172.20.0.3:51820   2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF
THtfKtfNnzJs1nMQKs5IXqK0DFXmM//0WMY+NnaZrhU=   1         172.20.0.4:51820   b3DebkPaCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C
nVHu7l13uZyk0AaI1WuzL2/48iG8af4WRv+LWmAax1M=   1         172.20.0.6:51820   NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB
zXP0QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWkqmkE/oDlc=   1         172.20.0.5:51820   6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA
""",
}

IDENTITY = """\
spec:
    address: fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94/128
    subnet: fd83:b1f7:fcb5:2802::/64
    privateKey: gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08=
    publicKey: NzW8oeIH5rJyY5lefD9WRoHWWRr/Q6DwsDjMX+xKjT4=
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line without a configuration of this machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TALOSCONFIG", raising=False)

    def call(*arguments: str) -> Result:
        code = main(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.mark.parametrize("name", GUIDE)
def test_the_guides_tables(run: Run, name: str) -> None:
    assert run("get", name) == (0, GUIDE[name], f"{DEMO_NOTE}\n")


def test_the_guides_identity(run: Run) -> None:
    result = run("get", "kubespanidentities", "-o", "yaml")
    assert result.code == 0
    assert result.out.startswith("node: 172.20.0.2\nmetadata:\n    namespace: kubespan\n")
    assert result.out.endswith(IDENTITY)


def test_no_note_when_the_demo_was_asked_for(run: Run) -> None:
    assert run("get", "kubespanpeerspecs", "--from", "demo").err == ""


@pytest.mark.parametrize("flags", [("-n", "172.20.0.3", "--from", "demo"), ("--nodes=172.20.0.3", "--from=demo")])
def test_flags_may_stand_anywhere(run: Run, flags: tuple[str, ...]) -> None:
    expected = run("get", "members", "talos-default-worker-1", *flags, "-o", "name")
    assert expected.code == 0
    assert run(*flags, "get", "-o", "name", "members", "talos-default-worker-1") == expected
    assert run("get", "members", *flags, "-o", "name", "talos-default-worker-1") == expected


def test_several_nodes(run: Run) -> None:
    out = run("get", "kubespanpeerstatuses", "-n", "172.20.0.2,talos-default-worker-2", "-n", "172.20.0.2", "--from", "demo").out
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["NODE", "ID"]
    assert [line.split()[0] for line in lines[1:]] == ["172.20.0.2"] * 4 + ["talos-default-worker-2"] * 4


def test_selecting(run: Run) -> None:
    assert (
        run("get", "members", "--id-match", "worker", "-o", "jsonpath={.spec.hostname}").out
        == "talos-default-worker-1\ntalos-default-worker-2\n"
    )
    assert run("get", "members", "-l", "zone=a", "-o", "jsonpath={.metadata.id}").out == ""
    assert len(run("get", "affiliates", "--namespace", "nosuch").out.splitlines()) == 1


def test_rd_has_two_names(run: Run) -> None:
    assert run("rd").out == run("api-resources").out == run("get", "rd").out
    assert "kubespanpeerstatuses.kubespan.talos.dev" in run("rd").out


def test_explain(run: Run) -> None:
    text = run("explain", "kubespanpeerstatuses").out
    assert text.startswith("KubeSpanPeerStatus   (KubeSpanPeerStatuses.kubespan.talos.dev, namespace kubespan)\n")
    assert "Written by kubespan.ManagerController every 30 seconds." in text
    assert "receiveBytes         number, bytes " in text
    assert run("explain", "affiliate.kubespan.publicKey").out.endswith("\n\nWireGuard public key, base64.\n")
    assert run("explain", "affiliate.kubespan").out.count("\n  kubespan.") == 5
    assert run("explain", "kubespanidentity.private_key").out.endswith(" Secret.\n")
    assert run("explain", "members.cluster.talos.dev.hostname").code == 0
    failed = run("explain", "member.nosuch")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("error: Member has no field nosuch; it has nodeId, addresses, ")


def test_explain_an_untyped_type(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cassettes.yaml"
    file.write_text("metadata: {namespace: test, type: Cassettes.test.talos.dev, id: a, version: 1, phase: running}\nspec: {length: 90}\n")
    text = run("explain", "cassettes", "--from", str(file)).out
    assert text.startswith("Cassette   (Cassettes.test.talos.dev, namespace test)\n")
    assert "NAMES   cassettes, cassette" in text
    assert "only its definition" in text
    assert run("explain", "cassette.length", "--from", str(file)).code == 1


def test_explain_a_type_that_the_source_does_not_hold(run: Run) -> None:
    text = run("explain", "linkstatuses").out
    assert text.startswith("LinkStatus   (LinkStatuses.net.talos.dev, namespace network)\n")
    assert "linkstatuses, link, links, linkstatus, ls" in text
    assert "one of unknown, notPresent, down" in run("explain", "linkstatus.operationalState").out


def test_dump_and_back(run: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "all.zip")
    assert run("dump", "--to", target) == (0, "", f"{DEMO_NOTE}\n")
    assert run("get", "kubespanpeerstatuses", "--from", target, "-n", "172.20.0.2").out == GUIDE["kubespanpeerstatuses"]
    assert "\nspec: <REDACTED>\n" in run("get", "kubespanidentities", "--from", target, "-o", "yaml").out
    again = run("dump", "--from", target, "--to", target)
    assert (again.code, again.err) == (1, f"error: {target} exists already; remove it or name another target\n")


def test_dump_of_some_types_to_stdout(run: Run) -> None:
    out = run("dump", "--to", "-", "-n", "172.20.0.2", "kubespanidentities", "--show-secrets", "--from", "demo").out
    assert out.startswith("node: 172.20.0.2\n")
    assert out.endswith(IDENTITY)


def test_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("get", "kubespanpeerstatuses", "-o", "json").out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("get", "kubespanpeerstatuses", "--from", "-") == (0, GUIDE["kubespanpeerstatuses"], "")


def test_one_bad_node_does_not_hide_the_others(run: Run, tmp_path: Path) -> None:
    assert run("dump", "--to", str(tmp_path / "all")).code == 0
    for file in (tmp_path / "all" / "172.20.0.3" / "resources").iterdir():
        file.write_text("]")
    result = run("get", "members", "-o", "name", "--from", str(tmp_path / "all"))
    assert result.code == 1
    assert len(result.out.splitlines()) == 20
    assert result.err.startswith("error: 172.20.0.3: ")
    assert result.err.count("\n") == 1


# Arguments, exit code, and a part of the one line on stderr.
MISTAKES = [
    (["nosuch"], 2, 'no command "nosuch"'),
    (["exlain"], 2, "did you mean explain?"),
    (["get", "members", "--nodez", "a"], 2, "unrecognized arguments: --nodez a; did you mean --nodes? see"),
    (["get", "members", "-o", "tabel"], 2, "did you mean table?"),
    (["explain", "kubespanpeerstatus.stat"], 1, "did you mean state?"),
    (["doctor", "-o", "jsn"], 2, "did you mean json?"),
    (["doctor", "--explain", "mtu"], 2, "did you mean mtu-too-large?"),
    (["simulate", "--scenario", "partion"], 2, "did you mean partition?"),
    (["config", "contxts"], 2, "did you mean contexts"),
    (["gen", "secrets", "--forc"], 2, "did you mean --force?"),
    (["get", "members", "--zzzzz"], 2, "unrecognized arguments: --zzzzz; see"),
    (["help", "exlain"], 2, "did you mean explain?"),
    (["-n"], 2, "a command is missing"),
    (["get"], 2, "TYPE"),
    (["get", "a", "b", "c"], 2, "unrecognized arguments: c"),
    (["get", "members", "--nosuch"], 2, "--nosuch"),
    (["get", "members", "-o", "bogus"], 2, '"bogus" is not supported'),
    (["get", "members", "-o", "jsonpath={.spec"], 2, "jsonpath"),
    (["get", "members", "x", "-l", "a"], 2, "ID"),
    (["dump"], 2, "--to"),
    (["explain"], 2, "TYPE"),
    (["completion", "tcsh"], 2, "tcsh"),
    (["get", "nosuch"], 1, 'no resource type or alias "nosuch"'),
    (["get", "kubespanpeers"], 1, "did you mean kubespanpeerspecs"),
    (["get", "ksps"], 1, '"ksps" is ambiguous'),
    (["get", "members", "-o", "jsonpath={.spec.nosuch}"], 1, "nosuch is not found"),
    (["get", "members", "-l", "a b c=="], 1, "label"),
    (["get", "members", "--id-match", "("], 1, "("),
    (["get", "members", "-n", "10.0.0.1"], 1, 'the built-in demo has no node "10.0.0.1"; it has 172.20.0.2'),
    (["get", "members", "--from", "demo:nosuch"], 1, 'no demo "nosuch"'),
    (["get", "members", "--from", "missing.yaml"], 1, "cannot read missing.yaml: No such file"),
    (["get", "members", "--from", "demo", "-e", "10.0.0.1"], 1, "exclude each other"),
    (["explain", "nosuch"], 1, '"nosuch"'),
    (["dump", "--to", "missing/../x/y.yaml", "nosuch"], 1, '"nosuch"'),
]


@pytest.mark.parametrize(("arguments", "code", "text"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_mistakes(run: Run, arguments: list[str], code: int, text: str) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert text in result.err


def test_an_unknown_id(run: Run) -> None:
    """As talosctl, headings and an error."""
    result = run("get", "members", "nosuch", "--from", "demo")
    assert (result.code, result.out) == (1, "ID   VERSION   HOSTNAME   MACHINE TYPE   OS   ADDRESSES\n")
    assert result.err == "error: resource Members.cluster.talos.dev(cluster/nosuch@undefined) doesn't exist\n"


def test_help(run: Run) -> None:
    top = run("--help")
    assert top.code == 0
    assert run().code == 2
    for name in registry.COMMANDS:
        assert name in top.out
        result = run(name, "--help")
        assert result.code == 0
        assert result.out.startswith("usage: ")


@pytest.mark.parametrize("name", ["get", "rd", "explain", "dump", "completion"])
def test_help_has_examples(run: Run, name: str) -> None:
    assert f"examples:\n  talos-resources {name}" in run(name, "--help").out


def test_help_is_a_command_too(run: Run) -> None:
    assert run("help").out == run("--help").out
    assert run("help", "config", "context").out == run("config", "context", "--help").out


def test_version(run: Run) -> None:
    assert run("-V").out == run("--version").out
    assert run("version").out == run("--version").out
    assert run("version").out.startswith("talos-resources 0.")
