"""Progress on a terminal, plain log lines elsewhere. Results go to stdout, all of this to stderr."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from segmentation.steps import step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

LOGGER = logging.getLogger("segmentation")


class JsonLines(logging.Formatter):
    """One JSON object per log line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record with time (UTC), level and message."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = {"at": at, "level": record.levelname, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_logging() -> None:
    """Send our log to stderr: JSON lines unless stderr is a terminal, where `Progress` speaks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.handlers = [] if sys.stderr.isatty() else [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class Progress:
    """Report which step is running and how long each took, and describe its Spark jobs by the step's name."""

    def __init__(self, spark: SparkSession | None = None) -> None:
        """Report to stderr; without a session Spark jobs are not described."""
        self._spark = spark
        self._console = Console(stderr=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that a step runs while the block does, then that it is done and in what time."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{escape(name)} ..."), step(self._spark, name):
                yield
            self._console.print(f"[green]✓[/green] {escape(name)} [dim]{time.monotonic() - started:.1f} s[/dim]")
        else:
            with step(self._spark, name):
                yield
            LOGGER.info("%s: %.1f s", name, time.monotonic() - started)

    def say(self, text: str) -> None:
        """Show a line of information."""
        if self._console.is_terminal:
            self._console.print(text, markup=False)
        else:
            LOGGER.info("%s", text)
