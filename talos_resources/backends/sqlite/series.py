"""A field of resources over time, as a recording has it: regular samples out of irregular changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.codec.records import field_value
from talos_resources.model.errors import QueryError
from talos_resources.model.records import finished
from talos_resources.model.resource import Resource
from talos_resources.model.tabular import Tabular
from talos_resources.model.timestamp import Timestamp

MOST_POINTS: Final = 5_000_000
"""A series of more is refused: one nanosecond for a minute would fill any memory."""


@attrs.frozen
class Line:
    """The samples of one resource.

    Attributes:
        node: whose resource it is; empty where the recording is of one node without a name.
        id: of the resource.
        label: what people call it; empty if nobody does.
        values: one for each time.
    """

    node: str
    id: str
    label: str
    values: tuple[Any, ...]


@attrs.frozen(repr=False)
class Series(Tabular):
    """Samples of a field of resources at regular times.

    A sample is the value that the field had at that moment: the one that was written last, at that time or before.
    It is None where the resource was not there, and where nobody recorded. Rates are differences to the sample
    before, for each second; they are None where one of the two is, and where a counter began anew.

    Attributes:
        field: its name; `receive_bytes`, or `receive_bytes_per_s` for rates.
        every_ns: the time between two samples.
        times: multiples of it since 1970, so that series of several recordings meet.
        lines: by node and id.
    """

    field: str
    every_ns: int
    times: tuple[Timestamp, ...]
    lines: tuple[Line, ...]

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """One dictionary for each sample: `at`, `node` (where there are any), `id`, `label`, and the field under its name."""
        named = any(line.node for line in self.lines)
        return [finished(row, json=json) for line in self.lines for row in self._rows(line, named=named)]

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """The samples of the one resource of this id or label.

        Raises:
            KeyError: there is none, or there are several, on several nodes for example.
        """
        found = [line for line in self.lines if name in {line.id, line.label}]
        if len(found) != 1:
            raise KeyError(name)
        return found[0].values

    def __len__(self) -> int:
        """How many samples there are of each resource."""
        return len(self.times)

    def __repr__(self) -> str:
        span = f" from {self.times[0]} to {self.times[-1]}" if self.times else ""
        return f"<Series of {self.field}: {len(self.lines)} resources, {len(self.times)} times{span}>"

    def _rows(self, line: Line, *, named: bool) -> Iterator[Mapping[str, Any]]:
        whose = {"node": line.node} if named else {}
        for at, value in zip(self.times, line.values, strict=True):
            yield {"at": at, **whose, "id": line.id, "label": line.label, self.field: value}


def grid(begin: Timestamp, end: Timestamp, every_ns: int) -> tuple[Timestamp, ...]:
    """The multiples of a length within a span.

    Raises:
        QueryError: too many.
    """
    count = (end - begin) // every_ns if end >= begin else 0
    if count > MOST_POINTS:
        raise QueryError(f"{count:,} samples of each resource are too many; name a longer `every`, or a shorter time")
    return tuple(Timestamp(at) for at in range(-(-begin // every_ns) * every_ns, end + 1, every_ns))


def rates(values: Sequence[Any], every_ns: int) -> tuple[float | None, ...]:
    """Differences for each second, the first unknown.

    Raises:
        QueryError: the values are no numbers.
    """
    strange = next((value for value in values if value is not None and not _is_number(value)), None)
    if strange is not None:
        raise QueryError(f"a rate is of numbers; {strange!r} is none")
    pairs = zip((None, *values), values, strict=False)
    return tuple(None if old is None or new is None or new < old else (new - old) * 1e9 / every_ns for old, new in pairs)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, (bool, Timestamp))


def sampled(resource: Resource[Any], field: str) -> Any:
    """The field of a resource; dots lead into structures.

    Raises:
        QueryError: it has no such field, or the field is a secret.
    """
    first, *rest = field.split(".")
    try:
        value = field_value(resource.spec, first)
    except KeyError as error:
        raise QueryError(f"{resource.type} has no field {first!r} that is told{_instead(resource)}") from error
    for step in rest:
        if value is None:
            return None
        if not isinstance(value, Mapping) or step not in value:
            raise QueryError(f"{field!r} leads nowhere in {resource.type}: there is no {step!r}")
        value = value[step]
    return value


def _instead(resource: Resource[Any]) -> str:
    from talos_resources.codec.records import field_names

    names = field_names(resource.spec)
    return f"; it has {', '.join(names)}" if names else ""
