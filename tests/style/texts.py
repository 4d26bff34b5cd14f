"""Read the texts of the project that follow the style guide, and find phrases in them.

`python -m tests.style.texts` lists what it finds in files that are not clean yet, or in the given files.
`python -m tests.style.texts --shrink` removes clean files from `tests/style/not_yet.txt`.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).parents[2]
STYLE = Path(__file__).parent
PHRASES, NOT_YET = STYLE / "phrases.txt", STYLE / "not_yet.txt"
SEPARATOR = " :: "
QUOTING = ("docs/decisions/", "docs/benchmarks/", "CHANGELOG.md", "docs/performance-log.md")
"""Records of the past and generated results, which keep the words of their time."""
WIDTH = 120
FREE_OF_WIDTH = re.compile(r"^\||^ {4}|https?://|^\[?!\[")
"""Lines of Markdown that may be long: tables, indented code, addresses, images."""

DOCSTRING, FUNCTION = "docstring: ", "def docstring: "
"""Marks before the text of a docstring: of a module, class or field, and of a function."""


class Phrase(NamedTuple):
    """A phrase that the project does not use."""

    pattern: re.Pattern[str]
    reason: str


class Text(NamedTuple):
    """A piece of text and its first line."""

    line: int
    text: str


def read_phrases() -> list[Phrase]:
    """Read the phrases and their reasons."""
    lines = [line for line in PHRASES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    parts = (line.split(SEPARATOR, 1) for line in lines)
    return [Phrase(re.compile(pattern, re.IGNORECASE), reason) for pattern, reason in parts]


def read_not_yet() -> list[str]:
    """Read the paths that are not clean yet."""
    return NOT_YET.read_text(encoding="utf-8").split()


def checked_files() -> list[str]:
    """Return the paths of all files whose texts are checked."""
    found = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("segmentation/**/*.py")]
    found += PROJECT.glob("jobs/*.py")
    paths = sorted(path.relative_to(PROJECT).as_posix() for path in found)
    return [path for path in paths if not path.startswith(QUOTING)]


def find_phrases(path: str, phrases: Sequence[Phrase]) -> list[str]:
    """Return a message for each phrase in a file: path, line, the words and the reason."""
    source = (PROJECT / path).read_text(encoding="utf-8")
    return [f"{path}:{line}: '{words}': {reason}" for line, words, reason in phrases_in(path, source, phrases)]


def phrases_in(path: str, source: str, phrases: Sequence[Phrase]) -> Iterator[tuple[int, str, str]]:
    """Return line, words and reason of each phrase in the texts of a source."""
    for text in python_texts(source) if path.endswith(".py") else markdown_texts(source):
        for phrase in phrases:
            for found in phrase.pattern.finditer(text.text):
                yield text.line + text.text.count("\n", 0, found.start()), found[0], phrase.reason


def markdown_texts(source: str) -> Iterator[Text]:
    """Return the lines outside of code blocks."""
    is_code = False
    for number, line in enumerate(source.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield Text(number, line)


def long_lines(source: str) -> list[int]:
    """Return the numbers of lines of Markdown that are too long."""
    texts = markdown_texts(source)
    return [text.line for text in texts if len(text.text) > WIDTH and not FREE_OF_WIDTH.search(text.text)]


def python_texts(source: str) -> Iterator[Text]:
    """Return docstrings, marked as such, comments, and strings of at least two words."""
    tree = ast.parse(source)
    marks = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            for place, child in enumerate(node.body):
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    marks[child.value] = FUNCTION if isinstance(node, ast.FunctionDef) and place == 0 else DOCSTRING
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\w+ \w+", node.value):
            yield Text(node.lineno, marks.get(node, "") + node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], token.string)


def main() -> None:
    """List findings, or remove clean files from the list of those that are not clean yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", help="files to look at; none: those that are not clean yet")
    parser.add_argument("--shrink", action="store_true", help="remove clean files from tests/style/not_yet.txt")
    options = parser.parse_args()
    phrases, not_yet = read_phrases(), read_not_yet()
    if options.shrink:
        left = [path for path in not_yet if (PROJECT / path).exists() and find_phrases(path, phrases)]
        NOT_YET.write_text("".join(f"{path}\n" for path in left), encoding="utf-8")
        return
    for path in options.paths or not_yet:
        for message in find_phrases(path, phrases):
            print(message)  # noqa: T201  it talks to a person


if __name__ == "__main__":
    main()
