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

TRAFFIC: Final = """\
%% text
# Traffic over a day

A recording knows when each counter changed. `series` makes regular samples of it, polars does the rest.
Here a day is made up: three peers with the rhythm of an office, a recorder that was away from noon to one,
and a peer that was restarted at six in the evening. With `open_source("sqlite:mesh.db")` it is your own.
%% code
import math
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from talos_resources import KubeSpanPeerStatus, PeerState, Resource, SqliteState, Timestamp
from talos_resources.backends.sqlite.periods import Period

folder = tempfile.TemporaryDirectory()
file = SqliteState(Path(folder.name) / "mesh.db")
recording = file.of_node("cp-1")
midnight = Timestamp.from_datetime(datetime(2026, 11, 26, tzinfo=UTC))


def at(hour):
    return Timestamp(midnight + int(hour * 3600e9))


recording.keep_period(Period(at(0), at(12)))
recording.keep_period(Period(at(13), at(24)))
received = {"worker-1": 0, "worker-2": 0, "worker-3": 0}
with recording.batch():
    for step in range(24 * 12):  # every five minutes
        hour = step / 12
        for number, name in enumerate(received):
            if name == "worker-2" and hour == 18:
                received[name] = 0
            received[name] += int(3e8 * (0.1 + max(0, math.sin((hour - 6 - number) * math.pi / 12))))
            if not 12 < hour < 13:
                status = KubeSpanPeerStatus(label=name, state=PeerState.UP, receive_bytes=received[name])
                recording.put(Resource.new(status, id=f"key-of-{name}="), at=at(hour))
%% text
A sample is what held at that moment; where nobody recorded there is none.
%% code
counters = recording.series(KubeSpanPeerStatus, "receive_bytes", every="30m")
counters
%% code
counters["worker-1"][22:28]
%% text
With `rate=True` the samples are differences, in bytes a second. The restart makes no spike: where a counter
began anew, the rate is not known.
%% code
import polars as pl

rates = recording.series(KubeSpanPeerStatus, "receive_bytes", every="30m", rate=True)
frame = rates.to_polars().with_columns(mbit=pl.col("receive_bytes_per_s") * 8 / 1e6)
frame.filter(pl.col("mbit").is_null()).group_by("label").agg(pl.col("at").dt.strftime("%H:%M")).sort("label").rows()
%% text
The busiest hour of each peer, and the day as a whole:
%% code
busy = (
    frame.group_by("label", pl.col("at").dt.hour().alias("hour"))
    .agg(pl.col("mbit").mean().round(1))
    .sort("mbit", descending=True, nulls_last=True)
    .group_by("label", maintain_order=True)
    .first()
    .sort("label")
)
busy.rows()
%% code
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
for (label,), part in frame.sort("at").group_by("label", maintain_order=True):
    axes.plot(part["at"].to_list(), part["mbit"].to_list(), label=label)
axes.set_ylabel("Mbit/s received")
axes.xaxis.set_major_formatter(plt.matplotlib.dates.DateFormatter("%H:%M"))
axes.legend(frameon=False)
plt.show()
%% code
file.close()
folder.cleanup()
"""

CONTROLLER: Final = """\
%% text
# A controller

A controller says what it reads and what it writes, and what to do when something changed; the runtime calls it.
This one keeps a resource of our own up to date: how many of a node's peers are up.
%% code
import attrs

from talos_resources import Column
from talos_resources.model.kind import kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(
    type="MeshHealths.example.dev",
    namespace="kubespan",
    columns=[Column("Up", "{.up}"), Column("Down", "{.down}"), Column("Worst", "{.worst}")],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class MeshHealth:
    up: int = wire(1, default=0, doc="How many peers are up.")
    down: int = wire(2, default=0, doc="How many are not.")
    worst: str = wire(3, default="", doc="The one with the oldest handshake.")
    unknown: Unknown | None = unknown_field()  # what a newer program may have written beside
%% text
What to do is one function of what there is now. It is called again after each change, and once at the start.
%% code
from talos_resources import KubeSpanPeerStatus, PeerState
from talos_resources.runtime.controller import Controller, Input, Output


class HealthController(Controller):
    name = "example.HealthController"
    inputs = (Input(kind=KubeSpanPeerStatus),)
    outputs = (Output(kind=MeshHealth),)

    def reconcile(self, context):
        peers = [peer.spec for peer in context.list(KubeSpanPeerStatus)]
        up = sum(peer.state is PeerState.UP for peer in peers)
        worst = min(peers, key=lambda peer: peer.last_handshake_time, default=None)
        context.replace(MeshHealth, {"mesh": MeshHealth(up=up, down=len(peers) - up, worst=worst.label if worst else "")})
%% text
It runs on any state that can be written. In virtual time nothing waits: `settle` returns when there is nothing left to do.
%% code
from talos_resources import MemoryState, Timestamp, open_source
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import VirtualTime

clock = VirtualTime(Timestamp.parse("2026-01-01T00:00:00Z"))
state = MemoryState(clock=clock.now)
with open_source("demo") as demo:
    state.restore(demo.list(KubeSpanPeerStatus, "172.20.0.2"))
runtime = Runtime(state, [HealthController()], clock)
runtime.start()
clock.settle()
state.list(MeshHealth)
%% text
A peer goes down, and the controller has seen it:
%% code
peer = state.get(KubeSpanPeerStatus, label="talos-default-worker-1")
state.update(peer.with_spec(state=PeerState.DOWN))
clock.settle()
state.get(MeshHealth, "mesh")
%% text
Nobody else may write what it owns:
%% code
from talos_resources import OwnerConflictError

try:
    state.update(state.get(MeshHealth, "mesh").with_spec(up=99), owner="me")
except OwnerConflictError as error:
    print(error)
%% code
runtime.stop()
"""

NOTEBOOKS: Final = {
    "exploring-a-mesh.ipynb": EXPLORING,
    "comparing-two-moments.ipynb": COMPARING,
    "traffic-over-a-day.ipynb": TRAFFIC,
    "writing-a-controller.ipynb": CONTROLLER,
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
