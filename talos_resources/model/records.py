"""What all records are: plain dictionaries with one convention, for data frames and for JSON.

- Keys are in Python's spelling, units in their names: `receive_bytes`, `handshake_age_s`.
- Times are aware datetimes in UTC (microseconds), lengths of time are timedeltas.
- Addresses, keys and enums are text, lists are lists, structures are dictionaries with the same convention.
- None is what is not known or never was; Go's zero time is None.
- Secrets are left out.

With `json=True` times are text in RFC 3339 and lengths of time as Talos writes them (`1h30m0s`), both with all
their nanoseconds, and bytes are base64, so that `json.dumps` takes them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from talos_resources.model.duration import Duration
from talos_resources.model.timestamp import Timestamp


@runtime_checkable
class Recorded(Protocol):
    """What knows its own record."""

    def to_record(self) -> dict[str, Any]:
        """The record, its times and lengths of time as ours; `finished` makes the rest."""
        ...


def finished(record: Mapping[str, Any], *, json: bool) -> dict[str, Any]:
    """A record as people get it."""
    return {key: _finished(value, json=json) for key, value in record.items()}


def _finished(value: Any, *, json: bool) -> Any:
    # The commonest classes first: a list of ten thousand resources comes through here.
    cls = value.__class__
    if cls is str or cls is int or value is None or cls is bool or cls is float:
        return value
    if isinstance(value, Timestamp):
        return None if value.is_zero else str(value) if json else value.to_datetime()
    if isinstance(value, Mapping):
        return {str(key): _finished(item, json=json) for key, item in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [_finished(item, json=json) for item in value]
    return _odd(value, json=json)


def _odd(value: Any, *, json: bool) -> Any:
    if isinstance(value, dt.timedelta):
        length = Duration.of(value)
        return str(length) if json else dt.timedelta(microseconds=length.nanoseconds // 1000)
    if isinstance(value, dt.datetime):
        return str(Timestamp.from_datetime(value)) if json else value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (str, bool, int, float)):  # a subclass with looks of its own
        return str(value) if isinstance(value, str) else value
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode() if json else value
    return str(value)
