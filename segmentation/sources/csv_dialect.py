"""The dialect of a CSV file: what separates, encloses and escapes, and how one line of it is split."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"\\(t|\\|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")


def unescape_sign(value: str) -> str:
    """Return a delimiter or escape as it is in the file; YAML's single quotes leave a backslash and a t for a tab."""
    if len(value) == 1:
        return value

    def sign(found: re.Match[str]) -> str:
        name = found[1]
        return {"t": "\t", "\\": "\\"}.get(name) or chr(int(name[1:], 16))

    return _WRITTEN.sub(sign, value)


def check_delimiter(value: str, quote: str) -> str:
    """Return a delimiter of one or more signs.

    Raises:
        ValueError: it is empty, holds a line break or the quote.
    """
    if not value:
        raise ValueError("it is empty: give the sign between two fields, such as ';' or \"\\t\"")
    if re.search(r"[\r\n]", value) or (quote and quote in value):
        raise ValueError(f"{value!r} holds a line break or the quote, which cannot separate fields")
    return value


def split_line(line: str, delimiter: str, quote: str = '"', escape: str | None = None) -> list[str]:
    """Split one line into its fields.

    A quote encloses a field that begins with it, and within is written twice, or behind the escape. What follows a
    closing quote belongs to the field. A quote that is not closed reaches to the end of the line.
    """
    fields, at = [], 0
    while True:
        field, at = _read_field(line, at, delimiter, quote, escape)
        fields.append(field)
        if at >= len(line):
            return fields
        at += len(delimiter)
        if at == len(line):
            return [*fields, ""]


def _read_field(line: str, at: int, delimiter: str, quote: str, escape: str | None) -> tuple[str, int]:
    """Read the field that begins at a position; return it, and the position of the delimiter behind it."""
    if not quote or not line.startswith(quote, at):
        end = line.find(delimiter, at)
        end = len(line) if end < 0 else end
        return line[at:end], end
    signs, at = [], at + 1
    while at < len(line):
        if escape and escape != quote and line[at] == escape and at + 1 < len(line):
            signs.append(line[at + 1] if line[at + 1] in (quote, escape) else line[at : at + 2])
            at += 2
        elif line[at] != quote:
            signs.append(line[at])
            at += 1
        elif line.startswith(quote * 2, at) and escape is None:
            signs.append(quote)
            at += 2
        else:
            break
    end = line.find(delimiter, at + 1)
    end = len(line) if end < 0 else end
    return "".join(signs) + line[at + 1 : end], end
