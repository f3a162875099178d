"""A bundle that `dump` writes: the layout of `talosctl support`, and everything that the source has of it."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.codec.text import resource_to_yaml
from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, ClusterIdentity, Member, ResourceDefinition
from talos_resources.resources.meta.definition import definition_of
from talos_resources.rpc.version import VersionInfo
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.bundle_extras import all_beside, summary
from talos_resources.sources.bundle_writing import zipped
from talos_resources.sources.evidence import evidence
from talos_resources.state.contract import State

MEMBERS = kind_of(Member).type.lower()
DEFINITIONS = "---\n".join(
    resource_to_yaml(Resource.new(definition_of(kind), id=kind.type.lower())) for kind in (kind_of(Member), kind_of(ResourceDefinition))
)
REST = {
    "dmesg.log": "[    0.000000] Linux version 6.18\n",
    "controller-runtime.log": "nothing\n",
    "mounts": "FILESYSTEM   SIZE(GB)\n/dev/vda4    10.00\n",
    "summary": summary(VersionInfo(tag="v1.13.9")),
}
DEEPER = {"kubernetes-logs/kube-system/a-exited.log": "…\n", "service-logs/apid.log": "", "service-logs/apid.state": "ID   apid\n"}


def bundle(path: Path, *nodes: str) -> dict[str, str]:
    """Writes a bundle in talosctl's order; what is in it."""
    files = {"kubernetesResources/nodes.yaml": "kind: List\nitems: []\n", "kubernetesResources/systemPods.yaml": "kind: List\n"}
    for node in nodes:
        files |= {f"{node}/{name}": text for name, text in REST.items()}
        member = resource_to_yaml(Resource.new(Member(hostname=node), id="one"))
        files |= {f"{node}/resources/{MEMBERS}.yaml": member}
        files |= {f"{node}/resources/resourcedefinitions.meta.cosi.dev.yaml": DEFINITIONS}
        files |= {f"{node}/{name}": text for name, text in DEEPER.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return files


def held(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_bundle_is_copied_whole(tmp_path: Path) -> None:
    source, copy, folder, again = (tmp_path / name for name in ("a.zip", "b.zip", "folder", "c.zip"))
    files = bundle(source, "10.0.0.1", "fd00::2", "worker-1.example.org")
    assert main(["dump", "--from", str(source), "--to", str(copy)]) == 0
    assert list(held(copy).items()) == list(files.items())
    assert main(["dump", "--from", str(copy), "--to", str(folder)]) == 0
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(files)
    assert main(["dump", "--from", str(folder), "--to", str(again)]) == 0
    assert held(again) == files


def test_parts_of_a_bundle_have_their_own_files(tmp_path: Path) -> None:
    source, one, some = (tmp_path / name for name in ("a.zip", "one.zip", "some.zip"))
    files = bundle(source, "10.0.0.1", "10.0.0.2")
    assert main(["dump", "--from", str(source), "-n", "10.0.0.2", "--to", str(one)]) == 0
    assert held(one) == {name: text for name, text in files.items() if not name.startswith("10.0.0.1/")}
    assert main(["dump", "--from", str(source), "-n", "10.0.0.2", "--to", str(some), "members"]) == 0
    folder = "10.0.0.2/resources"
    assert set(held(some)) == {"10.0.0.2/summary", f"{folder}/{MEMBERS}.yaml", f"{folder}/resourcedefinitions.meta.cosi.dev.yaml"}


def test_bundles_that_are_read_together_keep_their_files(tmp_path: Path) -> None:
    first, second, both = (tmp_path / name for name in ("a.zip", "b.zip", "both.zip"))
    files = bundle(first, "10.0.0.1") | bundle(second, "10.0.0.2")
    assert main(["dump", "--from", str(first), "--from", str(second), "--to", str(both)]) == 0
    assert held(both) == files
    with open_source(str(both)) as cluster:
        assert {view.version for view in evidence(cluster).views} == {"v1.13.9"}


class Answering(MemoryState):
    """A node that says what it runs."""

    def version_info(self) -> VersionInfo:
        return VersionInfo(tag="v1.14.1", sha="abc", built="today", go_version="go1.26.8", os="linux", arch="arm64")


def test_zip_headers_are_those_of_talosctl() -> None:
    """But for the mode: sizes and checksum behind the data, no time, no comment, no extra field."""
    data = zipped({"n": [Resource.new(Member(hostname="a"), id="a")]})
    assert (
        data[:30].hex()
        == "504b0304" + "1400" + "0800" + "0800" + "00" * 16 + f"{len('n/resources/members.cluster.talos.dev.yaml'):02x}00" + "0000"
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (member,) = archive.infolist()
        assert b"hostname: a" in archive.read(member)
    assert (member.create_version, member.extra, member.comment) == (20, b"", b"")
    assert member.external_attr >> 16 == 0o600


def test_a_summary_says_the_release_of_the_node() -> None:
    text = summary(VersionInfo(tag="v1.12.3"))
    assert text.splitlines()[6:] == [
        "Server:",
        "\tTag:         v1.12.3",
        *(f"\t{name}:{' ' * (12 - len(name))}" for name in ("SHA", "Built", "Go version")),
        "\tOS/Arch:     /",
    ]
    announcing = MemoryState()
    announcing.restore([Resource.new(ClusterIdentity(node_id="me"), id="local")])
    for node, system in (("me", "Talos (v1.13.2)"), ("other", "Talos (v1.9.0)")):
        announcing.restore([Resource.new(Affiliate(node_id=node, operating_system=system), id=node)])
    states: dict[str, State] = {"answers": Answering(), "announces": announcing, "silent": MemoryState()}
    beside = all_beside(Cluster({node: partial(states.__getitem__, node) for node in states}, source="x"), tuple(states))
    said = {
        node: "".join(read().decode() for read in files.values()).partition("Server:\n\tTag:")[2].split() for node, files in beside.items()
    }
    assert [said[node][:1] for node in ("", "answers", "announces", "silent")] == [[], ["v1.14.1"], ["v1.13.2"], []]
    assert " ".join(said["answers"]) == "v1.14.1 SHA: abc Built: today Go version: go1.26.8 OS/Arch: linux/arm64"


@pytest.mark.parametrize("command", [["mesh"], ["get", "kubespanpeerstatuses", "-o", "yaml"], ["get", "members"]])
def test_a_bundle_of_the_demo_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    target = str(tmp_path / "demo.zip")
    assert main(["dump", "--from", "demo", "--to", target]) == 0
    command += ["-n", "172.20.0.2,172.20.0.6"]
    assert main([*command, "--from", "demo"]) == 0
    expected = capsys.readouterr().out
    assert main([*command, "--from", target]) == 0
    assert capsys.readouterr().out == expected
    with open_source(target) as cluster:
        assert {view.version for view in evidence(cluster).views} == {"v1.14.0"}
