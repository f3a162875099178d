"""`get` without `--watch`: what nodes hold."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from talos_resources.cli import nodes, options, progress
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import (
    AmbiguousKindError,
    NotFoundError,
    PermissionDeniedError,
    QueryError,
    TalosResourcesError,
    UnknownKindError,
)
from talos_resources.model.sent import spec_at_hand
from talos_resources.model.spec import UnreadableSpec
from talos_resources.sources.parallel import each
from talos_resources.views.several import SeveralPrinter

if TYPE_CHECKING:
    from talos_resources.model.kind import Kind
    from talos_resources.model.resource import Resource
    from talos_resources.sources import Cluster
    from talos_resources.state.contract import State
    from talos_resources.views.output import Output


class Found(NamedTuple):
    """What a node has of a type: its kind there, or None, and the resources, or why there are none."""

    kind: Kind[Any] | None
    resources: Sequence[Resource[Any]] | TalosResourcesError


def list_all(args: Namespace, form: Output, cluster: Cluster, selected: Sequence[str]) -> int:
    """Prints the resources of all types, type by type, and returns the exit code."""
    types = types_of(args)
    asked = each(selected, lambda node: _fetched(args, form, cluster.state(node), types))
    answers = nodes.Answers(progress.counted(asked, len(selected), f"listing {', '.join(types)} of {cluster.source}, nodes"))
    by_type = _by_type(answers, types)
    screen = Screen(args.color)
    printer = SeveralPrinter(form, nodes=selected, width=screen.width)
    count = progress.Count(f"printing {', '.join(types)}", _count(by_type))
    printing = _Run(args, form, screen, printer, answers, count)
    with progress.busy(count.words):
        try:
            for found in by_type.values():
                printing.print(found)
        finally:
            screen.print(printer.finish())
    for found in by_type.values():
        _tell_unreadable(found)
        _tell_left_out(found, cluster, args.namespace)
    return answers.report(selected)


def types_of(args: Namespace) -> list[str]:
    """The names of the types, each once; to talosctl it is one name, whatever is in it."""
    return [args.type] if args.compat is not None else list(options.names([args.type])) or [args.type]


def with_headings(form: Output) -> tuple[type[TalosResourcesError], ...]:
    """The errors after which the headings are printed all the same: the columns are known."""
    return (NotFoundError, PermissionDeniedError) if form.release.get.headings_on_error else (NotFoundError,)


def found_by_id(args: Namespace, state: State, kind: Kind[Any]) -> Resource[Any]:
    """The resource that ID names; to talosctl it is the id and no other name.

    Raises:
        NotFoundError: there is none.
        AmbiguousNameError: several are called so.
    """
    if args.compat is not None:
        return state.get(kind, args.id, namespace=args.namespace)
    from talos_resources.state.named import by_id_or_name

    return by_id_or_name(state, kind, args.id, namespace=args.namespace)


def _fetched(args: Namespace, form: Output, state: State, types: Sequence[str]) -> dict[str, Found]:
    """Type → what the node has of it. One type's fault does not hide the others."""
    found: dict[str, Found] = {}
    for name in types:
        try:
            kind = state.kind(name)
        except (UnknownKindError, AmbiguousKindError) as error:
            found[name] = Found(None, error)
            continue
        try:
            found[name] = Found(kind, _resources(args, state, kind))
        except with_headings(form) as error:
            found[name] = Found(kind, error)
        except TalosResourcesError as error:
            if len(types) == 1:
                raise
            found[name] = Found(None, error)
    return found


def _resources(args: Namespace, state: State, kind: Kind[Any]) -> Sequence[Resource[Any]]:
    if args.id is not None:
        return [found_by_id(args, state, kind)]
    return state.list(kind, namespace=args.namespace, labels=args.labels, ids=args.id_match)


def _by_type(answers: nodes.Answers[dict[str, Found]], types: Sequence[str]) -> dict[str, dict[str, Found]]:
    """Type → node → what it has.

    Raises:
        TalosResourcesError: no node knows one of the types; then nothing is printed of the others.
    """
    by_type: dict[str, dict[str, Found]] = {}
    for name in types:
        found = {node: answer[name] for node, answer in answers.values.items()}
        kind = next((answer.kind for answer in found.values() if answer.kind is not None), None)
        errors = [answer.resources for answer in found.values() if isinstance(answer.resources, UnknownKindError | AmbiguousKindError)]
        if errors and len(errors) == len(found):
            raise errors[0]
        if found:
            by_type.setdefault(name if kind is None else kind.type, found)
    return by_type


def _count(by_type: Mapping[str, Mapping[str, Found]]) -> int:
    """How many resources were found."""
    lists = (answer.resources for found in by_type.values() for answer in found.values())
    return sum(len(resources) for resources in lists if not isinstance(resources, TalosResourcesError))


class _Run(NamedTuple):
    """What printing takes, and what it gives the errors to."""

    args: Namespace
    form: Output
    screen: Screen
    printer: SeveralPrinter
    answers: nodes.Answers[dict[str, Found]]
    counting: progress.Count

    def print(self, found: Mapping[str, Found]) -> None:
        """Prints the resources of one type and gathers the errors."""
        for node, answer in found.items():
            if isinstance(answer.resources, TalosResourcesError):
                self.answers.fail(node, answer.resources)
        kind = next((answer.kind for answer in found.values() if answer.kind is not None), None)
        if kind is None:
            return
        try:
            rows = _rows(self.args, kind, found)
        except QueryError as error:
            for node in found:
                self.answers.fail(node, error)
            return
        self.screen.print(self.printer.begin(kind))
        for node, resources in rows:
            try:
                self.screen.print(self.printer.resources(node, self.counting.passing(resources)))
            except QueryError as error:
                if not self.form.release.get.jsonpath_goes_on:
                    raise
                self.answers.fail(node, error)


def _rows(args: Namespace, kind: Kind[Any], found: Mapping[str, Found]) -> Iterator[tuple[str, Sequence[Resource[Any]]]]:
    """The resources as they are to be printed, with their nodes."""
    lists = [(node, answer.resources) for node, answer in found.items() if not isinstance(answer.resources, TalosResourcesError)]
    if args.sort_by is None:
        return iter(lists)
    from talos_resources.views.ordering import Order

    rows = Order.parse(args.sort_by).rows(kind, [(node, resource) for node, resources in lists for resource in resources])
    return ((node, [resource for _, resource in some]) for node, some in groupby(rows, itemgetter(0)))


def _tell_left_out(found: Mapping[str, Found], cluster: Cluster, namespace: str | None) -> None:
    """A note on stderr where nothing was found because the source leaves it out: that is not the same as nothing there."""
    reasons: dict[str, list[str]] = {}
    for node, (kind, resources) in found.items():
        folder = cluster.folder(node) if isinstance(resources, NotFoundError) or not resources else None
        if kind is not None and folder is not None and (reason := folder.left_out(kind, namespace, cluster.state(node))):
            reasons.setdefault(reason, []).append(node)
    for reason, of in reasons.items():
        print(f"note: {', '.join(of)}: {reason}", file=sys.stderr)


def _tell_unreadable(found: Mapping[str, Found]) -> None:
    """A note on stderr for each resource whose spec is shown as somebody has written it."""
    sys.stdout.flush()
    for _, resources in found.values():
        for resource in resources if not isinstance(resources, TalosResourcesError) else ():
            if isinstance(spec := spec_at_hand(resource), UnreadableSpec):
                print(f"note: not known: {resource.type}/{resource.id}: {spec.reason}", file=sys.stderr)
