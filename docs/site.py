"""What the site has beside the pages in this folder: made when it is built, from the code, so that it cannot go stale.

A hook of MkDocs; see mkdocs.yml.
"""  # noqa: INP001 - a script of MkDocs, no package

from __future__ import annotations

import argparse
import ast
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import talos_resources
from talos_resources.cli.registry import listing, parser_of

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT: Final = Path(__file__).resolve().parents[1]
PROG: Final = "talos-resources"
COLUMNS: Final = 80
"""So wide is the help in the reference, whatever the terminal of whoever builds it: a page shows no more of a line."""
LAYERS_MARK: Final = "<!-- layers -->"

_ELSEWHERE: Final = r"((?:https?:)?//[^\s\"'>)]+)"
_FETCHES: Final = (
    re.compile(rf"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?{_ELSEWHERE}", re.IGNORECASE),
    re.compile(rf"<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|icon|preload|preconnect))[^>]*?\bhref=[\"']?{_ELSEWHERE}", re.IGNORECASE),
    re.compile(rf"(?:\burl\(|@import\s)\s*[\"']?{_ELSEWHERE}", re.IGNORECASE),
)

TITLES: Final = {
    "connecting": ("Opening and connecting", ("rpc.client.connect", "rpc.client.aconnect", "rpc.apply", "sources", "model.version")),
    "resources": ("Resources", ("model.resource", "model.metadata", "model.spec", "resources")),
    "states": ("States", ("state.contract", "backends", "state.aio", "state.listing")),
    "operations": ("Operations", ("state.derived", "state.waiting", "state.events")),
    "insight": ("The mesh", ("insight", "model.finding")),
    "queries": ("Kinds and queries", ("model.kind", "model.labels", "model.selector")),
    "values": ("Values", ("model.net", "model.timestamp", "codec.records")),
    "errors": ("Errors", ("model.errors",)),
}
"""The parts of the library reference: title, and the modules whose public names it has."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from the code."""
    from mkdocs.structure.files import File

    pages = {f"notebooks/{path.stem}.md": notebook(path) for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))}
    for path, text in (("reference/commands.md", commands()), ("reference/library.md", library()), *pages.items()):
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_others: object) -> str:
    """Puts the picture of the layers where the page asks for it."""
    return markdown.replace(LAYERS_MARK, layers()) if LAYERS_MARK in markdown else markdown


def on_post_build(config: MkDocsConfig) -> None:
    """Refuses a site that would fetch anything from elsewhere."""
    from mkdocs.exceptions import PluginError

    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in {".html", ".css", ".svg"} and (found := fetched(path.read_text(encoding="utf-8"))):
            raise PluginError(f"{path.relative_to(config.site_dir)} would be shown with {', '.join(found)}; put a copy into docs/")


def fetched(text: str) -> list[str]:
    """The addresses elsewhere that showing a page, a style or a picture would ask for: not those it only links to."""
    return [url for pattern in _FETCHES for url in pattern.findall(text)]


def notebook(path: Path) -> str:
    """A notebook with its outputs as a page."""
    parts: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [_output(output) for output in cell.get("outputs", ())]
    return "\n\n".join(parts) + "\n"


def _output(output: Mapping[str, Any]) -> str:
    """What a cell shows: the richest form that it has."""
    data = output.get("data", {})
    if "text/html" in data:
        # Markdown takes what follows an empty line for its own.
        lines = "".join(data["text/html"]).split("\n")
        return f'<div class="notebook-output">\n{chr(10).join(line for line in lines if line.strip())}\n</div>'
    if "image/png" in data:
        encoded = "".join(data["image/png"]).replace("\n", "")
        return f'<img alt="{html.escape("".join(data.get("text/plain", "")))}" src="data:image/png;base64,{encoded}">'
    text = "".join(output.get("text") or data.get("text/plain", ""))
    return f"```text\n{text.rstrip()}\n```"


def commands() -> str:
    """Every command with its help."""
    os.environ["COLUMNS"] = str(COLUMNS)  # which is what parsers go by
    parts = ["# Commands\n\nMade from the program's own help; `COMMAND --help` prints the same.\n"]
    for names, _ in listing():
        title = ", ".join(f"`{name}`" for name in names)
        parts.append(f"## {title} {{ #{names[0]} }}\n")
        parts += _helps(parser_of(names[0], prog=PROG), level=3)
    return "\n".join(parts)


def _helps(parser: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    yield f"```text\n{parser.format_help().rstrip()}\n```\n"
    seen: set[int] = set()
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, inner in action.choices.items():
                if id(inner) not in seen:
                    seen.add(id(inner))
                    yield f"{'#' * level} `{parser.prog.removeprefix(PROG).strip()} {name}`\n"
                    yield from _helps(inner, level=level + 1)


def library() -> str:
    """Every public name with its docstring, by `mkdocstrings`."""
    homes = talos_resources._HOMES  # noqa: SLF001 - the table of public names
    parts = ["# Library\n\nEverything that `talos_resources` exports; the rest may change.\n"]
    left = dict(homes)
    for title, modules in TITLES.values():
        names = [name for name, home in homes.items() if any(_within(home, f"talos_resources.{module}") for module in modules)]
        parts.append(f"## {title}\n")
        options = "    options:\n      heading_level: 3\n      show_root_full_path: false\n"
        parts += [f"::: {left.pop(name)}.{name}\n{options}" for name in names]
    if left:
        raise SystemExit(f"docs/site.py: no part of the library reference has {', '.join(left)}")
    return "\n".join(parts)


def _within(home: str, module: str) -> bool:
    return home == module or home.startswith(f"{module}.")


def layers() -> str:
    """The layers as a table, from the test that keeps them."""
    tree = ast.parse((ROOT / "tests" / "test_layers.py").read_text())
    table = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "LAYERS"
    )
    rows = ["| layer | packages |", "|---|---|"]
    for number in sorted(set(table.values()), reverse=True):
        packages = [f"`{name}`" for name, layer in table.items() if layer == number and not name.startswith("__")]
        rows.append(f"| {number} | {', '.join(packages)} |")
    return "\n".join(rows)
