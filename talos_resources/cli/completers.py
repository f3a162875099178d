"""Where the values of arguments come from when a shell completes them.

Nothing here may take long or fail: what a cluster knows is asked with a deadline, and what it answered last time stands
in when it is away or slow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli.asking import answer_in_time
from talos_resources.cli.shells import FILES, FOLDERS

if TYPE_CHECKING:
    from talos_resources.talosconfig.config import Context, TalosConfig

DEADLINE: Final = "TALOS_RESOURCES_COMPLETION_TIMEOUT"
"""The environment variable for how many seconds a cluster has to answer."""

_DEADLINE_S: Final = 0.15  # a shell shall have its answer within 0.3 s, and Python has to start
_REMEMBERED: Final = 5_000  # values in one file of the cache: more does not fit on anybody's screen

Values = Callable[[str, Namespace], Iterable[str]]
"""What has been typed of the value, and the arguments before it → the values that there are."""


def completer_of(command: str, action: argparse.Action, leave: Callable[[int], None]) -> Callable[..., Iterable[str]]:
    """Who knows the values of an argument, to be called as argcomplete does.

    Args:
        command: with the command within it, such as `config context`.
        action: the argument.
        leave: called with `FILES` or `FOLDERS` where the shell itself is to offer them.
    """
    values = next((_VALUES[key] for key in (f"{command} {action.dest}", action.dest, str(action.metavar)) if key in _VALUES), nothing)
    paths = _paths(action)

    def completed(*, prefix: str, parsed_args: Namespace, **_: Any) -> Iterable[str]:
        if paths and (action.metavar != "PATCH" or prefix.startswith("@")):
            leave(paths)
        try:
            return values(prefix, parsed_args)
        except Exception:  # noqa: BLE001 - what cannot be found out is not offered; nobody reads an error here
            return ()

    return completed


def _paths(action: argparse.Action) -> int:
    """What the shell is to offer for an argument, 0 for neither files nor folders."""
    metavar = str(action.metavar)
    if any(word in metavar for word in ("FILE", "TARGET", "PATH", "PATCH")) or action.dest == "sources":
        return FILES
    return FOLDERS if metavar in {"DIR", "FOLDER"} else 0


def nothing(_prefix: str, _args: Namespace) -> Iterable[str]:
    """What only the user knows."""
    return ()


def types(prefix: str, _args: Namespace) -> Iterable[str]:
    """The types of Talos; several are separated by commas. The singular and the aliases where no plural fits."""
    import talos_resources.resources  # noqa: F401 - announces them
    from talos_resources.model.kind import typed_aliases, typed_names

    begun = prefix.rpartition(",")[2]
    plurals = [name.partition(".")[0].lower() for name in typed_names()]
    found = [name for name in plurals if name.startswith(begun)]
    if not found:
        found = [alias for _, aliases in typed_aliases() for alias in aliases if alias.startswith(begun)]
    return _listed(prefix, found)


def fields(prefix: str, args: Namespace) -> Iterable[str]:
    """Types, and after a dot the fields of one."""
    name, dot, path = prefix.partition(".")
    if not dot:
        return types(prefix, args)
    from talos_resources.state.registry import resolve_class
    from talos_resources.views.explain import fields_of

    depth = path.count(".") + 1
    return sorted({f"{name}.{'.'.join(field.path.split('.')[:depth])}" for field in fields_of(resolve_class(name).spec)})


def contexts(_prefix: str, args: Namespace) -> Iterable[str]:
    """Those of the talosconfig."""
    return list(_talosconfig(args).contexts)  # a mapping would be taken for words and what is said of them


def nodes(prefix: str, args: Namespace) -> Iterable[str]:
    """Those of the source that is named, else those of the talosconfig's context; separated by commas."""
    if getattr(args, "sources", None):
        return _listed(prefix, _asked(args, "nodes", lambda cluster, _: list(cluster.nodes)))
    context = _context(args)
    return _listed(prefix, dict.fromkeys([*context.nodes, *context.endpoints]))


def endpoints(prefix: str, args: Namespace) -> Iterable[str]:
    """Those of the talosconfig's context."""
    return _listed(prefix, _context(args).endpoints)


def ids(_prefix: str, args: Namespace) -> Iterable[str]:
    """The ids of the resources of the types that have been typed."""
    names = str(args.type).split(",")

    def ask(cluster: Any, selected: tuple[str, ...]) -> list[str]:
        state = cluster.state(selected[0])
        return [resource.metadata.id for name in names for resource in state.list(state.kind(name))]

    return _asked(args, f"ids {names} {getattr(args, 'namespace', None)}", ask)


def scenarios(_prefix: str, _args: Namespace) -> Mapping[str, str]:
    """What `simulate` can play, and what happens then, which zsh and fish show."""
    from talos_resources.simulate.scenarios import SCENARIOS

    return {name: scenario.about for name, scenario in SCENARIOS.items()}


def rules(_prefix: str, _args: Namespace) -> Iterable[str]:
    """What `doctor` can find."""
    from talos_resources.insight.causes import causes

    return [cause.name for cause in causes()]


