"""The `config` commands on a file that a person keeps by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.talosconfig.config import TalosConfig

TEXT = """\
context: a   # the lab
contexts:
  a:
    endpoints: [10.0.0.1]
    note: unknown to talosctl
  b:
    endpoints: [10.0.1.1]
    nodes: [10.0.1.2]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "talosconfig"
    path.write_text(TEXT)
    monkeypatch.setenv("TALOSCONFIG", str(path))
    return path


def test_edits_keep_what_they_do_not_concern(file: Path) -> None:
    assert main(["config", "context", "b"]) == 0
    assert file.read_text() == TEXT.replace("context: a ", "context: b ")
    assert main(["config", "endpoint", "10.0.0.9", "--context", "a"]) == 0
    assert "note: unknown to talosctl" in file.read_text()
    assert TalosConfig.load(file).context("a").endpoints == ("10.0.0.9",)
    assert main(["config", "node"]) == 0
    assert TalosConfig.load(file).context("b").nodes == ()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_file_may_be_named_before_the_command(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.write_text("context: z\ncontexts: {z: {}, y: {endpoints: [e]}}\n")
    assert main(["--talosconfig", str(other), "--context", "y", "config", "info"]) == 0
    assert "Endpoints:           e" in capsys.readouterr().out
    assert main(["config", "--talosconfig", str(other), "endpoint", "x", "--context", "y"]) == 0
    assert TalosConfig.load(other).context("y").endpoints == ("x",)
    assert file.read_text() == TEXT


def test_compat_writes_as_talosctl(file: Path) -> None:
    assert main(["config", "context", "b", "--compat", "talosctl"]) == 0
    assert "#" not in file.read_text()
    assert "note" not in file.read_text()


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("YES\n", True), ("n\n", False), ("", False), ("\n", False)])
def test_removing_asks(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, gone: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["config", "remove", "b"]) == 0
    assert capsys.readouterr().out == 'remove context "b"? (y/N): '
    assert ("b" not in TalosConfig.load(file).contexts) is gone
    assert "note: unknown to talosctl" in file.read_text()


def test_a_refused_edit_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["context", "nope"],
        ["endpoint", "x", "--context", "nope"],
        ["remove", "nope"],
        ["merge", "nope"],
        ["add", "c", "--ca", "nope"],
    ):
        assert main(["config", *arguments]) == 1
        assert "nope" in capsys.readouterr().err
    assert file.read_text() == TEXT


@pytest.mark.usefixtures("file")
def test_merging_from_a_file_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    assert main(["config", "merge", str(tmp_path / "other")]) == 1
    assert not (tmp_path / "other").exists()


@pytest.mark.usefixtures("file")
def test_info_as_of_another_day(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["gen", "secrets", "--talos-version", "v1.6"]) == 0
    assert main(["gen", "config", "c", "https://c.example", "--with-secrets", "secrets.yaml", "-t", "talosconfig", "-o", "tc"]) == 0
    capsys.readouterr()
    assert main(["config", "info", "-o", "json", "--talosconfig", "tc", "--now", "2100-01-01"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["roles"], info["certTTL"], info["nodes"], info["endpoints"]) == (["os:admin"], "a long while ago", None, [])


@pytest.mark.usefixtures("file")
def test_mistakes_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "info", "--now", "tomorrow"]) == 2
    assert main(["config", "endpoint"]) == 2
    assert capsys.readouterr().err.count("error:") == 2


@pytest.mark.parametrize("arguments", [["contexts"], ["info"], ["context", "x"], ["node", "a"], ["remove", "x"], ["merge", "nowhere"]])
def test_asking_and_failing_make_no_file(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["config", *arguments])
    assert not (Path.home() / ".talos").exists()
    capsys.readouterr()
    assert main(["get", "members"]) == 0
    assert "built-in demo" in capsys.readouterr().err


def test_compat_makes_the_file_as_talosctl_does() -> None:
    assert main(["config", "contexts", "--compat", "talosctl"]) == 0
    assert (Path.home() / ".talos" / "config").read_text() == 'context: ""\ncontexts: {}\n'


