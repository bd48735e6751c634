"""Columns as lines of COPY's text format, built by Spark's generated code. Pure, no I/O."""

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

NULL = "\\N"


def escaped(text: Column) -> Column:
    """Return `text` with what COPY would take for a separator or an escape written as an escape."""
    for character, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = F.replace(text, F.lit(character), F.lit(escape))
    return text


def to_lines(rows: DataFrame, free_text: Collection[str] = ()) -> DataFrame:
    """Return one column `line` string: the row's columns in order, with a newline at the end.

    Only columns named in `free_text` are escaped: ids, numbers, timestamps and codes need none.
    Timestamps are written in the session's time zone, which is UTC.
    """
    fields = [_field(F.col(name), name in free_text) for name in rows.columns]
    return rows.select(F.concat(F.concat_ws("\t", *fields), F.lit("\n")).alias("line"))


def _field(column: Column, escape: bool) -> Column:
    text = column.cast("string")
    return F.coalesce(escaped(text) if escape else text, F.lit(NULL))
