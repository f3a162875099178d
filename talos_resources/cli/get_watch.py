"""`get --watch`: what happens on nodes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from talos_resources.cli import nodes
from talos_resources.cli.get_list import found_by_id, types_of, with_headings
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import NotFoundError, PermissionDeniedError, TalosResourcesError
from talos_resources.sources.away import Away, Interruptible, away_text
from talos_resources.sources.parallel import each
from talos_resources.views.several import SeveralWatchPrinter

if TYPE_CHECKING:
    from talos_resources.model.kind import Kind
    from talos_resources.sources import Cluster
    from talos_resources.state.contract import State, Watch
    from talos_resources.views.output import Output

    Subscribed = dict[str, tuple[Kind[Any], Watch[Any] | TalosResourcesError]]


def watch(args: Namespace, form: Output, cluster: Cluster, selected: Sequence[str]) -> int:
    """Prints the events of all types as they come, and returns the exit code when all watches have ended."""
    answers = nodes.Answers(each(selected, lambda node: _subscribed(args, form, cluster.state(node), types_of(args))))
    if not answers.values:
        return answers.report(selected)
    kinds = {kind.type: kind for answer in answers.values.values() for kind, _ in answer.values()}
    watches: dict[tuple[str, str], Watch[Any]] = {}
    for node, answer in answers.values.items():
        for about, (_, subscribed) in answer.items():
            if isinstance(subscribed, TalosResourcesError):
                answers.fail(node, subscribed)
            else:
                watches[node, about] = subscribed
    answers.tell(selected)  # now: the others may go on for days
    _tell_interruptions(watches)

    def ended(key: tuple[str, str], error: TalosResourcesError) -> None:
        answers.fail(key[0], error)
        answers.tell(selected)

    screen = Screen(args.color)
    heard = {full: [node for node, about in watches if about == full] for full in kinds}
    printer = SeveralWatchPrinter(form, tuple(kinds.values()), nodes=heard, single=args.id is not None, width=screen.width)
    try:
        for (node, about), event in nodes.followed(watches, ended):
            screen.print(printer.event(about, node, event))
    finally:
        for subscribed in watches.values():
            subscribed.close()
        screen.print(printer.finish())
    return answers.report(selected)


def _tell_interruptions(watches: Mapping[tuple[str, str], Watch[Any]]) -> None:
    """Has it told on stderr when a node is away, and when its watches go on."""

    def tell(node: str, reason: TalosResourcesError | None) -> None:
        nodes.note(node, away_text(reason))

    away = Away(tell)
    for (node, about), subscribed in watches.items():
        if isinstance(subscribed, Interruptible):
            subscribed.tell_interruptions(partial(away.note, node, about))


def _subscribed(args: Namespace, form: Output, state: State, types: Sequence[str]) -> Subscribed:
    """Full type → the kind, and its watch, or why there is none.

    Raises:
        TalosResourcesError: one type has neither; no watch is left open.
    """
    found: Subscribed = {}
    try:
        for kind in [state.kind(name) for name in types]:
            if kind.type in found:
                continue
            try:
                found[kind.type] = kind, _subscribe(args, state, kind)
            except with_headings(form) as error:
                found[kind.type] = kind, error
    except BaseException:
        for _, subscribed in found.values():
            if not isinstance(subscribed, TalosResourcesError):
                subscribed.close()
        raise
    return found


def _subscribe(args: Namespace, state: State, kind: Kind[Any]) -> Watch[Any]:
    if args.id is not None:
        return state.watch(kind, _id(args, state, kind), namespace=args.namespace)
    return state.watch_kind(kind, namespace=args.namespace, labels=args.labels, ids=args.id_match)


def _id(args: Namespace, state: State, kind: Kind[Any]) -> str:
    """The id to watch, of which there may be nothing yet."""
    if args.compat is not None:
        return str(args.id)
    try:
        return found_by_id(args, state, kind).id
    except (NotFoundError, PermissionDeniedError):
        return str(args.id)
