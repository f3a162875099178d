"""`completion`: what makes a shell complete commands, flags and their values."""

from __future__ import annotations

from argparse import Namespace

from talos_resources.cli.parser import Parser

HELP = "Print the completion script of a shell"
DESCRIPTION = """\
Print a script that makes a shell complete commands, flags, and their values: types, ids, nodes, contexts, scenarios,
fields after `explain TYPE.`. To use it now and in future:

  bash   mkdir -p ~/.local/share/bash-completion/completions
         talos-resources completion bash > ~/.local/share/bash-completion/completions/talos-resources
  zsh    mkdir -p ~/.zfunc && talos-resources completion zsh > ~/.zfunc/_talos-resources
         echo 'fpath+=~/.zfunc; autoload -Uz compinit && compinit' >> ~/.zshrc
  fish   mkdir -p ~/.config/fish/completions
         talos-resources completion fish > ~/.config/fish/completions/talos-resources.fish

In a shell that runs: eval "$(talos-resources completion bash)"; in fish: talos-resources completion fish | source."""
EXAMPLES = """\
bash
zsh
fish
"""


def configure(parser: Parser) -> None:
    """Adds the shell."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="which shell")


def run(args: Namespace) -> int:
    """Prints the script."""
    from talos_resources.cli.shells import SCRIPTS

    print(SCRIPTS[args.shell], end="")
    return 0
