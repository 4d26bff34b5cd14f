"""Compile the columns and expressions of a mapping, and name what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.sources.field_mappings import FieldMapping
    from segmentation.sources.mapping import SourceMapping


def column_of(raw: DataFrame, name: str, spec: FieldMapping | None) -> Column:
    """Return the column, constant or expression that a field is read from; null where none is mapped."""
    if spec is None:
        return F.lit(None)
    if spec.column is not None:
        return named_column(spec.column)
    if spec.constant is not None:
        return F.lit(spec.constant)
    return compile_expression(raw, name, spec.expr or "")


def select_named(raw: DataFrame, mapping: SourceMapping, *columns: Column | str) -> DataFrame:
    """Select columns that the mapping names.

    Raises:
        ConfigurationError: the records have no such column, or several that differ by case only.
    """
    try:
        return raw.select(*columns)
    except AnalysisException as error:
        told, condition = error.getMessageParameters() or {}, error.getCondition() or ""
        about = told.get("objectName") or told.get("name")
        if about is None or not condition.startswith(("UNRESOLVED", "AMBIGUOUS")):
            raise ConfigurationError(f"source '{mapping.name}': {str(error).splitlines()[0]}") from error
        known = ", ".join(name for name in raw.columns if not name.startswith("_raw_"))
        raise ConfigurationError(
            f"source '{mapping.name}': column {about} is not one of its records ({condition}); they have: {known}"
        ) from error


def compile_expression(df: DataFrame, name: str, text: str) -> Column:
    """Return an expression of a mapping over the columns of a frame.

    Raises:
        ConfigurationError: it does not compile; names the field, and the column that there is not.
    """
    try:
        column = F.expr(text)
        df.select(column)
    except (AnalysisException, ParseException) as error:
        condition = error.getCondition() or "does not compile"
        about = (error.getMessageParameters() or {}).get("objectName")
        if about and condition.startswith("UNRESOLVED"):
            condition = f"{condition}: there is no column {about}; nested fields of JSON are declared in `columns`"
        raise ConfigurationError(f"mapping of {name}: `{text}` is not valid here ({condition})") from error
    return column


def named_column(name: str) -> Column:
    """Return the column of a name that may contain dots and backticks."""
    return F.col("`" + name.replace("`", "``") + "`")
