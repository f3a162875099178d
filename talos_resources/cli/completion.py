"""`completion`: what makes a shell complete our commands, flags and resource types."""

from __future__ import annotations

import argparse
from argparse import Namespace
from typing import Final

from talos_resources.cli import registry
from talos_resources.cli.parser import Parser

HELP = "Print the completion script of a shell"
DESCRIPTION = """\
Print a script that makes a shell complete commands, flags and resource types. To use it now and in future:

  bash   talos-resources completion bash > ~/.local/share/bash-completion/completions/talos-resources
  zsh    talos-resources completion zsh > "${fpath[1]}/_talos-resources"
  fish   talos-resources completion fish > ~/.config/fish/completions/talos-resources.fish"""
EXAMPLES = """\
bash
"""

_TYPES: Final = "types"  # what the scripts ask for while the user types

_BASH: Final = """\
_talos_resources() {
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$current"))
        return
    fi
    case "$command" in
@FLAGS@
        *) local flags= ;;
    esac
    case "$current" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
        *)
            case "$command" in
                @TYPED@) COMPREPLY=($(compgen -W "$(talos-resources completion types 2>/dev/null)" -- "$current")) ;;
            esac
            ;;
    esac
}
complete -o default -F _talos_resources talos-resources
"""

_ZSH: Final = """\
#compdef talos-resources
_talos_resources() {
    if (( CURRENT == 2 )); then
        compadd -- @COMMANDS@
        return
    fi
    local -a flags
    case "$words[2]" in
@FLAGS@
    esac
    if [[ "$words[CURRENT]" == -* ]]; then
        compadd -- $flags
        return
    fi
    case "$words[2]" in
        @TYPED@) compadd -- ${(f)"$(talos-resources completion types 2>/dev/null)"} ;;
        *) _files ;;
    esac
}
_talos_resources "$@"
"""


def configure(parser: Parser) -> None:
    """Adds the shell."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish", _TYPES], metavar="{bash,zsh,fish}", help="which shell")


def run(args: Namespace) -> int:
    """Prints the script."""
    if args.shell == _TYPES:
        print("\n".join(_types()))
    else:
        print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](), end="")
    return 0


def _types() -> list[str]:
    """The names of the types of the configured cluster."""
    from talos_resources import sources
    from talos_resources.resources import ResourceDefinition

    cluster, _ = sources.choose(())
    with cluster:
        definitions = cluster.state(cluster.default_nodes[0]).list(ResourceDefinition)
        return sorted({definition.spec.resource_type.partition(".")[0].lower() for definition in definitions})


def _actions() -> dict[str, list[argparse.Action]]:
    """Command → its arguments."""
    return {name: registry.parser_of(name, prog="")._actions for name in registry.COMMANDS}  # noqa: SLF001 - argparse has no public list


def _flags(actions: list[argparse.Action]) -> list[str]:
    return [option for action in actions for option in action.option_strings if option.startswith("--")]


def _typed(actions: dict[str, list[argparse.Action]]) -> list[str]:
    """The commands whose arguments are resource types."""
    return [name for name, own in actions.items() if any(str(action.metavar).startswith("TYPE") for action in own)]


def _bash() -> str:
    actions = _actions()
    flags = [f'        {name}) local flags="{" ".join(_flags(own))}" ;;' for name, own in actions.items()]
    return _filled(_BASH, actions, flags)


def _zsh() -> str:
    actions = _actions()
    flags = [f"        {name}) flags=({' '.join(_flags(own))}) ;;" for name, own in actions.items()]
    return _filled(_ZSH, actions, flags)


def _filled(template: str, actions: dict[str, list[argparse.Action]], flags: list[str]) -> str:
    return (
        template.replace("@COMMANDS@", " ".join(actions)).replace("@FLAGS@", "\n".join(flags)).replace("@TYPED@", "|".join(_typed(actions)))
    )


def _fish() -> str:
    lines = ["complete -c talos-resources -f"]
    for names, text in registry.listing():
        lines += [f"complete -c talos-resources -n __fish_use_subcommand -a {name} -d {_quoted(text)}" for name in names]
    actions = _actions()
    for name, own in actions.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        lines += [
            f"complete -c talos-resources {seen} -l {flag.removeprefix('--')} -d {_quoted((action.help or '').replace('%%', '%'))}"
            for action in own
            for flag in _flags([action])
        ]
    typed = " ".join(_typed(actions))
    lines.append(
        f"complete -c talos-resources -n '__fish_seen_subcommand_from {typed}' -a '(talos-resources completion types 2>/dev/null)'"
    )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
