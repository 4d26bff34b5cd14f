"""Check Spark's datetime patterns before a file is read, and suggest the pattern that was meant."""

from __future__ import annotations

import re

MOST_LETTERS = {
    "G": 5, "y": 6, "D": 3, "M": 4, "L": 4, "d": 2, "Q": 4, "q": 4, "E": 4, "F": 1, "a": 1, "h": 2, "H": 2, "k": 2,
    "K": 2, "m": 2, "s": 2, "S": 9, "V": 2, "z": 4, "O": 4, "X": 5, "x": 5, "Z": 5,
}  # fmt: skip
"""Letter of a pattern -> how often Spark lets it stand in a row. Weeks and week-based years are not among them."""
OF_PYTHON = {
    "%Y": "yyyy", "%y": "yy", "%m": "MM", "%d": "dd", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss", "%f": "SSSSSS",
    "%p": "a", "%b": "MMM", "%B": "MMMM", "%z": "Z", "%Z": "z", "%a": "E", "%A": "EEEE", "%j": "DDD", "%T": "HH:mm:ss",
    "%D": "MM/dd/yy", "%F": "yyyy-MM-dd",
}  # fmt: skip
"""Directive of Python's and C's patterns -> letters of Spark's."""
_PIECE = re.compile(r"'[^']*'|([A-Za-z])\1*")


def check_pattern(pattern: str) -> str:
    """Return a pattern that Spark accepts and that reads what it seems to.

    Minutes without an hour (`yyyy-mm-dd`), a twelve-hour clock without am or pm, and the day of the year beside a
    month are refused: Spark would read them as null, or as another time.

    Raises:
        ValueError: Spark does not read it so; the message names what is wrong and the nearest right pattern.
    """
    fault = _fault_of(pattern)
    if fault is None:
        return pattern
    meant = _suggest(pattern)
    near = f" (did you mean '{meant}'?)" if meant != pattern and _fault_of(meant) is None else ""
    raise ValueError(f"'{pattern}' is not a datetime pattern of Spark: {fault}{near}")


def _fault_of(pattern: str) -> str | None:
    runs = _runs(pattern)
    letters = {run[0] for run in runs}
    bare = re.sub(r"'[^']*'", "", pattern)
    unknown = next((run for run in runs if len(run) > MOST_LETTERS.get(run[0], 0)), "")
    faults = {
        "it is empty": not pattern.strip(),
        "directives such as %Y are Python's": "%" in pattern,
        "a quote is not closed": pattern.count("'") % 2 == 1,
        "a bracket is not closed": bare.count("[") != bare.count("]"),
        "{, } and # are reserved": not {"{", "}", "#"}.isdisjoint(bare),
        f"'{unknown}' has no meaning in it": bool(unknown),
        "'m' is the minute, and it has no hour": "m" in letters and not letters & set("HhKk"),
        "'h' and 'K' are hours of twelve and need 'a' (am or pm)": bool(letters & set("hK")) and "a" not in letters,
        "'D' is the day of the year": "D" in letters and bool(letters & set("ML")),
    }
    return next((fault for fault, applies in faults.items() if applies), None)


def _runs(pattern: str) -> list[str]:
    """Return the runs of equal letters outside quotes."""
    return [found[0] for found in _PIECE.finditer(pattern) if found[1]]


def _suggest(pattern: str) -> str:
    for directive, own in OF_PYTHON.items():
        pattern = pattern.replace(directive, own)
    letters = {run[0] for run in _runs(pattern)}
    meant = {"Y": "y", "u": "y", "D": "d", "A": "a", "n": "S"}
    if not letters & {"a", "A"}:
        meant |= {"h": "H", "K": "H"}
    if not letters & set("HhKk"):
        meant["m"] = "M"
    respelled = _PIECE.sub(lambda found: "".join(meant.get(s, s) for s in found[0]) if found[1] else found[0], pattern)
    return re.sub(r"(?<!')T(?!')", "'T'", respelled)
