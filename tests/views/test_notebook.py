"""What notebooks show: told to IPython by name, so that values know nothing of it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from talos_resources import KubeSpanPeerStatus, MemoryState, Resource, open_source
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.lazy_resource import unread
from talos_resources.views.findings import findings_html
from talos_resources.views.html import resource_html, table_html
from talos_resources.views.mesh_svg import mesh_svg
from talos_resources.views.notebook import SHOWN, register
from tests.views.notebook import shown

STATUS = Resource.new(KubeSpanPeerStatus(label="worker-1"), id="abc=")


@pytest.mark.parametrize(("module", "name"), SHOWN)
def test_every_class_is_where_ipython_looks_for_it(module: str, name: str) -> None:
    cls = getattr(importlib.import_module(module), name)
    assert (cls.__module__, cls.__name__) == (module, name)


def test_resources_lists_and_findings() -> None:
    state = MemoryState()
    state.create(STATUS)
    found = Finding(severity=Severity.ERROR, rule="r", title="it is down")
    assert shown(STATUS) == resource_html(STATUS)
    assert shown(state.list(KubeSpanPeerStatus)) == table_html(state.list(KubeSpanPeerStatus))
    assert shown(found) == findings_html([found])
    assert shown(object()) == ""


def test_a_resource_that_nobody_has_looked_at_yet() -> None:
    lazy = unread(lambda _: STATUS.spec)(STATUS.metadata, b"x")
    assert shown(lazy) == resource_html(STATUS)


def test_a_cluster_its_mesh_and_its_diagnosis() -> None:
    with open_source("demo") as cluster:
        peers, mesh, diagnosis = cluster.list(KubeSpanPeerStatus), cluster.mesh(), cluster.doctor()
        assert shown(peers) == table_html(peers, nodes=peers.nodes)
        assert shown(mesh) == mesh_svg(mesh)
        assert "5 nodes" in shown(diagnosis)


def test_without_a_running_ipython_nothing_happens() -> None:
    register()


SESSION = """
import sys
{before}
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell({cell!r})
made = shell.display_formatter.format(shell.user_ns["peer"])[0]
assert made["text/html"].startswith('<table class="talos-resource">'), made
"""
CELL = "from talos_resources import KubeSpanPeerStatus, Resource\npeer = Resource.new(KubeSpanPeerStatus(label='w'), id='abc=')\n"


@pytest.mark.parametrize(
    ("before", "cell"),
    [("", CELL), ("import talos_resources", f"%load_ext talos_resources\n{CELL}")],
    ids=["IPython first", "IPython afterwards"],
)
def test_a_session_of_ipython(before: str, cell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SESSION.format(before=before, cell=cell)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_no_ipython() -> None:
    code = "import sys, talos_resources; assert 'IPython' not in sys.modules; assert 'talos_resources.views' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
