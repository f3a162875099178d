"""Bundles whose end is missing: what is whole counts, and what is not there is not known."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError
from talos_resources.sources import open_source
from talos_resources.sources.cut_archive import whole_members
from talos_resources.sources.evidence import evidence
from tests.sources.samples import MEMBER

FILES = {f"10.0.0.1/{name}": f"{name} ".encode() * size for name, size in (("dmesg.log", 9), ("ü", 1), ("empty", 0), ("io", 70_000))}


class Pipe(io.RawIOBase):
    """A place that cannot seek, for which sizes and checksums are written behind the data, as talosctl does."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def zipped(files: dict[str, bytes], *, seekable: bool = False, method: int = ZIP_DEFLATED, long: bool = False) -> bytes:
    out: io.BytesIO | Pipe = io.BytesIO() if seekable else Pipe()
    with ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            with archive.open(name, "w", force_zip64=long) as member:
                member.write(data)
    return out.data if isinstance(out, Pipe) else out.getvalue()


def found(data: bytes, *, largest: int = 1 << 20, largest_member: int = 1 << 20) -> dict[str, bytes]:
    return {name: read() for name, read in whole_members(data, largest=largest, largest_member=largest_member).items()}


@pytest.mark.parametrize(
    ("seekable", "method", "long"),
    [(False, ZIP_DEFLATED, False), (False, ZIP_DEFLATED, True), (True, ZIP_DEFLATED, False), (True, ZIP_STORED, False)],
)
def test_members_that_are_whole_are_found_wherever_it_is_cut(seekable: bool, method: int, long: bool) -> None:
    data = zipped(FILES, seekable=seekable, method=method, long=long)
    assert found(data) == FILES
    seen = 0
    for end in (*range(400), *range(400, len(data), 997), len(data) - 30):
        left = found(data[:end])
        assert left == dict(list(FILES.items())[: len(left)])
        assert len(left) >= seen
        seen = len(left)


def test_what_is_damaged_or_too_large_is_no_member() -> None:
    data = bytearray(zipped(FILES))
    assert list(found(bytes(data), largest=100_000)) == list(FILES)[:3]
    assert list(found(bytes(data), largest_member=100_000)) == list(FILES)[:3]
    data[data.index(b"dmesg.log") + 12] ^= 1
    assert found(bytes(data)) == {}
    assert found(b"PK\x03\x04nothing", largest=1) == {}


def test_a_bundle_that_is_cut_before_all_resources_is_said_to_be(tmp_path: Path) -> None:
    data = zipped({"n/dmesg.log": b"x", "n/resources/a.b.yaml": b"y"})
    (tmp_path / "cut.zip").write_bytes(data[: data.rindex(b"PK\x03\x04") + 9])
    with pytest.raises(ConfigError, match="cut.zip is cut short, and what is left of it holds no"):
        open_source(str(tmp_path / "cut.zip"))


@pytest.mark.parametrize("name", ["", ".", "172.20.0.2/"])
@pytest.mark.parametrize("end", [None, -30])
def test_names_that_are_no_files_are_passed_over(name: str, end: int | None, tmp_path: Path) -> None:
    data = zipped({name: b"", "n1/resources/members.cluster.talos.dev.yaml": MEMBER.format("n1").encode()})
    (tmp_path / "odd.zip").write_bytes(data[:end])
    with open_source(str(tmp_path / "odd.zip")) as cluster:
        assert list(cluster.nodes) == ["n1"]


@pytest.fixture
def cut(tmp_path: Path) -> str:
    """A bundle of two nodes that ends within the second one's files."""
    files = {f"10.0.0.{n}/resources/members.cluster.talos.dev.yaml": MEMBER.format(f"n{n}").encode() for n in (1, 2)}
    files["10.0.0.2/resources/nodenames.kubernetes.talos.dev.yaml"] = b"x" * 1000
    data = zipped(files)
    path = tmp_path / "cut.zip"
    path.write_bytes(data[: data.rindex(b"nodenames.kubernetes.talos.dev.yaml", 0, data.index(b"PK\x01\x02")) + 40])
    return str(path)


def test_a_cut_bundle_is_read_and_said_to_be_cut(cut: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "--from", cut, "-o", "name"]) == 0
    told = capsys.readouterr()
    assert told.out.count("members.cluster.talos.dev/") == 2
    assert told.err == "note: 10.0.0.1, 10.0.0.2: the archive is cut short; what stood behind its end is not known\n"


def test_what_a_cut_bundle_lacks_is_not_known(cut: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--from", cut]) == 0
    out = capsys.readouterr().out
    assert "KubeSpanConfigs.kubespan.talos.dev could not be read" in out
    assert "Members" not in out
    assert main(["get", "kubespanconfigs", "--from", cut]) == 0
    note = "what is left of the archive has no KubeSpanConfigs.kubespan.talos.dev; whether there are any is not known"
    assert note in capsys.readouterr().err
    assert main(["get", "members", "nosuch", "--from", cut]) == 1
    assert capsys.readouterr().err.count("note:") == 1


def test_of_other_cut_archives_only_what_is_nowhere_is_not_known(tmp_path: Path) -> None:
    """Their files may be called anything."""
    data = zipped({"n/all.yaml": MEMBER.format("n").encode(), "n/rest.yaml": b"x" * 1000})
    (tmp_path / "cut.zip").write_bytes(data[: data.index(b"PK\x01\x02") - 3])
    with open_source(str(tmp_path / "cut.zip")) as cluster:
        (view,) = evidence(cluster).views
    assert "Members.cluster.talos.dev" not in view.unreadable
    assert "KubeSpanConfigs.kubespan.talos.dev" in view.unreadable
