"""What makes a shell ask the program while its command line is typed.

The program answers as argcomplete does, on descriptor 8, and says by its exit code whether files may stand where nothing
fits: their names are left to the shell, which knows of `~`, variables and quotes. A scheme or an @ may stand before them.
"""

from __future__ import annotations

from typing import Final

FILES: Final = 2
"""The exit code where the shell is to offer files."""
FOLDERS: Final = 3
"""The same for folders alone."""

_BASH: Final = """\
_talos_resources() {
    local IFS=$'\\013' plain=0 code
    compopt +o nospace 2>/dev/null && plain=1
    COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_TYPE="$COMP_TYPE" \\
        _ARGCOMPLETE=1 _ARGCOMPLETE_SHELL=bash _ARGCOMPLETE_SUPPRESS_SPACE=$plain \\
        _ARGCOMPLETE_COMP_WORDBREAKS="$COMP_WORDBREAKS" "$1" 8>&1 9>/dev/null >/dev/null 2>&1 </dev/null))
    code=$?
    [[ $plain == 1 ]] || return 0  # bash 3, which offers files wherever nothing fits
    if [[ ${#COMPREPLY[@]} -gt 0 ]]; then
        [[ ${COMPREPLY[0]} != *[=/:] ]] || compopt -o nospace
    elif [[ $code == 2 ]]; then
        compopt -o default
    elif [[ $code == 3 ]]; then
        compopt -o dirnames
    fi
}
if type compopt >/dev/null 2>&1; then
    complete -o nospace -F _talos_resources talos-resources
else
    complete -o nospace -o default -F _talos_resources talos-resources
fi
"""

_ZSH: Final = """\
#compdef talos-resources
_talos_resources() {
    local IFS=$'\\013' code line
    local -a offered options
    line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"  # $BUFFER has no quote that is open, and what stands before the command
    offered=($(COMP_LINE="$line" COMP_POINT="${#line}" _ARGCOMPLETE=1 _ARGCOMPLETE_SHELL=zsh \\
        _ARGCOMPLETE_SUPPRESS_SPACE=1 "${words[1]}" 8>&1 9>/dev/null >/dev/null 2>&1 </dev/null))
    code=$?
    if (( $#offered )); then
        autoload -Uz is-at-least
        is-at-least 5.8 && options+=(-o nosort)
        [[ $offered[1] == *[=/](|:*) ]] && options+=(-S '')
        _describe talos-resources offered "${options[@]}"
    elif (( code == 2 || code == 3 )); then
        compset -P '--[^=]##='
        compset -P '([a-z+]##:|@)'
        if (( code == 2 )); then _files; else _files -/; fi
    fi
}
if [[ $zsh_eval_context == *func ]]; then
    _talos_resources "$@"
else
    compdef _talos_resources talos-resources
fi
"""

_FISH: Final = """\
function __fish_talos_resources_complete
    set -lx _ARGCOMPLETE 1
    set -lx _ARGCOMPLETE_DFS \\t
    set -lx _ARGCOMPLETE_IFS \\n
    set -lx _ARGCOMPLETE_SUPPRESS_SPACE 1
    set -lx _ARGCOMPLETE_SHELL fish
    set -lx COMP_LINE (commandline -p)
    set -lx COMP_POINT (string length -- (commandline -cp))
    set -lx COMP_TYPE
    talos-resources 8>&1 9>/dev/null 1>/dev/null 2>&1
    set -l code $status
    test $code = 2 -o $code = 3; or return
    set -l typed (commandline -ct)
    set -l before (string match -r '^(?:--[^=]+=)?(?:[a-z+]+:|@)?' -- $typed)
    set -l path (string sub -s (math 1 + (string length -- "$before")) -- $typed)
    for found in (complete -C "'' $path")  # as after a command without completions of its own
        test $code = 2; or string match -qr '/(\\t|$)' -- $found; and echo $before$found
    end
end
complete --command talos-resources -f -a '(__fish_talos_resources_complete)'
"""

SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""Shell → what it reads."""
