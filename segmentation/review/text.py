"""Words and numbers as readers see them; everything that comes from data is made harmless here or in the templates."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date, datetime

DASH = "\u2013"
ELLIPSIS = "…"
_ISOLATE, _POP = "\u2068", "\u2069"
_WINDOW = re.compile(r"_(\d+)d$")
_UNITS = {
    "days": "days",
    "count": "",
    "share": "share",
    "mean": "mean",
    "sum": "",
    "bits": "bits",
    "s": "s",
    "ms": "ms",
}
# Standardised mean differences in words; the steps .2, .5 and .8 are J. Cohen's (1988), Statistical power analysis.
_EFFECTS = ((0.2, "about the same"), (0.5, "a little {}"), (0.8, "clearly {}"), (float("inf"), "far {}"))


def clean(text: object) -> str:
    """Make one printable line: control and bidirectional control characters become spaces."""
    kept = (
        " " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} and c not in "\u200c\u200d" else c for c in str(text)
    )
    return "".join(kept).strip() or "(empty)"


def shorten(text: object, length: int = 28) -> str:
    """Cut a cleaned label to `length` characters, the last of which is then an ellipsis.

    A name that is read from right to left is isolated, so that the sentence around it keeps its order.
    """
    cut = _cut(text, length)
    rightwards = any(unicodedata.bidirectional(c) in {"R", "AL", "AN"} for c in cut)
    return f"{_ISOLATE}{cut}{_POP}" if rightwards else cut


def chart_label(text: object, length: int = 28) -> str:
    """Return a label for plotly, which reads pseudo-HTML: escaped, shortened, and isolated in its direction."""
    escaped = html.escape(_cut(text, length), quote=False)
    return escaped if escaped.isascii() else f"{_ISOLATE}{escaped}{_POP}"


def slug(name: object) -> str:
    """Turn a name into letters, digits and hyphens, fit for an anchor or a file name."""
    return re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-")[:60] or "unnamed"


def count(number: float | None) -> str:
    """Format a count: 12,345."""
    return DASH if number is None else f"{number:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """Format a share as per cent: 12.3 %; what is neither nothing nor all does not look so."""
    if value is None:
        return DASH
    step = 10.0**-digits
    if 0 < value * 100 < step / 2:
        return f"< {step:.{digits}f} %"
    if 100 - step / 2 <= value * 100 < 100:  # noqa: PLR2004
        return f"> {100 - step:.{digits}f} %"
    return f"{value * 100:.{digits}f} %"


def share_of(part: float, whole: float) -> str:
    """Format part / whole as per cent, a dash where there is no whole."""
    return share(part / whole) if whole else DASH


def number(value: float | None) -> str:
    """Format a measurement with three significant digits, never in powers of ten."""
    if value is None or value != value:  # noqa: PLR0124  not a number
        return DASH
    size = abs(value)
    if size >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4  # noqa: PLR2004
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float | None) -> str:
    """Format a duration: 45 s, 3 min 20 s, 2 h 05 min."""
    if value is None:
        return DASH
    whole = round(value)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def day(value: date | datetime | None) -> str:
    """Format a day: 30 April 2024."""
    return DASH if value is None else f"{value.day} {value:%B %Y}"


def minute(value: datetime | None) -> str:
    """Format an instant (UTC): 30 April 2024, 23:59 UTC."""
    return DASH if value is None else f"{day(value)}, {value:%H:%M} UTC"


def plural(amount: int, noun: str) -> str:
    """Count something: 1 session, 2 sessions."""
    return f"{count(amount)} {noun}{'' if amount == 1 else 's'}"


def path(states: list[str], *, ended: bool | None, length: int = 10_000) -> str:
    """Write a path of states: home → cart → end of session."""
    steps = [shorten(state, length) for state in states]
    end = "end" if ended else ELLIPSIS
    return " → ".join([*steps, end])


def feature(name: str) -> str:
    """Write a feature's name in words: `sessions_count_30d` becomes `Sessions, last 30 days`."""
    window = _WINDOW.search(name)
    stem, suffix = (name[: window.start()], f", last {window[1]} days") if window else (name, "")
    if stem.endswith("_life"):
        stem, suffix = stem.removesuffix("_life"), ", ever"
    words = stem.split("_")
    if words[-1] in _UNITS and len(words) > 1:
        unit = _UNITS[words.pop()]
        if unit and unit not in words:
            suffix = f"{suffix} ({unit})"
    return clean(" ".join(words).capitalize().replace("Rfm ", "RFM ") + suffix)


def name_measure(name: str) -> str:
    """Write a measure's name in words: `auc_pr_lift` becomes `Area under precision-recall lift`."""
    words = name.replace("auc_roc", "area under ROC").replace("auc_pr", "area under precision-recall").replace("_", " ")
    return clean(words[:1].upper() + words[1:])


def effect(size: float | None) -> str:
    """Say a standardised difference in words: far more, clearly less, about the same."""
    if size is None or size != size:  # noqa: PLR0124
        return "unknown"
    words = next(words for limit, words in _EFFECTS if abs(size) < limit)
    return words.format("more" if size > 0 else "less")


def _cut(text: object, length: int) -> str:
    cleaned = clean(text)
    return cleaned if len(cleaned) <= length else cleaned[: length - 1].rstrip() + ELLIPSIS
