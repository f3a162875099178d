"""Runs recorded cases of `talosctl get` against our command line.

`python -m tests.golden.talosctl DIR` prints each case that differs with its first difference, and at last
`N passed, M failed`. DIR holds `NAME.cases.json` with `{wire, script, cases}`: the name of a wire file that
every node holds, the name of a script of changes for the watch cases (or null), and cases
`{args, nodes, stdout, stderr, exit, watch}`. Files may be compressed with xz.

Compared: all of stdout; of stderr that there is one line where talosctl failed; whether the exit code is
zero. Three things that nothing can repeat are left out of the comparison: in watches the times at which the
script ran; where a JSONPath asks for all of a map, the order of the results of one resource, which Go picks
at random; and carriage returns, which a recording taken as text holds as line breaks.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import lzma
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main as cli
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.errors import ConnectError, PermissionDeniedError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.resource import Resource
from talos_resources.releases import Release
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.registry import SCHEMES
from talos_resources.state.contract import State
from tests.golden import command
from tests.golden.command import Verdict
from tests.golden.scripted import Change, ScriptedState, changes

_TIME: Final = re.compile(r'"?(created|updated)"?: "?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)')
_TABLE: Final = re.compile(r"\A(-o=?|--output=)table\Z")
_WHOLE_MAPS: Final = re.compile(r"\.\*|\.\.")


@attrs.frozen(kw_only=True)
class Recording:
    """One file of cases with what its nodes hold; `way` gives the arguments by which the nodes of a case are reached."""

    name: str
    release: Release
    cases: tuple[dict[str, Any], ...]
    resources: tuple[Resource[Any], ...]
    script: tuple[Change, ...]
    way: Callable[[Recording, dict[str, Any]], list[str]] = attrs.field(factory=lambda: in_process)


@attrs.frozen(kw_only=True)
class Result:
    """How our command line did in one case; `difference` is empty where it did as talosctl."""

    name: str
    difference: str
    meant: str = ""


@attrs.frozen(kw_only=True)
class Outcome:
    """What a run of our command line left."""

    stdout: str
    stderr: str
    exit: int


def recordings(folder: Path) -> Iterator[Recording]:
    """The recordings of a folder, by name."""
    release = command.release(folder)
    for file in sorted((*folder.glob("*.cases.json*"), *folder.glob("docs14nodes.json*"))):
        data = json.loads(_read(folder, file.name.removesuffix(".xz")))
        entries = json.loads(_read(folder, data["wire"]))
        script = json.loads(_read(folder, data["script"])) if data.get("script") else []
        yield Recording(
            name=file.name.partition(".")[0],
            release=release,
            cases=tuple(data["cases"]),
            resources=tuple(resource_from_wire(base64.b64decode(entry["wire"])) for entry in entries),
            script=tuple(changes(script)),
        )


def _read(folder: Path, name: str) -> bytes:
    plain = folder / name
    return plain.read_bytes() if plain.exists() else lzma.decompress((folder / f"{name}.xz").read_bytes())


def run_all(folder: Path) -> Iterator[Result]:
    """Runs every case of every recording of a folder.

    Raises:
        FileNotFoundError: a file is missing.
    """
    for recording in recordings(folder):
        for case in recording.cases:
            yield run(recording, case)


def run(recording: Recording, case: dict[str, Any]) -> Result:
    """Runs one case."""
    name = f"{recording.name}: talosctl -n {case['nodes']} {' '.join(case['args'])}"
    if meant := _meant(case):
        return Result(name=name, difference="not run", meant=meant)
    arguments = _ours(case["args"])
    name = f"{recording.name}: talosctl -n {case['nodes']} {' '.join(case['args'])}"
    try:
        difference = _difference(recording, case, _get(recording, arguments, case))
    except Exception as error:  # noqa: BLE001 - a crash is a difference, and the other cases count too
        difference = f"crashed: {error!r}"
    return Result(name=name, difference=difference)


def _meant(case: dict[str, Any]) -> str:
    """Why a case is not for us; see docs/differences.md."""
    if case["args"][0] == "version":
        return "`version` tells our own"
    if "-w" in case["args"] and not case.get("watch") and not case.get("deny"):
        return "the watch of a resource that is not there waits for it"
    nodes = case["nodes"].split(",")
    if len(set(nodes)) < len(nodes):
        return "a node that is named twice is shown once"
    return ""


def _ours(arguments: Sequence[str]) -> list[str]:
    """Our arguments for talosctl's: its table, also its default, is our `wide`."""
    ours = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        ours.append("wide" if word == "table" and before in {"-o", "--output"} else _TABLE.sub(r"\1wide", word))
    return ours if any(word.startswith(("-o", "--output")) for word in arguments) else [*ours, "-o", "wide"]


def _get(recording: Recording, arguments: list[str], case: dict[str, Any]) -> Outcome:
    way = recording.way(recording, case)
    return invoke([*arguments, "-n", case["nodes"], *way, "--compat", f"talosctl={recording.release.version}"])


def in_process(recording: Recording, case: dict[str, Any]) -> list[str]:
    """The nodes of a case as states of this process."""

    def opener(node: str) -> Callable[[], State]:
        def state() -> State:
            if node in case.get("down", ()):
                raise ConnectError(f"cannot reach {node}: connection refused")
            held = ScriptedState(recording.script) if case.get("watch") else Refusing(case.get("deny", ()))
            held.restore(recording.resources)
            return held

        return state

    _CLUSTERS["now"] = Cluster({node: opener(node) for node in case["nodes"].split(",")}, source=recording.name)
    return ["--from", "recording:now"]


