"""`apply-config`, `patch` and `edit` at the shell, against real servers: what reaches the node, and what is refused."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.configured_node import ConfiguredNode, store
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import TalosResourcesError
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.apply import Applied, ApplyRequest
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from talos_resources.testing.node import TalosNode, fresh_state
from tests.machineconfig.made import made

KUBESPAN = "apiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n"
OLD_KUBESPAN = "machine: {network: {kubespan: {enabled: true}}}"
TOO_SMALL = "apiVersion: v1alpha1\nkind: KubeSpanConfig\nmtu: 100\n"
Shell = Callable[..., tuple[int, str, str]]


def configured(text: str) -> State:
    state = fresh_state()
    store(state, text)
    return state


def present(state: State, id: str = "v1alpha1") -> str:
    return state.get(Stored, id).spec.text


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what nodes had is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("TALOS_EDITOR", "EDITOR", "KUBE_EDITOR", "TALOSCONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "state" / "talos-resources" / "kept"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[TalosNode]:
    with TalosNode(tmp_path / "pki", state=configured(made())) as found:
        yield found


@pytest.fixture
def shell(node: TalosNode, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs a command line against the node over mutual TLS."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--talosconfig", str(node.talosconfig), "-n", "10.0.0.1"])
        return code, *capsys.readouterr()

    return run


class Broken(ConfiguredNode):
    """Fails without a word of whether it has taken anything."""

    def apply(self, request: ApplyRequest) -> Applied:
        raise TalosResourcesError("the disk is on fire")


def test_a_file_is_applied_and_nothing_stays_behind(node: TalosNode, shell: Shell, tmp_path: Path, kept: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(made(kubespan=True))
    assert shell("apply-config", "-f", str(file)) == (0, "10.0.0.1: applied without a reboot\n", "")
    assert present(node.state) == made(kubespan=True)
    assert list(kept.iterdir()) == []
    assert shell("apply", "-f", str(file)) == (0, "10.0.0.1: no change\n", "")


def test_what_a_node_had_can_be_kept_for_good(node: TalosNode, shell: Shell, tmp_path: Path) -> None:
    assert shell("patch", "mc", "-p", KUBESPAN, "--keep", str(tmp_path / "old"))[0] == 0
    [file] = (tmp_path / "old").iterdir()
    assert file.read_text() == made()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shell("apply-config", "-f", str(file))[0] == 0
    assert present(node.state) == made()


@pytest.mark.parametrize(
    "patch", [KUBESPAN, OLD_KUBESPAN, '[{"op": "add", "path": "/machine/network", "value": {"kubespan": {"enabled": true}}}]']
)
def test_patches_of_every_form_arrive(node: TalosNode, shell: Shell, patch: str) -> None:
    code, out, err = shell("patch", "machineconfig", "--patch", patch)
    assert (code, out) == (0, "10.0.0.1: applied without a reboot\n")
    assert ("keeps KubeSpan in documents" in err) == (patch is not KUBESPAN)
    config = MachineConfig.load(present(node.state))
    assert config.get("enabled", kind="KubeSpanConfig") is True
    assert shell("patch", "mc", "-p", patch)[1] == "10.0.0.1: no change\n"


def test_patches_come_from_files_and_in_their_order(node: TalosNode, shell: Shell, tmp_path: Path) -> None:
    for name, mtu in (("a", 1300), ("b", 1310), ("c", 1320)):
        (tmp_path / name).write_text(f"{KUBESPAN}mtu: {mtu}\n")
    assert shell("patch", "mc", "-p", f"@{tmp_path}/b", "-p", f"@{tmp_path}/a", "--patch-file", str(tmp_path / "c"))[0] == 0
    assert MachineConfig.load(present(node.state)).get("mtu", kind="KubeSpanConfig") == 1320
    file = tmp_path / "whole.yaml"
    file.write_text(made())
    assert shell("apply-config", "-f", str(file), "--config-patch", f"@{tmp_path}/a")[0] == 0
    assert MachineConfig.load(present(node.state)).get("mtu", kind="KubeSpanConfig") == 1300


def test_nothing_is_sent_that_is_not_valid(node: TalosNode, shell: Shell, kept: Path) -> None:
    code, out, err = shell("patch", "mc", "-p", TOO_SMALL)
    assert (code, out) == (1, "")
    assert err.startswith("error: 10.0.0.1: the configuration is not valid: KubeSpan")
    assert "nothing was sent" in err
    code, out, err = shell("patch", "mc", "-p", TOO_SMALL, "--force")
    assert (code, out) == (1, ""), "the node refuses it"  # and it was asked
    assert "--force" not in err
    assert present(node.state) == made()
    assert not kept.exists() or list(kept.iterdir()) == []


def test_a_dry_run_shows_what_would_change_and_no_secret(node: TalosNode, shell: Shell) -> None:
    token = MachineConfig.load(made()).get("machine.token")
    code, out, _ = shell("patch", "mc", "-p", f"{OLD_KUBESPAN[:-1]}, token: abcdef.0123456789abcdef}}", "--dry-run")
    assert code == 0
    assert out.startswith("10.0.0.1: would be applied without a reboot\n--- v1alpha1 (now)\n")
    assert "+kind: KubeSpanConfig\n" in out
    assert "<hidden, another one>" in out
    assert token not in out
    assert "abcdef.0123" not in out
    assert present(node.state) == made()


def test_the_modes_are_those_of_talosctl(node: TalosNode, shell: Shell) -> None:
    assert shell("patch", "mc", "-p", KUBESPAN, "--mode", "staged")[1] == "10.0.0.1: staged for the next reboot\n"
    assert present(node.state) == made()
    assert "KubeSpanConfig" in present(node.state, "persistent")
    out = shell("patch", "mc", "-p", KUBESPAN, "-m", "try", "--timeout", "90s")[1]
    assert out == "10.0.0.1: applied for 90 s, then it goes back unless another one is applied\n"
    assert shell("patch", "mc", "-p", f"{KUBESPAN}mtu: 1300\n", "-m", "no-reboot")[0] == 0
    code, _, err = shell("patch", "mc", "-p", f"{KUBESPAN}mtu: 1301\n", "-m", "reboot")
    assert (code, "has no mode reboot; apply it with auto, or with staged and reboot the node; nothing was sent" in err) == (1, True)
    assert shell("patch", "mc", "-p", KUBESPAN, "-m", "interactive")[0] == 2


def test_get_prints_what_can_be_applied_again(node: TalosNode, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "got.yaml"
    file.write_text(shell("get", "machineconfig", "-o", "yaml")[1])
    assert "type: MachineConfigs.config.talos.dev" in file.read_text()
    shell("patch", "mc", "-p", KUBESPAN)
    code, out, err = shell("apply-config", "-f", str(file))
    assert (code, out) == (0, "10.0.0.1: applied without a reboot\n")
    assert err.startswith("note: ")
    assert MachineConfig.load(present(node.state)) == MachineConfig.load(made())


@pytest.mark.parametrize("context", ["operator", "reader"])
def test_who_may_not_is_told(shell: Shell, context: str) -> None:
    code, _, err = shell("patch", "mc", "-p", KUBESPAN, "--context", context)
    assert code == 1
    assert "os:admin" in err


def test_only_the_configuration_of_live_nodes_can_change(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell("patch", "members", "-p", KUBESPAN)[0] == 2
    assert shell("edit", "mc", "persistent")[0] == 2
    assert shell("patch", "mc")[0] == 2
    assert main(["patch", "mc", "--from", "demo", "-p", KUBESPAN]) == 1
    assert "no live node" in capsys.readouterr().err


def test_several_nodes_one_after_the_other_and_those_that_fail_are_named(capsys: pytest.CaptureFixture[str], kept: Path) -> None:
    states = {name: configured(made(version=version)) for name, version in (("new", "v1.14"), ("old", "v1.12"), ("broken", "v1.14"))}
    versions = {"new": "v1.14.0", "old": "v1.12.3", "broken": "v1.14.0"}
    machines = {name: (Broken if name == "broken" else ConfiguredNode)(states[name], talos_version=versions[name]) for name in states}
    servers = {name: BackgroundServer(states[name], "127.0.0.1:0", talos_version=versions[name], machine=machines[name]) for name in states}
    addresses = {name: server.address for name, server in servers.items()}
    sources = [argument for name in ("broken", "old", "new") for argument in ("--from", f"cosi://{addresses[name]}")]
    try:
        assert main(["patch", "mc", *sources, "-p", OLD_KUBESPAN]) == 1
        out, err = capsys.readouterr()
        assert out == f"{addresses['old']}: applied without a reboot\n{addresses['new']}: applied without a reboot\n"
        [file] = kept.iterdir()
        assert file.read_text() == made()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f"error: {addresses['broken']}: the disk is on fire; what it had before is in {file}\n" in err
        assert MachineConfig.load(present(states["old"])).get("machine.network.kubespan.enabled") is True
        assert MachineConfig.load(present(states["new"])).get("enabled", kind="KubeSpanConfig") is True
        assert present(states["broken"]) == made()
        servers["old"].close()
        assert main(["patch", "mc", *sources[2:], "-p", f"{KUBESPAN}mtu: 1300\n", "--answer-timeout", "5s"]) == 1
        out, err = capsys.readouterr()
        assert out == f"{addresses['new']}: applied without a reboot\n"
        assert err.startswith(f"error: {addresses['old']}: ")
    finally:
        for server in servers.values():
            server.close()


def test_a_document_that_the_release_does_not_know_is_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = configured(made(version="v1.12"))
    with TalosNode(tmp_path / "old", state=state, talos_version="v1.12.3") as old:
        assert main(["patch", "mc", "--talosconfig", str(old.talosconfig), "-p", KUBESPAN]) == 1
    assert "Talos v1.12 does not know it" in capsys.readouterr().err
    assert present(state) == made(version="v1.12")


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, *steps: str, name: str = "EDITOR") -> Path:
    """An editor that does one step after the other: shell commands with the file as $1; returns its record of what it was shown."""
    script, seen = folder / "editor.sh", folder / "seen"
    cases = "".join(f"{number}) {step} ;;\n" for number, step in enumerate(steps, 1))
    script.write_text(f'echo x >> {seen}.count\nn=$(wc -l < {seen}.count)\ncp "$1" {seen}.$n\ncase $((n)) in\n{cases}esac\n')
    monkeypatch.setenv(name, f"sh '{script}'")
    return seen


def appends(document: str) -> str:
    """The step that adds a document to the file."""
    return f"cat >> $1 <<'END'\n---\n{document}END\n"


def test_an_editor_changes_it(node: TalosNode, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, appends(KUBESPAN))
    monkeypatch.setenv("KUBE_EDITOR", "false")
    assert shell("edit", "mc") == (0, "10.0.0.1: applied without a reboot\n", "")
    assert present(node.state) == f"{made()}---\n{KUBESPAN}"


@pytest.mark.parametrize(("step", "told"), [("true", "no change"), ("echo '# mine' >> $1", "no change"), (": > $1", "the file is empty")])
def test_an_edit_that_changes_nothing_is_none(
    node: TalosNode, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, told: str
) -> None:
    editor(tmp_path, monkeypatch, step, name="TALOS_EDITOR")
    code, out, err = shell("edit", "machineconfig")
    assert (code, err) == (0, "")
    assert told in out
    assert node.state.get(Stored, "v1alpha1").version == 1


def test_what_is_refused_is_opened_again_with_the_reason(
    node: TalosNode, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = editor(tmp_path, monkeypatch, appends(TOO_SMALL), "sed -i 's/mtu: 100$/mtu: 1300/' $1")
    assert shell("edit", "mc")[:2] == (0, "10.0.0.1: applied without a reboot\n")
    first, second = (Path(f"{seen}.{number}").read_text() for number in (1, 2))
    assert first.startswith("# Editing MachineConfigs.config.talos.dev/v1alpha1 at node 10.0.0.1\nversion: v1alpha1\n")
    assert "# It was not taken:\n# the configuration is not valid: KubeSpan" in second
    assert "mtu: 100\n" in second
    text = present(node.state)
    assert "mtu: 1300" in text
    assert "#" not in text.partition("\n")[0]


def test_what_was_written_is_not_lost(node: TalosNode, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    editor(tmp_path, monkeypatch, appends(TOO_SMALL), "true")
    code, _, err = shell("edit", "mc")
    assert code == 1
    [file] = kept.iterdir()
    assert f"what you wrote is in {file}" in err
    assert "mtu: 100\n" in file.read_text()
    monkeypatch.setenv("EDITOR", "false")
    assert "ended with 1" in shell("edit", "mc")[2]
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    assert "cannot start the editor '/no/such/editor' ($EDITOR)" in shell("edit", "mc")[2]
    assert present(node.state) == made()
