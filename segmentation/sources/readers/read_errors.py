"""Name the reason why a file cannot be read, and what to do about it."""

from __future__ import annotations

import re

TRUNCATED = "truncated or corrupt"
_MARKS = (
    "CANNOT_READ_FILE", "FAILED_READ_FILE", "EOFException", "Unexpected end of input", "not a Parquet file",
    "FileNotFoundException", "AccessControlException", "ZipException", "PARQUET_", "UNSUPPORTED_TIME_TYPE",
    "COLUMN_ALREADY_EXISTS", "MalformedInputException",
)  # fmt: skip
"""Parts of the messages of errors that come from reading a file."""
_REASONS = (
    (r"COLUMN_ALREADY_EXISTS\] The column `([^`]+)`", "two columns are called '{}' but for their case: rename one"),
    (r"UNSUPPORTED_TIME_TYPE", "a column has the type TIME, which Spark does not read: write it as text"),
    (
        r"(?:Illegal|Unrecognized|not supported) Parquet type[^:]*: ([^\n]+?)\.(?: SQLSTATE|\n|$)",
        "a column has the type {}, which Spark does not read: write it as another type, such as text or double",
    ),
    (r"PARQUET_TYPE_\w+", "a column has a type that Spark does not read: write it as another type, such as text"),
    (
        r"PARQUET_COLUMN_DATA_TYPE_MISMATCH|SchemaColumnConvertNotSupported",
        "a column has another type than in its schema",
    ),
    (r"[Pp]ermission denied|AccessControlException", "permission denied: give this user the right to read it"),
    (r"No space left on device", "no space is left on the disk of Spark's temporary files (spark.local.dir)"),
    (r"FileNotFoundException|does not exist", "it was deleted or replaced while it was read: run the job again"),
    (
        r"ZipException: Not in GZIP format|not a gzip file|incorrect header check",
        "it is not gzip, as its ending says: rename it",
    ),
    (r"native .{2,20} library not available|No codec", "this Spark cannot unpack it: unpack it, or pack it with gzip"),
)
"""Part of an error's message, and the reason in words; `{}` is its first group."""


def is_read_error(message: str) -> bool:
    """Return whether the message of an error is about reading a file."""
    return any(mark in message for mark in _MARKS)


def reason_of(message: str) -> str:
    """Return why a file cannot be read, in words and with a remedy; without a better reason it is damaged."""
    for pattern, reason in _REASONS:
        found = re.search(pattern, message)
        if found:
            return reason.format(*found.groups())
    return TRUNCATED