def formats(_prefix: str, _args: Namespace) -> Iterable[str]:
    """How `get` prints; a template is left to be typed."""
    from talos_resources.views.output import FORMATS

    return [name.partition("=")[0] + ("=" if "=" in name else "") for name in FORMATS]


def choices(*words: str) -> Values:
    """One of these words."""
    return lambda _prefix, _args: words


def listed(*words: str) -> Values:
    """Some of these words, separated by commas."""
    return lambda prefix, _args: _listed(prefix, words)


def faults(_prefix: str, _args: Namespace) -> Mapping[str, str]:
    """What `simulate inject` can let strike, and what happens then."""
    from talos_resources.simulate.strikes import FAULTS

    return {name: fault.about for name, fault in FAULTS.items()}


def definitions(_prefix: str, _args: Namespace) -> Iterable[str]:
    """The ids of the definitions of the types of Talos."""
    import talos_resources.resources  # noqa: F401 - announces them
    from talos_resources.model.kind import typed_names

    return [name.lower() for name in typed_names()]


def modes(_prefix: str, _args: Namespace) -> Iterable[str]:
    """Where a machine may run."""
    from talos_resources.machineconfig.validate import MODES

    return MODES


def mesh_formats(_prefix: str, _args: Namespace) -> Iterable[str]:
    """How `mesh` prints."""
    from talos_resources.cli.mesh import FORMATS

    return FORMATS


def releases(_prefix: str, _args: Namespace) -> Iterable[str]:
    """The releases of Talos that configurations are made for."""
    from talos_resources.releases.contract import CONTRACTS

    return map(str, reversed(CONTRACTS))


_VALUES: Final[dict[str, Values]] = {
    "TYPE": types,
    "TYPE[,TYPE…]": types,
    "types": types,
    "TYPE[.FIELD]": fields,
    "context": contexts,
    "config context name": contexts,
    "config use-context name": contexts,
    "config remove name": contexts,
    "nodes": nodes,
    "simulate nodes": nothing,
    "endpoints": endpoints,
    "get id": ids,
    "g id": ids,
    "history id": ids,
    "edit id": ids,
    "patch id": ids,
    "rd id": definitions,
    "api-resources id": definitions,
    "config node values": nodes,
    "config nodes values": nodes,
    "simulate inject targets": nodes,
    "simulate inject fault": faults,
    "scenario": scenarios,
    "doctor explain": rules,
    "get output": formats,
    "g output": formats,
    "rd output": formats,
    "api-resources output": formats,
    "mesh output": mesh_formats,
    "mesh by": choices("site", "type", "name", "label:"),
    "config info output": choices("text", "yaml", "json"),
    "gen config output_types": listed("controlplane", "worker", "talosconfig"),
    "machineconfig gen output_types": listed("controlplane", "worker", "talosconfig"),
    "mc gen output_types": listed("controlplane", "worker", "talosconfig"),
    "validate mode": modes,
    "compat": choices("talosctl"),
    "talos_version": releases,
    "migrate to": releases,
    "machineconfig migrate to": releases,
    "mc migrate to": releases,
}


def _listed(prefix: str, values: Iterable[str]) -> list[str]:
    """Each value as the last item of a list of which the others have been typed."""
    before, comma, _ = prefix.rpartition(",")
    return [f"{before}{comma}{value}" for value in values]


def _talosconfig(args: Namespace) -> TalosConfig:
    from talos_resources.talosconfig.config import TalosConfig

    return TalosConfig.load(getattr(args, "talosconfig", None))


def _context(args: Namespace) -> Context:
    return _talosconfig(args).context(getattr(args, "context", None))


def _asked(args: Namespace, what: str, ask: Callable[[Any, tuple[str, ...]], list[str]]) -> list[str]:
    """What the source of the command line answers in time, else what it answered last."""
    from talos_resources.cli import options

    remembered = _cache(args, what)

    def run() -> list[str]:
        with options.opened(args, quiet=True) as (cluster, selected):
            return ask(cluster, selected)

    answer = answer_in_time(run, lambda values: _remember(remembered, values), _deadline_s())
    if answer is not None:
        return answer
    with suppress(OSError, ValueError):
        return [str(value) for value in json.loads(remembered.read_text())]
    return []


def _deadline_s() -> float:
    with suppress(ValueError):
        return float(os.environ.get(DEADLINE, ""))
    return _DEADLINE_S


def _cache(args: Namespace, what: str) -> Path:
    """The file for one question to one source."""
    asked = [
        what,
        os.environ.get("TALOSCONFIG"),
        *(getattr(args, name, None) for name in ("sources", "nodes", "endpoints", "context", "talosconfig")),
    ]
    name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "talos-resources" / "completion" / f"{name}.json"


def _remember(file: Path, values: list[str]) -> None:
    from talos_resources.rpc.pki.private_file import folder_for_files

    with suppress(OSError), folder_for_files(file.parent, mode=0o700):
        part = file.with_suffix(f".{os.getpid()}")  # another key may be read meanwhile
        try:
            part.write_text(json.dumps(values[:_REMEMBERED]))
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
