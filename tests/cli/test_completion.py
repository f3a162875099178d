"""What a shell offers while a command is typed: the real program, asked as the shells' scripts ask it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from talos_resources.cli.completers import DEADLINE

PROGRAM = Path(sys.executable).parent / "talos-resources"
TALOSCONFIG = """\
context: home
contexts:
    home:
        endpoints:
            - 192.0.2.1
        nodes:
            - 192.0.2.11
            - 192.0.2.12
    away:
        endpoints:
            - 192.0.2.9
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "talosconfig"
    config.write_text(TALOSCONFIG)
    outer = {name: value for name, value in os.environ.items() if name != "TALOSCONFIG" and not name.startswith("XDG_")}
    return outer | {DEADLINE: "30", "HOME": str(tmp_path), "TALOSCONFIG": str(config), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}


def offered(line: str, environment: dict[str, str]) -> list[str]:
    """What bash would offer at the end of the line, with the script that `completion bash` prints; in brackets what it looks for itself."""
    code = f"""
        source <(talos-resources completion bash)
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_TYPE=9
        compopt() {{ [[ $1 != -o || $2 == nospace ]] || COMPREPLY+=("($2)"); }}
        _talos_resources talos-resources
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stderr == ""
    return [word.rstrip() for word in done.stdout.splitlines() if word]


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("expl", ["explain"]),
        ("get --id-", ["--id-match"]),
        ("get kubespanpeerst", ["kubespanpeerstatuses"]),
        ("get kubespanpeers", ["kubespanpeerspecs", "kubespanpeerstatuses"]),
        ("get members,kubespanpeerst", ["members,kubespanpeerstatuses"]),
        ("get members -o y", ["yaml"]),
        ("get members -n 192.0.2.11,192.0.2.1", ["192.0.2.11,192.0.2.11", "192.0.2.11,192.0.2.12", "192.0.2.11,192.0.2.1"]),
        ("get -e ", ["192.0.2.1"]),
        ("get --context away -e ", ["192.0.2.9"]),
        ("get --from demo -n 172.20.0.6", ["172.20.0.6"]),
        ("--from demo get members talos-default-work", ["talos-default-worker-1", "talos-default-worker-2"]),
        ("get --from demo members -n 172.20.0.2 talos-default-worker-1", ["talos-default-worker-1"]),
        ("config context ", ["home", "away"]),
        ("config remove aw", ["away"]),
        ("explain affiliates.kubespan.p", ["affiliates.kubespan.publicKey"]),
        ("explain kubespanpeerstatus.st", ["kubespanpeerstatus.state"]),
        ("simulate --scenario part", ["partition"]),
        ("doctor --color ", ["auto", "always", "never"]),
        ("doctor --explain mtu-d", ["mtu-differs"]),
        ("gen config --talos-version v1.1", ["v1.14", "v1.13", "v1.12", "v1.11", "v1.10", "v1.1"]),
        ("mesh -o sv", ["svg"]),
        ("help doct", ["doctor"]),
        ("nosuch ", []),
        ("get nosuch ", []),
        ("explain nosuch.", []),
        ("get members --from nosuch.zip ", []),
        ("get members --from nosuch.zip -n ", []),
        ("doctor --explain nosuch", []),
        ("get -l ", []),
        ("config proxy-url ", []),
        ("get --from ", ["(default)"]),
        ("get --from=", ["(default)"]),
        ("validate -m metal ", ["(default)"]),
        ("patch --patch '{", []),
        ("patch --patch @", ["(default)"]),
        ("simulate --pki ", ["(dirnames)"]),
        ("validate -m c", ["cloud", "container"]),
        ("mesh --by si", ["site"]),
        ("gen config -t worker,t", ["worker,talosconfig"]),
        ("simulate inject part", ["partition"]),
    ],
)
def test_what_is_offered(typed: str, values: list[str], environment: dict[str, str]) -> None:
    assert offered(f"talos-resources {typed}", environment) == values


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("simulate --scenario nat-h", ["nat-harvest\tthe same, but nodes share the endpoints at which they see others"]),
        ("get --context aw", ["away\t"]),
        ("config context aw", ["away\t"]),
        ("doctor --explain mtu-d", ["mtu-differs\t"]),
    ],
)
def test_fish_is_offered_what_words_mean(typed: str, lines: list[str], environment: dict[str, str]) -> None:
    """As the script for fish asks: each word with what is said of it, and nothing beside them."""
    line = f"talos-resources {typed}"
    asking = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_DFS": "\t", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    asking |= {"_ARGCOMPLETE_SHELL": "fish", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": ""}
    done = subprocess.run(
        ["bash", "-c", "talos-resources 8>&1 9>&2 1>/dev/null"],
        capture_output=True,
        text=True,
        env=environment | asking,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == lines


def test_a_cluster_that_is_away_is_remembered(tmp_path: Path, environment: dict[str, str]) -> None:
    dump = tmp_path / "cluster.json"
    subprocess.run(
        [PROGRAM, "dump", "--from", "demo", "members", "--to", dump], check=True, env=environment, timeout=60, capture_output=True
    )
    line = f"talos-resources get members --from {dump} "
    assert len(offered(line, environment)) == 5
    dump.unlink()
    assert len(offered(line, environment)) == 5
    assert offered(line.replace("members", "affiliates"), environment) == []


def test_a_cluster_that_is_too_slow_for_one_key_has_answered_before_a_later_one(environment: dict[str, str]) -> None:
    line = "talos-resources get --from demo members "
    hasty = environment | {DEADLINE: "0"}
    assert offered(line, hasty) == []
    for _ in range(300):
        if found := offered(line, hasty):
            break
        time.sleep(0.1)
    assert len(found) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("fish", 'talos-resources completion fish | source; complete -C "talos-resources get kubespanpeerst"'),
        ("zsh", 'autoload -Uz compinit && compinit -u; eval "$(talos-resources completion zsh)"; print -r -- ${_comps[talos-resources]}'),
    ],
)
def test_other_shells_take_the_script(shell: str, code: str, environment: dict[str, str]) -> None:
    done = subprocess.run([shell, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[0] == {"fish": "kubespanpeerstatuses", "zsh": "_talos_resources"}[shell]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("get members --from ~/m", ["~/my files/"]),
        ("get members --from sqlite:m", ["sqlite:my files/"]),
        ("get members --from=my\\ files/", ["--from=my files/mesh.db"]),
        ("patch -p @m", ["@my files/"]),
        ("simulate --pki my\\ files/", []),
        ("get members --from nosuch.zip -n ", []),
    ],
)
def test_fish_itself_looks_for_files(typed: str, lines: list[str], tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "my files").mkdir()
    (tmp_path / "my files" / "mesh.db").touch()
    code = f"talos-resources completion fish | source; complete -C {shlex.quote(f'talos-resources {typed}')}"
    done = subprocess.run(["fish", "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == lines
