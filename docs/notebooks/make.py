# ruff: noqa: INP001 - a script, not a package
"""Makes the notebooks: their cells stand here, their outputs come from running them.

Run `python docs/notebooks/make.py`; a test says when a stored output is not current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FOLDER: Final = Path(__file__).parent

EXPLORING: Final = """\
%% text
# Exploring a mesh

The demo is the cluster of the Talos KubeSpan guide: three control planes and two workers.
With `connect_cluster()` instead of `open_source("demo")` the same cells show yours.
%% code
from talos_resources import KubeSpanPeerStatus, open_source

cluster = open_source("demo")
cluster.nodes
%% text
A list of resources shows as a table; `cluster.list()` asks all nodes, or those that are named.
%% code
peers = cluster.list(KubeSpanPeerStatus, "172.20.0.2")
peers
%% text
One resource shows all that it has; secrets are hidden.
%% code
peers[0]
%% text
`mesh()` joins what all nodes see.
%% code
mesh = cluster.mesh()
mesh
%% text
`records()` gives plain dictionaries, one for each direction of a link, `to_polars()` and `to_pandas()` data frames.
%% code
links = mesh.to_polars()
links.group_by("observer").len().sort("observer").rows()
%% text
Is anything wrong with it?
%% code
cluster.doctor()
%% text
As a graph, for everything that networkx can do:
%% code
import networkx as nx

graph = mesh.to_networkx()
nx.is_strongly_connected(graph), nx.density(graph)
%% text
Who sends the most?
%% code
import polars as pl

sent = cluster.list(KubeSpanPeerStatus).to_polars().group_by("node").agg(pl.col("transmit_bytes").sum())
sent.sort("transmit_bytes", descending=True).rows()
"""

COMPARING: Final = """\
%% text
# Comparing two moments

`record --to sqlite:FILE` keeps what nodes are like. Here a simulated cluster stands in for a real one:
a firewall comes up between two of its nodes, and an hour is over in a second.
%% code
import tempfile
from pathlib import Path

from talos_resources import KubeSpanPeerStatus, SqliteState
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import NodeSettings
from ipaddress import ip_address

cluster = SimulatedCluster(seed=7)
for number, name in enumerate(("cp-1", "cp-2", "worker-1")):
    cluster.add(NodeSettings(name=name, control_plane=name.startswith("cp")), address=ip_address(f"198.51.100.{number + 10}"))
cluster.start()
cluster.run_until(60)
%% text
What the recorder does with live nodes, we do by hand: every minute we keep what each node holds.
%% code
folder = tempfile.TemporaryDirectory()
recording = SqliteState(Path(folder.name) / "mesh.db")


def keep(until):
    for second in range(int(cluster.elapsed_s) // 60 * 60 + 60, until + 1, 60):
        cluster.run_until(second)
        with recording.batch():
            for name, node in cluster.nodes.items():
                for peer in node.state.list(KubeSpanPeerStatus):
                    recording.of_node(name).put(peer, at=cluster.clock.now())


keep(600)
before = cluster.clock.now()
cluster.network.block([("cp-1", "worker-1"), ("worker-1", "cp-1")])
keep(1800)
after = cluster.clock.now()
%% text
The mesh of both moments, from the recording:
%% code
from talos_resources import open_source

recorded = open_source(f"sqlite:{folder.name}/mesh.db")
recorded.at(before).mesh()
%% code
recorded.at(after).mesh()
%% text
What changed, without the counters that always do:
%% code
changed = recorded.diff(before, after)
print(changed.summary.text(nodes=len(changed.nodes)))
for row in changed.records():
    if row["field"] == "state":
        print(f"{row['node']} sees {row['label']}: {row['old']} → {row['new']}")
%% text
And since when?
%% code
node = recording.of_node("cp-1")
for version in node.history(KubeSpanPeerStatus, label="worker-1", since=before):
    if version.old is not None and version.old.spec.state is not version.resource.spec.state:
        print(f"{(version.at - before) / 60e9:.0f} min later: {version.old.spec.state} → {version.resource.spec.state}")
%% code
recorded.close()
recording.close()
folder.cleanup()
"""

NOTEBOOKS: Final = {
    "exploring-a-mesh.ipynb": EXPLORING,
    "comparing-two-moments.ipynb": COMPARING,
    "traffic-over-a-day.ipynb": (FOLDER / "traffic-over-a-day.txt").read_text(encoding="utf-8"),
    "writing-a-controller.ipynb": (FOLDER / "writing-a-controller.txt").read_text(encoding="utf-8"),
}
"""File → its cells, each after a line that says what it is."""


def cells(text: str) -> Iterator[nbformat.NotebookNode]:
    """The cells of a notebook, without outputs."""
    for number, part in enumerate(text.split("%% ")[1:]):
        kind, _, source = part.partition("\n")
        make = new_code_cell if kind == "code" else new_markdown_cell
        yield make(source.strip(), id=f"cell-{number}")


def made(text: str) -> nbformat.NotebookNode:
    """The notebook with the outputs of running it now."""
    notebook = new_notebook(
        cells=list(cells(text)),
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    NotebookClient(notebook, timeout=120, kernel_name="python3", record_timing=False).execute(cwd=str(FOLDER))
    notebook.metadata.pop("language_info", None)  # it names the patch version of Python
    for cell in notebook.cells:  # what matplotlib says once on each machine
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if "font cache" not in output.get("text", "")]
    return notebook


def main() -> None:
    """Writes them all, or those that are named."""
    for name in sys.argv[1:] or NOTEBOOKS:
        nbformat.write(made(NOTEBOOKS[name]), FOLDER / name)


if __name__ == "__main__":
    main()
