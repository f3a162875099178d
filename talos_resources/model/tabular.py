"""What can be a table for people who analyse: records, and the data frames of others' libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class Tabular:
    """Something with records, which the extra `data` turns into data frames.

    Frames have a column for each key of any record, also where there is no record but the kind is known.
    Structures and lists are columns of structures and lists where their items agree in kind; a column that does not
    (what changes from a number to a text) is text in JSON.
    """

    __slots__ = ()

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """One plain dictionary for each, by the convention of `talos_resources.model.records`.

        Args:
            json: texts in place of times and lengths of time, so that `json.dumps` takes them.
        """
        raise NotImplementedError

    def record_columns(self) -> tuple[str, ...]:
        """The names of the columns where there is no record to tell them; none where nobody knows."""
        return ()

    def to_polars(self) -> pl.DataFrame:
        """The records as a polars data frame.

        Raises:
            UnsupportedError: polars is not installed.
        """
        from talos_resources.model.frames import polars_frame

        return polars_frame(self.records(), self.record_columns())

    def to_pandas(self) -> pd.DataFrame:
        """The records as a pandas data frame.

        Raises:
            UnsupportedError: pandas is not installed.
        """
        from talos_resources.model.frames import pandas_frame

        return pandas_frame(self.records(), self.record_columns())

    def to_arrow(self) -> pa.Table:
        """The records as an Arrow table.

        Raises:
            UnsupportedError: pyarrow is not installed.
        """
        from talos_resources.model.frames import arrow_table

        return arrow_table(self.records(), self.record_columns())
