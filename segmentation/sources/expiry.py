"""The records of a source that are left out because their events are older than the months that are kept."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.quality.reasons import Reason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MONTHS = 12


class Expiry(NamedTuple):
    """The first day that is kept of a source, and the events that never expire."""

    first_kept: date
    """First day of a month, in the reporting zone."""
    kept_names: tuple[str, ...] = ()
    """Event names by which users state consent: what a user has allowed or refused holds until stated otherwise."""

    def drops(self, event_date: Column, event_name: Column) -> Column:
        """Return whether a record is left out; a record without a readable day never is."""
        is_old = F.coalesce(event_date < F.lit(self.first_kept), F.lit(False))
        if not self.kept_names:
            return is_old
        return is_old & ~F.coalesce(event_name.isin(*self.kept_names), F.lit(False))

    def exclude_from(self, records: DataFrame) -> DataFrame:
        """Exclude the parsed records that are left out, whatever else is wrong with them.

        Grain: a parsed record (PARSED_RECORDS) in, the same record out. A record that is excluded already keeps its
        reason, and a malformed one has no readable day.
        """
        expired = ~F.col("excluded") & ~F.col("unparsable") & self.drops(F.col("event_date"), F.col("event_name"))
        changed = {
            "raw": F.when(~expired, F.col("raw")),
            "rejected": expired | F.col("rejected"),
            "excluded": expired | F.col("excluded"),
            "reasons": F.when(expired, F.array(F.lit(Reason.EXPIRED.value))).otherwise(F.col("reasons")),
        }
        return records.select(*(changed.get(name, F.col(name)).alias(name) for name in records.columns))


def first_day_kept(as_of: date, months: int) -> date:
    """Return the first day of the month that lies so many months before the month of the cut."""
    years, month = divmod(as_of.year * MONTHS + as_of.month - 1 - months, MONTHS)
    return date(years, month + 1, 1)
