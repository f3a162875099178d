"""`get`: prints resources, or follows them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from talos_resources.cli import nodes, options
from talos_resources.cli.compat import add_compat
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import NotFoundError, PermissionDeniedError, QueryError, TalosResourcesError
from talos_resources.model.sent import spec_at_hand
from talos_resources.model.spec import UnreadableSpec
from talos_resources.sources.parallel import each
from talos_resources.views import output

if TYPE_CHECKING:
    from talos_resources.model.kind import Kind
    from talos_resources.model.resource import Resource
    from talos_resources.sources import Cluster
    from talos_resources.state.contract import State, Watch

HELP = "Print resources, or follow them"
DESCRIPTION = "Print the resources of a type, or one of them, or follow them with --watch. `rd` lists the types."
EXAMPLES = """\
kubespanpeerstatuses
kubespanpeerspecs -n 172.20.0.2,172.20.0.3
members talos-default-worker-1 -o yaml
kubespanpeerstatuses -o 'jsonpath={.spec.endpoint}'
affiliates --from support.zip -l 'zone=a,!edge'
kubespanpeerstatuses -w
kubespanpeerstatuses --from sqlite:mesh.db --at -10m
"""


def configure(parser: Parser) -> None:
    """Adds the type, the id and `add_arguments`."""
    parser.add_argument("type", metavar="TYPE", help="any name of the type: plural, singular, alias or in full")
    add_arguments(parser)


def add_arguments(parser: Parser) -> None:
    """Adds what selects resources and says how to print them."""
    parser.add_argument("id", metavar="ID", nargs="?", help="only this one")
    parser.add_argument("--namespace", metavar="NAME", help="instead of the type's own")
    parser.add_argument("-l", "--labels", metavar="QUERY", default="", help="only those whose labels match: zone=a,!edge,size>2gb")
    parser.add_argument("--id-match", metavar="REGEXP", help="only those in whose id this is found (RE2 syntax)")
    parser.add_argument("-w", "--watch", action="store_true", help="go on printing what changes, until Ctrl-C")
    parser.add_argument("-o", "--output", metavar="FORMAT", default="table", help=f"{', '.join(output.FORMATS)} (default: table)")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal, unless NO_COLOR is set")
    add_compat(parser, "print as talosctl does, also where we do better, such as the style of YAML of its release")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Prints what is there, or what happens."""
    if args.id is not None and (args.labels or args.id_match is not None):
        raise UsageError("an ID names one resource; leave it out, or --labels and --id-match")
    if args.at is not None and args.watch:
        raise UsageError("--at looks at the past, --watch at what comes; leave one out")
    try:
        form = output.parse_output(args.output)._replace(compat=args.compat)
    except QueryError as error:
        raise UsageError(error.message) from None
    with options.opened(args) as (cluster, selected):
        return (_watch if args.watch else _list)(args, form, cluster, selected)


def _list(args: Namespace, form: output.Output, cluster: Cluster, selected: Sequence[str]) -> int:
    def fetch(node: str) -> tuple[Kind[Any], Sequence[Resource[Any]] | TalosResourcesError]:
        state = cluster.state(node)
        kind = state.kind(args.type)
        try:
            if args.id is not None:
                return kind, [state.get(kind, args.id, namespace=args.namespace)]
            return kind, state.list(kind, namespace=args.namespace, labels=args.labels, ids=args.id_match)
        except _with_headings(form) as error:
            return kind, error

    answers = nodes.Answers(each(selected, fetch))
    if answers.values:
        screen = Screen(args.color)
        kind = next(iter(answers.values.values()))[0]
        printer = output.list_printer(form, kind, nodes=selected, width=screen.width)
        try:
            for node, (_, found) in answers.values.items():
                if isinstance(found, TalosResourcesError):
                    answers.errors[node] = found
                    continue
                try:
                    screen.print(printer.resources(node, found))
                except QueryError as error:
                    if not form.release.get.jsonpath_goes_on:
                        raise
                    answers.errors[node] = error
        finally:
            screen.print(printer.finish())
        _tell_unreadable(answers)
        _tell_left_out(answers, cluster, args.namespace)
    return answers.report(selected)


def _tell_left_out(answers: nodes.Answers[Any], cluster: Cluster, namespace: str | None) -> None:
    """A note on stderr where nothing was found because the source leaves it out: that is not the same as nothing there."""
    reasons: dict[str, list[str]] = {}
    for node, (kind, found) in answers.values.items():
        folder = cluster.folder(node) if isinstance(found, NotFoundError) or not found else None
        if folder is not None and (reason := folder.left_out(kind, namespace, cluster.state(node))):
            reasons.setdefault(reason, []).append(node)
    for reason, of in reasons.items():
        print(f"note: {', '.join(of)}: {reason}", file=sys.stderr)


def _tell_unreadable(answers: nodes.Answers[Any]) -> None:
    """A note on stderr for each resource whose spec is shown as somebody has written it."""
    sys.stdout.flush()
    for _, found in answers.values.values():
        for resource in found if not isinstance(found, TalosResourcesError) else ():
            if isinstance(spec := spec_at_hand(resource), UnreadableSpec):
                print(f"note: not known: {resource.type}/{resource.id}: {spec.reason}", file=sys.stderr)


def _with_headings(form: output.Output) -> tuple[type[TalosResourcesError], ...]:
    """The errors after which the headings are printed all the same: the columns are known."""
    return (NotFoundError, PermissionDeniedError) if form.release.get.headings_on_error else (NotFoundError,)


def _watch(args: Namespace, form: output.Output, cluster: Cluster, selected: Sequence[str]) -> int:
    def subscribe(node: str) -> tuple[Kind[Any], Watch[Any] | TalosResourcesError]:
        state = cluster.state(node)
        kind = state.kind(args.type)
        try:
            return kind, _subscribe(state, kind, args)
        except _with_headings(form) as error:
            return kind, error

    answers = nodes.Answers(each(selected, subscribe))
    if answers.values:
        screen = Screen(args.color)
        watches = {node: watch for node, (_, watch) in answers.values.items() if not isinstance(watch, TalosResourcesError)}
        answers.errors |= {node: watch for node, (_, watch) in answers.values.items() if isinstance(watch, TalosResourcesError)}
        kind = next(iter(answers.values.values()))[0]
        printer = output.watch_printer(form, kind, nodes=tuple(watches), single=args.id is not None, width=screen.width)
        try:
            for node, event in nodes.followed(watches, answers.errors):
                screen.print(printer.event(node, event))
        finally:
            for watch in watches.values():
                watch.close()
            screen.print(printer.finish())
    return answers.report(selected)


def _subscribe(state: State, kind: Kind[Any], args: Namespace) -> Watch[Any]:
    if args.id is not None:
        return state.watch(kind, args.id, namespace=args.namespace)
    return state.watch_kind(kind, namespace=args.namespace, labels=args.labels, ids=args.id_match)
