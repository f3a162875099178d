"""`get` of several types, in an order, with columns of one's own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from talos_resources.cli.options import DEMO_NOTE
from tests.cli.test_commands import Run, run
from tests.cli.test_process import environment

__all__ = ["environment", "run"]  # fixtures

BOTH = ["-n", "172.20.0.2,172.20.0.5"]


@pytest.mark.parametrize("output", ["table", "wide", "csv"])
@pytest.mark.parametrize("nodes", [[], BOTH])
def test_a_table_for_each_type(run: Run, output: str, nodes: list[str]) -> None:
    alone = [run("get", name, "-o", output, *nodes).out for name in ("members", "kubespanendpoints")]
    assert run("get", "members,kubespanendpoints", "-o", output, *nodes) == (0, "\n".join(alone), f"{DEMO_NOTE}\n")
    assert run("get", "members,member,members", "-o", output, *nodes).out == alone[0]


@pytest.mark.parametrize(("output", "between"), [("yaml", "---\n"), ("json", ""), ("name", ""), ("jsonpath={.metadata.id}", "")])
def test_one_stream_of_documents(run: Run, output: str, between: str) -> None:
    alone = [run("get", name, "-o", output).out for name in ("members", "kubespanendpoints")]
    assert run("get", "members,kubespanendpoints", "-o", output).out == between.join(alone)


def test_one_page_with_a_table_each(run: Run) -> None:
    page = run("get", "members,kubespanendpoints", "-o", "html").out
    assert (page.count("<!DOCTYPE"), page.count("<table"), page.count("</table>"), page.count("</html>")) == (1, 2, 2, 1)


def test_an_id_is_looked_for_in_each_type(run: Run) -> None:
    done = run("get", "kubespanpeerspecs,kubespanendpoints", "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", "-o", "name")
    assert done.out.count("06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=") == 2
    done = run("get", "members,kubespanendpoints", "talos-default-worker-1", "-o", "name")
    assert (done.code, done.out) == (1, "members.cluster.talos.dev/talos-default-worker-1\n")
    assert "error: resource KubeSpanEndpoints.kubespan.talos.dev(kubespan/talos-default-worker-1@undefined) doesn't exist" in done.err
    done = run("get", "members,affiliates", "nobody")
    assert (done.code, done.err.count("doesn't exist")) == (1, 2)


def test_what_is_no_type_is_named_and_nothing_is_printed(run: Run) -> None:
    assert run("get", "members,nosuch") == (1, "", 'error: no resource type or alias "nosuch"; `rd` lists all types\n')
    assert run("get", "members,nosuch", "-w")[:2] == (1, "")
    # to talosctl it is one name
    assert 'alias "members,affiliates"' in run("get", "members,affiliates", "--compat", "talosctl").err


def test_an_order_across_nodes(run: Run) -> None:
    done = run("get", "kubespanpeerstatuses", *BOTH, "--sort-by", "RX", "-o", "jsonpath={.spec.receiveBytes}")
    numbers = [int(line) for line in done.out.split()]
    assert numbers == sorted(numbers)
    assert len(numbers) == 8
    rows = run("get", "members", *BOTH, "--sort-by", ".spec.addresses[0]").out.splitlines()
    assert [row.split()[0] for row in rows[1:5]] == ["172.20.0.2", "172.20.0.5"] * 2


def test_orders_that_make_no_sense(run: Run) -> None:
    assert run("get", "members", "--sort-by", "{.spec")[:2] == (2, "")
    assert run("get", "members", "-w", "--sort-by", "id")[:2] == (2, "")
    done = run("get", "members", "--sort-by", "nosuch")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: cannot sort Member by 'nosuch': none has such a field; the columns are ID, VERSION, HOSTNAME")


def test_columns_of_ones_own(run: Run, tmp_path: Path) -> None:
    columns = "NODE:node,NAME:.metadata.id,PORT:.spec.controlPlane.port"
    done = run("get", "members", "-o", f"custom-columns={columns}", "--sort-by", "id")
    assert [line.split() for line in done.out.splitlines()][::5] == [
        ["NODE", "NAME", "PORT"],
        ["172.20.0.2", "talos-default-worker-2", "<none>"],
    ]
    template = tmp_path / "columns.txt"
    template.write_text("NODE  NAME          PORT\nnode  .metadata.id  .spec.controlPlane.port\n")
    assert run("get", "members", "-o", f"custom-columns-file={template}", "--sort-by", "id").out == done.out
    both = run("get", "members,kubespanendpoints", "-o", f"custom-columns={columns}").out.splitlines()
    assert (len(both), both[0].split()) == (1 + 5 + 4, ["NODE", "NAME", "PORT"])


@pytest.mark.parametrize("output", ["custom-columns", "custom-columns=", "custom-columns=A", "custom-columns-file="])
def test_columns_that_make_no_sense(run: Run, output: str) -> None:
    done = run("get", "members", "-o", output)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_a_template_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    assert run("get", "members", "-o", f"custom-columns-file={tmp_path / 'none'}").err.endswith("none: No such file or directory\n")
    (tmp_path / "bad").write_bytes(b"\xff")
    assert run("get", "members", "-o", f"custom-columns-file={tmp_path / 'bad'}").err.endswith("bad: not UTF-8 text\n")


def test_types_are_followed_together(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "talos_resources", "get", "members,kubespanendpoints", "-w", *BOTH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(1 + 10 + 1 + 1 + 8)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert sorted(line.split()[:3] for line in lines if not line.startswith("172")) == [
        [],
        ["NODE", "*", "ID"],
        ["NODE", "*", "ID"],
    ]
