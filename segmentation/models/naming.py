"""Names for segments, from what sets their centroids apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTABLE = 0.25
"""Least standardised difference (in standard deviations) from all users that a name mentions."""
WORDS = 2
"""Words in a name, unless more are needed to tell two segments apart."""
NOUN = "customers"
UNREMARKABLE = "typical"


def name_segments(
    centres: Sequence[Mapping[str, float]], *, vocabulary: Mapping[str, tuple[str, str]]
) -> tuple[str, ...]:
    """Name each centroid by its greatest standardised differences to all users.

    Args:
        centres: per segment, feature -> standardised difference of the centroid to the overall mean.
        vocabulary: feature -> (word for much, word for little); other features are called "high <feature>"
            and "low <feature>".

    Returns:
        One unique name per segment, in their order. Ties go to the feature that comes first in the alphabet.
    """
    words = [_words(centre, vocabulary) for centre in centres]
    longest = max((len(w) for w in words), default=0)
    lengths = [WORDS] * len(words)
    while True:
        names = [_join(w[:n]) for w, n in zip(words, lengths, strict=True)]
        shared = {name for name, n in Counter(names).items() if n > 1}
        if not shared or min(n for n, name in zip(lengths, names, strict=True) if name in shared) > longest:
            return _numbered(names)
        lengths = [n + 1 if name in shared else n for n, name in zip(lengths, names, strict=True)]


def _words(centre: Mapping[str, float], vocabulary: Mapping[str, tuple[str, str]]) -> list[str]:
    by_weight = sorted(centre.items(), key=lambda item: (-abs(item[1]), item[0]))
    found = []
    for feature, difference in by_weight:
        much, little = vocabulary.get(feature, (f"high {_plain(feature)}", f"low {_plain(feature)}"))
        if abs(difference) >= NOTABLE:
            found.append(much if difference > 0 else little)
    return list(dict.fromkeys(found))


def _plain(feature: str) -> str:
    return feature.replace("_", " ")


def _join(words: Sequence[str]) -> str:
    return f"{', '.join(words) or UNREMARKABLE} {NOUN}"


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Tell apart by number what words cannot."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)
