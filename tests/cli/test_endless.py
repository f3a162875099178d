"""Files without end, and archives that unpack to more than there is room for: one line, and soon."""

from __future__ import annotations

import re
import resource
import struct
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.sources import open_source

ZERO = "/dev/zero"
URL = "https://mycluster.local:6443"

COMMANDS = [
    "validate /dev/zero --mode metal",
    "machineconfig patch /dev/null -p @/dev/zero",
    "cilium check -",
    "config --talosconfig /dev/zero contexts",
]
"""One of each that reads files in its own way; the others take a second or two each."""

MORE = [
    "validate --config /dev/zero --mode metal --explain",
    "machineconfig patch /dev/zero -p {}",
    "machineconfig patch /dev/null -p /dev/zero",
    "machineconfig migrate /dev/zero",
    "machineconfig migrate -",
    "cilium check /dev/zero",
    "cilium inline /dev/zero",
    "cilium patch --method inline -",
    f"gen config c {URL} -o /dev/null/x --with-secrets /dev/zero",
    f"gen config c {URL} -o /dev/null/x --config-patch @/dev/zero",
    "gen secrets -o /dev/null --force --from-controlplane-config /dev/zero",
    "config --talosconfig /dev/zero info",
    "config --talosconfig none-such merge /dev/zero",
    "config --talosconfig none-such add a --ca /dev/zero",
    "get members --talosconfig /dev/zero -n 10.0.0.1",
    "get members --from demo -o custom-columns-file=/dev/zero",
    "get members --from etcd://127.0.0.1:1/x?ca=/dev/zero",
    "doctor --from demo --config /dev/zero",
]
LARGE = ["get members --from /dev/zero", "get members --from -", "doctor --from /dev/zero", "mesh --from -", "dump --from /dev/zero --to -"]


@pytest.mark.parametrize("command", [*COMMANDS, *(pytest.param(command, marks=pytest.mark.slow) for command in [*MORE, *LARGE])])
def test_what_has_no_end_is_not_read_to_it(command: str) -> None:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    with Path(ZERO).open("rb") as zeros:
        arguments = [sys.executable, "-m", "talos_resources", *command.split()]
        done = subprocess.run(arguments, stdin=zeros, capture_output=True, text=True, timeout=120, preexec_fn=bound, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    errors = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1
    name = "stdin" if command.endswith("-") and not command.endswith("--to -") else ZERO
    assert re.search(f"{name} is larger than [0-9]+ MB", errors[0])


def test_a_file_that_says_that_it_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)

    def read() -> int:
        """Bytes that this process has read."""
        return int(Path("/proc/self/io").read_text().split()[1])

    before = read()
    with pytest.raises(ConfigError, match="is larger than"):
        read_whole(file)
    with pytest.raises(ConfigError, match="is larger than"):
        open_source(str(file))
    assert read() - before < 10 << 20


def test_pipes_and_files_are_read_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(data)
    assert read_whole(tmp_path / "file") == data
    with subprocess.Popen(["cat", str(tmp_path / "file")], stdout=subprocess.PIPE) as pipe:
        assert pipe.stdout is not None
        assert read_whole(Path(f"/dev/fd/{pipe.stdout.fileno()}")) == data
    assert read_whole(Path("/dev/null")) == b""


def bomb(path: Path, *, size: int, members: int) -> Path:
    """An archive whose members say that they have a size, and share a few bytes."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"n{number}/resources/members.cluster.talos.dev.yaml", b"x" * 10)
    data = path.read_bytes()
    head = data.index(b"PK\1\2")
    central = bytearray(data[head:])
    position = 0
    while central[position : position + 4] == b"PK\1\2":
        central[position + 24 : position + 28] = struct.pack("<L", size)
        name, extra, comment = struct.unpack("<HHH", central[position + 28 : position + 34])
        position += 46 + name + extra + comment
    path.write_bytes(data[:head] + bytes(central))
    return path


def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    with (
        ZipFile(file, "w", ZIP_DEFLATED) as archive,
        archive.open("n/resources/members.cluster.talos.dev.yaml", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert file.stat().st_size < 1 << 20
    assert main(["get", "members", "--from", str(file)]) == 1
    with open_source(str(file)) as opened, pytest.raises(DecodeError, match="unpacks to more than 256 MiB"):
        opened.state("n").kind("members")


def test_members_that_lie_about_their_size_and_archives_of_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "--from", str(bomb(tmp_path / "lie.zip", size=1 << 20, members=1))]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["get", "members", "--from", str(bomb(tmp_path / "many.zip", size=200 << 20, members=50))]) == 1
    assert "unpacks to more than 4 GiB in all" in capsys.readouterr().err
