"""Every example of the README and of docs/ runs and shows what it says.

- ```python blocks of a page run one after the other in one namespace; a line that is an expression and is
  followed by `# → text` lines shows that text.
- ```console blocks: a line after `$ ` runs in a shell, in one folder per page; the lines up to the next `$ ` are
  what it prints on stdout. `...` alone on a line stands for any lines. Of stderr nothing is compared.
  They end with 0, or with the codes of `<!-- exits N … -->` on the line before the block, one for each.
- `<!-- before: COMMAND -->` says what has to be run before it, out of the reader's sight.
- A block is left out by `<!-- not run: why -->` on the line before it; the reason is required.
- After `<!-- runs until it is ready -->` a block has one command, which is stopped by SIGTERM when it has printed what it should.
- A block after `<!-- runs with an etcd -->` runs where there is one: tests/backends/etcd.
- After `<!-- runs with a node -->` a block finds a talosconfig, and whatever nodes it names are the demo's first one,
  with the configuration of a control plane, behind a real server; `<!-- runs with a node until it is ready -->` is both.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from talos_resources import open_source
from talos_resources.insight.causes import causes
from talos_resources.machineconfig.configured_node import store
from talos_resources.model.finding import Finding, Severity
from talos_resources.testing.node import TalosNode
from tests.machineconfig.made import made

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(
    r"(?P<skip>^<!-- not run: (?P<why>[^\n]+) -->\n)?(?P<runs>^<!-- runs (?:with a node|until it is ready|with a node until it is ready|with an etcd) -->\n)?(?P<before>^<!-- before: [^\n]+ -->\n)?(?P<exits>^<!-- exits [\d ]+ -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    language: str
    text: str
    line: int
    skipped: bool
    runs: str = ""
    exits: tuple[int, ...] = ()
    before: str = ""


def blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        indent = len(match["indent"])
        lines = [part[indent:] for part in match["text"].split("\n")]
        exits = tuple(map(int, re.findall(r"\d+", match["exits"] or "")))
        before = (match["before"] or "").strip().removeprefix("<!-- before: ").removesuffix(" -->")
        yield Block(match["language"], "\n".join(lines), line, match["skip"] is not None, match["runs"] or "", exits, before)


def run_python(block: Block, page: Path, names: dict[str, object]) -> None:
    """Runs the statements; after an expression, `# → ` lines are what its value prints."""
    lines = block.text.split("\n")
    tree = ast.parse(block.text)
    for statement in tree.body:
        expected = []
        for line in lines[statement.end_lineno or 0 :]:
            if not line.startswith("# →"):
                break
            expected.append(line.removeprefix("# →").removeprefix(" "))
        shown = io.StringIO()
        source = ast.Module([statement], [])
        where = f"{page.name}:{block.line}"
        with contextlib.redirect_stdout(shown):
            if isinstance(statement, ast.Expr) and expected:
                value = eval(compile(ast.Expression(statement.value), where, "eval"), names)
                shown.write("" if value is None else str(value))
            else:
                exec(compile(source, where, "exec"), names)
        if expected:
            assert shown.getvalue().rstrip("\n").split("\n") == expected, f"{where}, line {statement.lineno} of the block"


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with what it should print."""
    command: str | None = None
    output: list[str] = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            if command is not None:
                yield command, "\n".join(output)
            command, output = line.removeprefix("$ "), []
        elif command is not None and command.endswith("\\"):
            command = f"{command}\n{line.removeprefix('> ')}"
        else:
            output.append(line)
    if command is not None:
        yield command, "\n".join(output)


def matches(expected: str, actual: str) -> bool:
    parts = re.split(r"^\.\.\.$\n?", expected.rstrip("\n") + "\n", flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)*?".join(re.escape(part) for part in parts), actual.rstrip("\n") + "\n") is not None


def run_console(block: Block, page: Path, folder: Path, environment: dict[str, str]) -> None:
    if block.before:
        subprocess.run(["bash", "-c", block.before], cwd=folder, env=environment, check=True, capture_output=True, timeout=120)
    every = list(commands(block.text))
    for (command, expected), code in zip(every, block.exits or [0] * len(every), strict=True):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        where = f"{page.name}:{block.line}: $ {command}\n{done.stderr}"
        assert done.returncode == code, where
        if expected.strip():
            assert matches(expected, done.stdout), f"{where}\nprints\n{done.stdout}instead of\n{expected}"


