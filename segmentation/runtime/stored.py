"""Read stored events after checking that their fingerprints match this run's parameters."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.frames import small_frame
from segmentation.sources.expiry import Expiry
from segmentation.tables import CURRENCY_RATES, EVENTS, INPUT_UNITS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.config import Config
    from segmentation.runtime.context import Context

RATES = "rates"
FIRST_KEPT = "first_kept."
"""Parameter of `events` for each source whose older events were removed, named by this and the source: the first day
that is kept."""


def shaping(config: Config) -> dict[str, str]:
    """Fingerprint what shapes every table that is made of events."""
    return {
        "sessions": config.sessions.fingerprint,
        "workspace": config.workspace.fingerprint,
        RATES: config.workspace.rates_fingerprint,
    }


def ingested_sources(ctx: Context) -> list[str]:
    """Return the names of the sources of which files or messages were ingested."""
    rows = ctx.lake.read(INPUT_UNITS).select("source").distinct().collect()  # a row per source
    return [row["source"] for row in rows]


def require_events(ctx: Context) -> DataFrame:
    """Read the events, for a job that makes of them again what ingest made.

    Raises:
        ConfigurationError: nothing was ingested yet, or it was under other parameters.
    """
    events = ctx.lake.require(EVENTS, "ingest_events")
    where = f"--lake {ctx.lake.root}{ctx.given_settings}"
    rebuild = f"python jobs/ingest_events.py --source ... --input ... {where} --rebuild"
    ctx.lake.check_parameters(EVENTS, shaping(ctx.config), rebuild)
    return events


def accept_rates(ctx: Context, rebuild: str) -> None:
    """Store added and removed rates if no stored value depends on them, and publish them.

    Raises:
        ConfigurationError: a stored event's value would change; names the currency and the day from which on.
    """
    rates = {(rate.currency, rate.since): rate.rate for rate in ctx.config.workspace.rates}
    stored = {(row["currency"], row["since"]): row["rate"] for row in ctx.lake.read(CURRENCY_RATES).collect()}
    changed = {key for key in rates.keys() | stored.keys() if rates.get(key) != stored.get(key)}
    if not changed:
        return
    since = dict(sorted(changed, reverse=True))  # the earliest day of each currency comes last
    is_first = ctx.lake.version(EVENTS) is None
    of_value = ctx.lake.read(EVENTS).where(F.col("value").isNotNull())
    for currency, day in sorted(since.items()):
        touched = (F.col("currency") == currency) & (F.col("event_date") >= F.lit(day))
        if not of_value.where(touched).isEmpty():
            raise ConfigurationError(
                f"rates of {currency} from {day} on differ from those that values of stored events of these days were "
                f"taken at; to build all tables anew under these rates: {rebuild}"
            )
    write_rates(ctx)
    if not is_first:  # else they are published with the first events
        ctx.lake.publish({})


def write_rates(ctx: Context) -> None:
    """Write the rates that the tables are made with."""
    rates = [(rate.currency, rate.since, rate.rate) for rate in ctx.config.workspace.rates]
    ctx.lake.replace(CURRENCY_RATES, small_frame(ctx.spark, rates, CURRENCY_RATES.schema).coalesce(1))
    ctx.lake.set_parameters(EVENTS, {RATES: ctx.config.workspace.rates_fingerprint})


def read_expiry(ctx: Context, source: str) -> Expiry | None:
    """Return which records of a source are left out for their age; None: no events of the source were removed."""
    first = ctx.lake.parameters(EVENTS).get(FIRST_KEPT + source)
    if first is None:
        return None
    return Expiry(date.fromisoformat(first), tuple(sorted(ctx.config.consent.events)))


def kept_first_days(ctx: Context) -> dict[str, str]:
    """Return the parameters of `events` that a rebuild keeps: the first days of sources that keep months only."""
    stored, sources = ctx.lake.parameters(EVENTS), ctx.config.maintenance.keep_months
    named = {FIRST_KEPT + source for source in sources}
    return {name: value for name, value in stored.items() if name in named}
