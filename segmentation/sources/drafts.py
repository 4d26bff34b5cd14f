"""Tell drafts of mappings that wait for a decision from mappings that were written or edited by hand."""

from __future__ import annotations

import hashlib
import re

_FIRST_LINE = re.compile(r"# Drafted from .*\[draft ([0-9a-f]{8})\]")


def mark_draft(draft: str) -> str:
    """Return a draft with a check sum of its other lines in its first one."""
    first, _, rest = draft.partition("\n")
    return f"{first} [draft {_check_sum(rest)}]\n{rest}"


def is_unfinished_draft(text: str) -> bool:
    """Return whether a mapping is a draft as it was written, with a TODO that keeps it from being used."""
    first, _, rest = text.partition("\n")
    marked = _FIRST_LINE.fullmatch(first)
    return marked is not None and marked[1] == _check_sum(rest) and re.search(r": TODO\b", rest) is not None


def _check_sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
