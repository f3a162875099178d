"""`edit`: the configuration that nodes have, in an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talos_resources.cli import changing, options
from talos_resources.cli.parser import Parser
from talos_resources.cli.patch import add_type, check_type
from talos_resources.model.errors import ConfigError, ConnectError, DecodeError

if TYPE_CHECKING:
    from talos_resources.sources.configuration import HowToApply, NodeConfiguration

HELP: Final = "Edit the configuration that nodes have"
DESCRIPTION: Final = """\
Edit the configuration that nodes have, one after the other, in $TALOS_EDITOR, $EDITOR, $KUBE_EDITOR or vi. What is
not valid, or what a node refuses, is opened again with the reason on top; an empty file gives up."""
EXAMPLES: Final = """\
machineconfig -n 10.0.0.1
mc -n 10.0.0.4,10.0.0.5 --mode try --timeout 2m
"""

EDITORS: Final = ("TALOS_EDITOR", "EDITOR", "KUBE_EDITOR")


def configure(parser: Parser) -> None:
    """Adds the type, and how to apply what is written."""
    add_type(parser)
    changing.add_changing(parser)


def run(args: Namespace) -> int:
    """Edits; returns the exit code."""
    check_type(args, "edit")
    how = changing.how_to_apply(args)
    with options.opened(args) as (cluster, selected):
        return changing.node_by_node(cluster, selected, lambda configuration: _edit(configuration, how))


def _edit(configuration: NodeConfiguration, how: HowToApply) -> None:
    """Lets the user edit until the node takes it, or nothing is left to say.

    Raises:
        ConfigError: given up; says why the last one was refused and where it is.
        TalosResourcesError: the node does not answer; says where the text is.
    """
    text = original = configuration.present
    refusal = ""
    with tempfile.TemporaryDirectory(prefix="talos-edit-") as folder:
        path = Path(folder) / f"{configuration.node.replace('/', '_')}.yaml"
        while True:
            edited = _edited(path, _heading(configuration.node, refusal), text)
            if not edited.strip():
                print(f"{configuration.node}: no change, the file is empty")
                return
            if edited == original:
                print(f"{configuration.node}: no change")
                return
            if refusal and edited == text:
                raise ConfigError(f"{refusal}; what you wrote is in {_saved(configuration.node, edited)}")
            text = edited
            try:
                changing.give_and_tell(configuration, text, how)
            except (ConfigError, DecodeError) as error:
                refusal = error.message
            except ConnectError as error:
                error.args = (f"{error.message}; what you wrote is in {_saved(configuration.node, text)}",)
                raise
            else:
                return


def _heading(node: str, refusal: str) -> list[str]:
    """The lines of comments on top: what this is, and why it is here again."""
    lines = [f"# Editing MachineConfigs.config.talos.dev/v1alpha1 at node {node}"]
    if refusal:
        lines += ["#", "# It was not taken:", *(f"# {part}" for part in refusal.splitlines()), "# Save an empty file to give up.", "#"]
    return lines


def _edited(path: Path, heading: list[str], text: str) -> str:
    """What the user makes of a text, without the heading.

    Raises:
        ConfigError: there is no such editor, or it failed.
    """
    from talos_resources.rpc.pki.private_file import write_private

    write_private(path, "".join(f"{line}\n" for line in [*heading, *text.splitlines()]).encode())
    name, command = _editor()
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's own editor
    except OSError as error:
        raise ConfigError(f"cannot start the editor {command[0]!r} ({name}): {error.strerror}; set $EDITOR") from None
    if code:
        raise ConfigError(f"the editor {command[0]!r} ended with {code}; nothing was sent")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    ours = set(heading)
    while lines and lines[0] in ours:
        del lines[0]
    return "".join(f"{line}\n" for line in lines)


def _editor() -> tuple[str, list[str]]:
    """Where the user's editor is named, and the command.

    Raises:
        ConfigError: its quotes do not close.
    """
    for name in EDITORS:
        value = os.environ.get(name, "").strip()
        if value:
            try:
                return f"${name}", shlex.split(value)
            except ValueError:
                raise ConfigError(f"the quotes in ${name} do not close: {value}") from None
    return "no $EDITOR is set", ["vi"]


def _saved(node: str, text: str) -> Path:
    """Where the text of a user is that could not be given to a node."""
    from talos_resources.sources.configuration import keep

    return keep(f"{node}-edited", text, None)
