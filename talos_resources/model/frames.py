"""Records as the data frames of polars, pandas and Arrow, each where it is installed."""

from __future__ import annotations

import base64
import datetime as dt
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from talos_resources.model.errors import UnsupportedError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

Records = Sequence[Mapping[str, Any]]

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


def polars_frame(records: Records, names: Sequence[str] = ()) -> pl.DataFrame:
    """A data frame of polars.

    Raises:
        UnsupportedError: it is not installed.
    """
    polars = _installed("polars", "to_polars")
    frame: pl.DataFrame = polars.DataFrame(
        {name: polars.Series(name, values, strict=False) for name, values in columns(records, names).items()}
    )
    return frame


def pandas_frame(records: Records, names: Sequence[str] = ()) -> pd.DataFrame:
    """A data frame of pandas.

    Raises:
        UnsupportedError: it is not installed.
    """
    frame: pd.DataFrame = _installed("pandas", "to_pandas").DataFrame(columns(records, names))
    return frame


def arrow_table(records: Records, names: Sequence[str] = ()) -> pa.Table:
    """A table of Arrow.

    Raises:
        UnsupportedError: pyarrow is not installed.
    """
    table: pa.Table = _installed("pyarrow", "to_arrow").table(columns(records, names))
    return table


def _installed(module: str, method: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"{method}() needs {error.name}; pip install 'talos-resources[data]'") from None


def columns(records: Records, names: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Name → the value of each record, None where it has none; of one kind, or else as text in JSON.

    Args:
        records: the rows.
        names: of the columns if there is no record.
    """
    present = dict.fromkeys(name for record in records for name in record) if records else names
    found = {name: [record.get(name) for record in records] for name in present}
    return {name: values if _agree(values) else list(map(_text, values)) for name, values in found.items()}


def _agree(values: Iterable[Any]) -> bool:
    """Whether values are of one kind, with all that is in them, and none is too large for a column."""
    present = [value for value in values if value is not None]
    kinds = {_kind(value) for value in present}
    if len(kinds) > 1:
        return kinds == {"int", "float"}
    kind = next(iter(kinds), "")
    if kind == "list":
        return _agree(item for value in present for item in value)
    if kind == "dict":
        keys = dict.fromkeys(key for value in present for key in value)
        return bool(keys) and all(_agree(value.get(key) for value in present) for key in keys)
    return kind != "int" or all(_LEAST <= value <= _MOST for value in present)


def _kind(value: Any) -> str:
    return next((name for name, cls in _KINDS if isinstance(value, cls)), "other")


_KINDS: Final[Sequence[tuple[str, type[Any]]]] = (
    ("str", str), ("bool", bool), ("int", int), ("float", float), ("dict", dict), ("list", list), ("time", dt.datetime),
    ("length", dt.timedelta), ("bytes", bytes),
)  # fmt: skip


def _text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
