"""Context of a job, and its report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from segmentation.config import Config
    from segmentation.lake.lake import Lake
    from segmentation.runtime.progress import Progress
    from segmentation.tracking import Tracking


@dataclass
class Context:
    """Everything a job may use. The clock is not in it."""

    spark: SparkSession
    config: Config
    lake: Lake
    tracking: Tracking
    run_id: str
    progress: Progress
    given_as_of: date | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    _latest: dict[int | None, date] = field(default_factory=dict)

    @property
    def as_of(self) -> date:
        """The cut, exclusive: as given, else the day after the latest event."""
        return self.given_as_of or self.latest_event_date() + timedelta(days=1)

    @property
    def conf_dir(self) -> Path:
        """The configuration folder."""
        return Path(self.options.get("conf_dir", "conf"))

    @property
    def given_settings(self) -> str:
        """The run's `--set` options as they were typed, with a blank before each, for commands that repeat the run."""
        return "".join(f" --set {shlex.quote(item)}" for item in self.options.get("set") or ())

    def latest_event_date(self) -> date:
        """Return the day of the latest published event.

        Raises:
            ConfigurationError: there are no events yet.
            DataError: all events were rejected.
        """
        version = self.lake.version(EVENTS)
        if version not in self._latest:
            row = self.lake.require(EVENTS, "ingest_events").agg(F.max(F.expr("event_date + 0")).alias("day")).head()
            if row is None or row["day"] is None:
                raise DataError("table 'events' is empty: every record was rejected; see table 'quarantine'")
            self._latest[version] = row["day"]
        return self._latest[version]


@dataclass
class RunReport:
    """Report of a job: becomes the JSON line at the end of stdout."""

    as_of: date | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    status: str = "done"
    notes: list[str] = field(default_factory=list)
