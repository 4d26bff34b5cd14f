"""Days of the reporting zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column


def local_day(instant: Column | str, time_zone: str) -> Column:
    """Return the day of an instant in a time zone; null stays null."""
    local = instant if time_zone == "UTC" else F.from_utc_timestamp(instant, time_zone)
    return F.to_date(local)


def local_hour(instant: Column | str, time_zone: str) -> Column:
    """Return the hour (0 to 23) of an instant in a time zone."""
    return F.hour(instant if time_zone == "UTC" else F.from_utc_timestamp(instant, time_zone))


def local_midnight(day: date, time_zone: str) -> Column:
    """Return the instant at which a day begins in a time zone."""
    midnight = F.lit(day.isoformat()).cast("timestamp")
    return midnight if time_zone == "UTC" else F.to_utc_timestamp(midnight, time_zone)
