"""Spark SQL in mappings: nothing in it may depend on when, where or in what order a record is read."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

CHANGING = (
    "curdate",
    "current_catalog",
    "current_database",
    "current_date",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_timezone",
    "current_user",
    "input_file_block_length",
    "input_file_block_start",
    "input_file_name",
    "localtimestamp",
    "monotonically_increasing_id",
    "now",
    "rand",
    "randn",
    "random",
    "randstr",
    "session_user",
    "shuffle",
    "spark_partition_id",
    "uniform",
    "user",
    "uuid",
)
"""Functions whose value changes from run to run; `unix_timestamp()` is one too, where it is given nothing."""
WITHOUT_PARENTHESES = (
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtimestamp",
    "session_user",
    "user",
)
"""Names that Spark takes for a function where the source has no such column."""
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_CALL = re.compile(rf"(?<![.\w])({'|'.join(CHANGING)})\s*\(|(?<![.\w])(unix_timestamp)\s*\(\s*\)", re.IGNORECASE)
_NAME = re.compile(rf"(?<![.\w])({'|'.join(WITHOUT_PARENTHESES)})(?![.\w]|\s*\()", re.IGNORECASE)


def _check(expression: str) -> str:
    found = _CALL.search(_TEXT.sub("''", expression))
    if found:
        name = found[1] or found[2]
        raise ValueError(f"{name}() gives another value in every run, and a rebuild must give the same tables")
    return expression


def names_like_functions(expression: str) -> set[str]:
    """Return the names that must be columns of the source, because Spark would take them for a function if not."""
    return {name.lower() for name in _NAME.findall(_TEXT.sub("''", expression))}


Expression = Annotated[str, AfterValidator(_check)]
