"""A compiled JSONPath template."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs

from talos_resources.views.jsonpath.parse import Action, Part, Range, Text, parse
from talos_resources.views.jsonpath.steps import Run, Values, walk
from talos_resources.views.jsonpath.text import value_text


@attrs.frozen
class Path:
    """A template, ready to be used on any number of values; `compile` makes it."""

    text: str
    parts: tuple[Part, ...] = attrs.field(repr=False)

    @property
    def repeats(self) -> bool:
        """Whether there is a `{range}` in the template."""
        return any(isinstance(part, Range) for part in self.parts)

    def find(self, value: Any, *, missing_ok: bool = False) -> list[Values]:
        """What the template finds: one list of results for each action and each text, in the order of output.

        Args:
            value: what YAML or JSON decodes to.
            missing_ok: a field that is not there yields nothing instead of an error.

        Raises:
            QueryError: the value has not what the template asks for, or the evaluation grows out of bounds.
        """
        return _find(self.parts, value, Run(missing_ok=missing_ok))

    def lines(self, value: Any) -> list[str]:
        """Each result as `talosctl get -o jsonpath=` prints it, one or several lines without the last line break.

        Raises:
            QueryError: as for `find`.
        """
        return [value_text(result, indent=4, null="<nil>") for group in self.find(value) for result in group]

    def render(self, value: Any, *, missing_ok: bool = False, null: str = "null") -> str:
        """The text as `kubectl -o jsonpath=` and the columns of talosctl's tables have it.

        The results of one action are separated by blanks, mappings and lists are compact JSON.

        Args:
            value: see `find`.
            missing_ok: see `find`.
            null: what null prints as.

        Raises:
            QueryError: as for `find`.
        """
        groups = self.find(value, missing_ok=missing_ok)
        return "".join(" ".join(value_text(result, indent=None, null=null) for result in group) for group in groups)


def _find(parts: tuple[Part, ...], value: Any, run: Run) -> list[Values]:
    groups: list[Values] = []
    for part in parts:
        match part:
            case Text(text):
                groups.append([text])
            case Action(steps):
                groups.append(walk(steps, [value], run))
            case Range(steps, body):
                for item in walk(steps, [value], run):
                    groups += _find(body, item, run)
    return groups


@lru_cache(maxsize=512)
def compile(text: str) -> Path:  # noqa: A001 - `jsonpath.compile`, as there is `re.compile`
    """Reads a template such as `{.spec.endpoints[0]}`.

    Raises:
        QueryError: it cannot be understood; the message says what and where.
    """
    return Path(text, parse(text))