class Refusing(MemoryState):
    """A state that refuses some types."""

    def __init__(self, types: Sequence[str]) -> None:
        super().__init__()
        self._refused = types

    def _check(self, kind: type[Any] | Kind[Any]) -> None:
        if kind_of(kind).type in self._refused:
            raise PermissionDeniedError("not authorized")

    def get(self, kind: Any, id: str | None = None, **options: Any) -> Any:
        self._check(kind)
        return super().get(kind, id, **options)

    def list(self, kind: Any, **options: Any) -> Any:
        self._check(kind)
        return super().list(kind, **options)

    def watch_kind(self, kind: Any, **options: Any) -> Any:
        self._check(kind)
        return super().watch_kind(kind, **options)


_CLUSTERS: Final[dict[str, Cluster]] = {}


def open_recording(name: str) -> Cluster:
    """Opens `recording:NAME` for the command line."""
    return _CLUSTERS.pop(name)


SCHEMES["recording"] = f"{__name__}:{open_recording.__name__}"


def invoke(arguments: list[str]) -> Outcome:
    """Runs our command line in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli(arguments)
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Outcome(stdout=stdout, stderr=stderr, exit=code)


def _difference(recording: Recording, case: dict[str, Any], outcome: Outcome) -> str:
    if case.get("down"):
        return _difference_without_nodes(recording, case, outcome)
    ours = outcome.stdout if "\r" in case["stdout"] else outcome.stdout.replace("\r\n", "\n").replace("\r", "\n")
    theirs = case["stdout"]
    if case.get("watch"):
        ours, theirs = (_TIME.sub(partial(_masked, recording), text) for text in (ours, theirs))
    if _WHOLE_MAPS.search(" ".join(word for word in case["args"] if "jsonpath=" in word)):
        ours, theirs = (_in_any_order(recording, case, text) for text in (ours, theirs))
    if ours != theirs:
        return _first_difference(theirs.split("\n"), ours.split("\n"))
    if case.get("watch"):  # ended by a signal
        return ""
    if (case["exit"] != 0) != (outcome.exit != 0):
        return f"exit code {outcome.exit}, talosctl's is {case['exit']}; stderr: {outcome.stderr.strip()}"
    if case["exit"] and not re.fullmatch(r"(error: .+\n)+", outcome.stderr):
        return f"not one line on stderr: {outcome.stderr!r}"
    return ""


def _difference_without_nodes(recording: Recording, case: dict[str, Any], outcome: Outcome) -> str:
    """talosctl prints nothing then; ours prints the nodes that can be reached, and names the others."""
    down = case["down"]
    nodes = case["nodes"].split(",")
    reached = [node for node in nodes if node not in down]
    if outcome.exit == 0 or not all(node in outcome.stderr for node in down):
        return f"exit code {outcome.exit}; stderr: {outcome.stderr.strip()}"
    if not reached:
        return f"stdout: {outcome.stdout!r}" if outcome.stdout else ""
    alone = _get(recording, _ours(case["args"]), {**case, "nodes": ",".join(reached), "down": []})
    return "" if outcome.stdout == alone.stdout else f"stdout: {outcome.stdout!r}"


def _masked(recording: Recording, match: re.Match[str]) -> str:
    """Hides every `updated`, and a `created` that no resource had before the script."""
    if match[1] == "created" and any(match[2] == resource.metadata.created.rfc3339(whole_seconds=True) for resource in recording.resources):
        return match[0]
    return f"{match[1]}: TIME"


def _in_any_order(recording: Recording, case: dict[str, Any], text: str) -> str:
    """The results of a JSONPath, those of each resource sorted."""
    results = list(_results(text))
    arguments = [word for word in case["args"] if word not in {"-o", "--output"} and "jsonpath=" not in word]
    names = _get(recording, [*arguments, "-o", "name"], case).stdout.splitlines()
    each, rest = divmod(len(results), len(names) or 1)
    if rest:  # not as many for each resource: only all of them can be compared
        each = len(results)
    return "\n".join(result for start in range(0, len(results), each or 1) for result in sorted(results[start : start + each]))


def _results(text: str) -> Iterator[str]:
    """The results of a JSONPath in talosctl's output: lines, and JSON of several lines."""
    compound: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        if compound or line in ("{", "["):
            compound.append(line)
            if line in ("}", "]"):
                yield "\n".join(compound)
                compound = []
        else:
            yield line
    yield from compound


def _first_difference(theirs: list[str], ours: list[str]) -> str:
    for number, (their, our) in enumerate(zip(theirs, ours, strict=False), 1):
        if their != our:
            return f"line {number}\n  talosctl: {their[:300]!r}\n  ours:     {our[:300]!r}"
    longer, lines = ("talosctl", theirs) if len(theirs) > len(ours) else ("ours", ours)
    shorter = min(len(theirs), len(ours))
    return f"{longer} goes on at line {shorter + 1}: {lines[shorter][:300]!r}"


def main(arguments: Sequence[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return command.run(
        "talosctl", arguments, lambda folder: (Verdict(result.name, result.difference, result.meant) for result in run_all(folder))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
