"""Resources as streams of documents: YAML, JSON, the results of a JSONPath, names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from talos_resources.codec.shown import shown as plain_of
from talos_resources.codec.text import resource_to_json, resource_to_yaml
from talos_resources.model.errors import QueryError, TalosResourcesError
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.releases.release import YamlStyle
from talos_resources.state.events import AnyEvent
from talos_resources.views.jsonpath import Path
from talos_resources.views.watch import shown

_CHUNK: Final = 1 << 16  # characters
_NAMED: Final = 3
"""How many resources an error names."""


class Document(Protocol):
    """Writes one resource; keeps what it must know of those before."""

    def write(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """The text of a resource.

        Args:
            resource: as its state holds it.
            head: what goes before it, such as node and event.

        Raises:
            QueryError: there is no such text.
        """
        ...


class DocumentPrinter:
    """One document for each resource or event, as they come."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[str]:
        """The documents of a node's resources, in pieces of some size; an error follows what was fine before it.

        Raises:
            QueryError: a JSONPath that does not fit a resource.
        """
        head = {"node": node}
        if isinstance(self._document, JsonPathDocument) and self._document.goes_on:
            return gathered(self._fitting(self._document, resources, head))
        return gathered(self._document.write(resource, head) for resource in resources)

    @staticmethod
    def _fitting(document: JsonPathDocument, resources: Iterable[Resource[Any]], head: Mapping[str, str]) -> Iterator[str]:
        """The results for all resources that have any; at the end the errors of the others, equal ones once."""
        unfit: dict[str, list[str]] = {}
        for resource in resources:
            try:
                yield document.results(resource, head)
            except QueryError as error:
                unfit.setdefault(error.message, []).append(resource.id)
        if unfit:
            told = "; ".join(f"{reason} (in {_some(ids)})" for reason, ids in unfit.items())
            raise QueryError(f"error finding result for jsonpath: {told}")

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The document of an event, if there is anything to show.

        Raises:
            QueryError: as for `resources`.
        """
        if (what := shown(event)) is not None:
            yield self._document.write(what.resource, {"node": node, "event": what.name})

    def headings(self) -> Iterator[str]:
        """Nothing: documents say what they are."""
        return iter(())

    def finish(self) -> Iterator[str]:
        """Nothing: documents are complete at once."""
        return iter(())


def gathered(texts: Iterable[str]) -> Iterator[str]:
    """The texts, many joined to one; before an error comes what was there until then."""
    pending: list[str] = []
    size = 0
    try:
        for text in texts:
            pending.append(text)
            size += len(text)
            if size >= _CHUNK:
                yield "".join(pending)
                pending.clear()
                size = 0
    except TalosResourcesError:
        yield "".join(pending)
        raise
    yield "".join(pending)


class YamlDocument:
    """talosctl's YAML: documents separated by `---`."""

    def __init__(self, style: YamlStyle, *, talosctl: bool = False) -> None:
        """Takes the style, and whether to be exactly talosctl; see `resource_to_yaml`."""
        self._separator = ""
        self._style = style
        self._talosctl = talosctl

    def write(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """The document, after the separator if it is not the first."""
        separator, self._separator = self._separator, "---\n"
        return separator + resource_to_yaml(resource, head=head, style=self._style, talosctl=self._talosctl)


class JsonDocument:
    """talosctl's JSON: one object after the other."""

    def __init__(self, *, talosctl: bool = False) -> None:
        """Takes whether to be exactly talosctl; see `resource_to_json`."""
        self._talosctl = talosctl

    def write(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """The object and a line break."""
        return f"{resource_to_json(resource, head=head, talosctl=self._talosctl)}\n"


class JsonPathDocument:
    """Each result of a JSONPath on lines of its own.

    talosctl's evaluation of a template with `{range}` works for the first resource only: it forgets
    where the template begins, and the second resource meets an `{end}` without a range. Scripts see
    that exit code, so it is the same here.

    Attributes:
        goes_on: an error of one resource does not end the output of the others.
    """

    def __init__(self, path: Path, *, goes_on: bool) -> None:
        self._path = path
        self.goes_on = goes_on
        self._exhausted = False

    def write(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """The results for a resource.

        Raises:
            QueryError: the resource has not what the template asks for.
        """
        try:
            return self.results(resource, head)
        except QueryError as error:
            raise QueryError(f"error finding result for jsonpath in {resource.reference}: {error}") from error

    def results(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """As `write`, but the error says nothing of the resource."""
        if self._exhausted:
            raise QueryError(
                "not in range, nothing to end; as in talosctl, {range} is for one resource "
                "(name its id), use {.list[*]} or -o json for several"
            )
        self._exhausted = self._path.repeats
        return "".join([f"{line}\n" for line in self._path.lines({**plain_of(resource), **head})])


def _some(ids: Sequence[str]) -> str:
    """The first few of many names."""
    rest = len(ids) - _NAMED
    return f"{', '.join(map(printable, ids[:_NAMED]))}{f' and {rest} more' if rest > 0 else ''}"


class NameDocument:
    """`TYPE/ID`, the type in full and in lower case: what other commands take."""

    def write(self, resource: Resource[Any], head: Mapping[str, str]) -> str:
        """The name and a line break."""
        return f"{printable(f'{resource.type.lower()}/{resource.id}')}\n"