def run_until_ready(block: Block, folder: Path, environment: dict[str, str]) -> None:
    [(command, expected)] = commands(block.text)
    with subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in expected.splitlines()]
        process.terminate()
        assert process.wait(120) == 0
    assert "".join(printed).rstrip("\n") == expected


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No configuration of this machine, and `python` and `talos-resources` are those that run the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TALOS", "PYTHON"))}
    binaries = str(Path(sys.executable).parent)
    return kept | {"HOME": str(tmp_path), "PATH": f"{binaries}:{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "200"}


@contextlib.contextmanager
def node(home: Path) -> Iterator[None]:
    """A node of the demo, and `~/.talos/config` for it."""
    config = home / ".talos" / "config"
    assert not config.exists()
    with open_source("demo") as demo, TalosNode(home / "node", state=demo.state(demo.nodes[0])) as served:
        store(served.state, made(kubespan=True))
        config.parent.mkdir(exist_ok=True)
        config.write_text(Path(served.talosconfig).read_text(encoding="utf-8"), encoding="utf-8")
        try:
            yield
        finally:
            config.unlink()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key in ("TALOSCONFIG", "HOME"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.skipped or "etcd" in block.runs:
            continue
        with node(tmp_path) if "with a node" in block.runs else contextlib.nullcontext():
            if block.language == "python":
                run_python(block, page, names)
            elif "until" in block.runs:
                run_until_ready(block, tmp_path, environment)
            elif block.language == "console":
                run_console(block, page, tmp_path, environment)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_mark_of_the_tests_is_to_be_seen(page: Path) -> None:
    assert not re.search(r"# (?:exit|type:|noqa)\b", re.sub(r"<!--.*?-->", "", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_what_differs_is_found(tmp_path: Path, environment: dict[str, str]) -> None:
    block = Block("console", "$ printf 'a\\nb\\nc\\n'\na\n...\nc\n$ false\n", 1, skipped=False, exits=(0, 1))
    run_console(block, Path("page.md"), tmp_path, environment)
    with pytest.raises(AssertionError, match="instead of"):
        run_console(block._replace(text="$ echo a\nb\n", exits=()), Path("page.md"), tmp_path, environment)
    with pytest.raises(AssertionError):
        run_python(Block("python", "1 + 1\n# → 3\n", 1, skipped=False), Path("page.md"), {})


def test_every_finding_has_its_section() -> None:
    """What the code calls a rule is a heading of the page, and the page is that which the rules make."""
    made = runpy.run_path(str(ROOT / "docs" / "findings.py"))["page"]()
    assert (ROOT / "docs" / "findings.md").read_text(encoding="utf-8") == made, "run python docs/findings.py"
    sections = re.findall(r"^### (.*)$", made, re.MULTILINE)
    named = {rule for path in (ROOT / "talos_resources").rglob("*.py") for rule in re.findall(r'\brule="([^"]+)"', path.read_text())}
    assert len(sections) == len(set(sections))
    assert named | {cause.name for cause in causes()} == set(sections)
    assert Finding(severity=Severity.NOTE, rule="twice", title="x").page == "docs/findings.md#twice"


def test_pictures_are_current() -> None:
    """By what they show: the drawing around it is rich's and may change with it."""
    drawn = "import json, runpy, sys; json.dump(runpy.run_path(sys.argv[1])['pictures'](), sys.stdout)"
    # In a process of its own: types that other tests have loaded would be shown, too.
    command = [sys.executable, "-c", drawn, str(ROOT / "docs" / "images" / "make.py")]
    pictures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)

    def shown(svg: str) -> list[str]:
        return re.findall(r"<text[^>]*>([^<]*)</text>", svg)

    assert pictures
    for name, svg in pictures.items():
        assert shown((ROOT / "docs" / "images" / name).read_text(encoding="utf-8")) == shown(svg), (
            f"run python docs/images/make.py ({name})"
        )
