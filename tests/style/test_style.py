"""The texts of the project follow the style guide: no phrase of `phrases.txt`, no long line in documentation."""

from __future__ import annotations

import pytest

from tests.style.texts import (
    PROJECT,
    checked_files,
    find_phrases,
    long_lines,
    phrases_in,
    read_not_yet,
    read_phrases,
)

NOT_WRAPPED_YET = {
    "README.md",
    "docs/development.md",
    "docs/engagement.md",
    "docs/identities.md",
    "docs/lifetimes.md",
    "docs/monitoring.md",
    "docs/normalisation.md",
    "docs/operations.md",
    "docs/performance.md",
    "docs/quality.md",
    "docs/review.md",
    "docs/scaling.md",
    "docs/segments.md",
    "docs/sequences.md",
    "docs/sources/access_log.md",
    "docs/sources/crm.md",
    "docs/sources/jdbc.md",
    "docs/sources/kafka.md",
    "docs/sources/offline.md",
    "docs/sources/posthog.md",
    "docs/sources/segment.md",
    "docs/sources/snowplow.md",
}
"""Pages with long lines. Remove a page when its lines are wrapped; add none."""
GENERATED = {"docs/configuration.md", "docs/features.md", "docs/tables.md", "docs/tracking_plan.md"}


def test_clean_files_have_no_phrase_to_avoid() -> None:
    phrases, not_yet = read_phrases(), read_not_yet()
    clean = [path for path in checked_files() if path not in not_yet]
    assert [message for path in clean for message in find_phrases(path, phrases)] == []


def test_files_that_became_clean_leave_the_list() -> None:
    phrases = read_phrases()
    stale = [path for path in read_not_yet() if not (PROJECT / path).exists() or not find_phrases(path, phrases)]
    assert stale == [], "run: python -m tests.style.texts --shrink"


def test_lines_of_documentation_are_short() -> None:
    pages = [path for path in checked_files() if path.endswith(".md") and path not in GENERATED]
    pages.append("docs/performance-log.md")
    wide = {path for path in pages if long_lines((PROJECT / path).read_text(encoding="utf-8"))}
    assert wide == NOT_WRAPPED_YET


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param("a.md", "Files are taken in.\n", ["taken in"], id="a page"),
        pytest.param("a.md", "```\nfiles are taken in\n```\n", [], id="a code block"),
        pytest.param("a.py", '"""What it is."""\n', ["docstring: What"], id="a docstring of a module"),
        pytest.param("a.py", 'def f():\n    """Whether it is."""\n', ["def docstring: Whether"], id="of a function"),
        pytest.param("a.py", 'class A:\n    b: int\n    """Whether it is."""\n', [], id="of a field"),
        pytest.param("a.py", "a = 1  # nobody reads it\n", ["nobody"], id="a comment"),
        pytest.param("a.py", 'raise ValueError(f"{n} files were taken in")\n', ["taken in"], id="a message"),
        pytest.param("a.py", "nobody = 1\n", [], id="code"),
    ],
)
def test_phrases_are_found_in_texts(path: str, source: str, expected: list[str]) -> None:
    assert [found for _, found, _ in phrases_in(path, source, read_phrases())] == expected