@pytest.mark.parametrize("text", ['context: ""\ncontexts: {}\n', "context: a # nothing yet\n", "contexts:\n"])
@pytest.mark.parametrize("named", [False, True])
def test_a_file_without_contexts_is_as_good_as_none(
    text: str, named: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path.home() / "x" if named else Path.home() / ".talos" / "config"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    if named:
        monkeypatch.setenv("TALOSCONFIG", str(file))
    assert main(["get", "members"]) == 0
    assert "built-in demo" in capsys.readouterr().err
    assert file.read_text() == text
    # Who names it is told.
    assert main(["get", "members", "--talosconfig", str(file)]) == 1
    file.write_text("context: a\ncontexts: {a: {endpoints: [127.0.0.1:1]}}\n")
    assert main(["get", "members"]) == 1
    assert 'context "a" has no ca' in capsys.readouterr().err


def test_the_proxy_of_a_context(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shown on stderr, stored without spaces around it, and cleared by an empty one, as talosctl has it; which checks nothing."""
    file = tmp_path / "talosconfig"
    before = "context: a\ncontexts:\n    a:\n        endpoints:\n            - 10.0.0.1\n    b:\n        endpoints: []\n"
    file.write_text(before)
    command = ["config", "proxy-url", "--talosconfig", str(file)]
    assert main([*command, " socks5://127.0.0.1:1080 "]) == 0
    assert main([*command, "not a url", "--context", "b", "--compat", "talosctl"]) == 0
    assert file.read_text() == (
        "context: a\ncontexts:\n    a:\n        endpoints:\n            - 10.0.0.1\n        proxy-url: socks5://127.0.0.1:1080\n"
        "    b:\n        endpoints: []\n        proxy-url: not a url\n"
    )
    assert main(command) == 0
    assert capsys.readouterr() == ("", "socks5://127.0.0.1:1080\n")
    assert main([*command, ""]) == 0
    assert main([*command, "", "--context", "b"]) == 0
    assert file.read_text() == before
    assert main([*command, "a", "b"]) == 2


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("socks5://ann:p%40ss@10.0.0.9:1080", "socks5://ann:***@10.0.0.9:1080"),
        ("https://ann:@10.0.0.9", "https://ann:***@10.0.0.9"),
        ("http://ann@[fd00::9]:3128", "http://ann@[fd00::9]:3128"),
        ("ann:word@10.0.0.9:8080", "ann:***@10.0.0.9:8080"),
        ("socks5h://p:q:r@proxy.example.org", "socks5h://p:***@proxy.example.org"),
        ("direct", "direct"),
    ],
)
def test_a_proxy_is_shown_without_its_password(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, shown: str) -> None:
    file = tmp_path / "talosconfig"
    file.write_text("context: a\ncontexts:\n    a:\n        endpoints: [10.0.0.1]\n")
    command = ["config", "proxy-url", "--talosconfig", str(file)]
    assert main([*command, url]) == 0
    assert url in file.read_text()
    assert main(command) == 0
    assert main(["config", "info", "--talosconfig", str(file)]) == 0
    seen = capsys.readouterr()
    assert seen.err == f"{shown}\n"
    assert url == shown or url not in seen.out + repr(TalosConfig.load(file)) + repr(TalosConfig.load(file).context(None))


@pytest.mark.parametrize(
    "url", ["ftp://a:secret@10.0.0.1:21", "socks4://10.0.0.1", "ssh://ann:secret@h", "http://", "socks5://:secret@:99999", "a b"]
)
def test_what_is_no_proxy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
    file = tmp_path / "talosconfig"
    before = "context: a\ncontexts:\n    a:\n        endpoints: [10.0.0.1]\n"
    file.write_text(before)
    assert main(["config", "proxy-url", "--talosconfig", str(file), url]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "socks5://HOST:PORT, http://HOST:PORT, https://HOST:PORT or direct" in said
    assert "secret" not in said
    assert file.read_text() == before
