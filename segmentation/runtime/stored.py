"""Read stored events after checking that their fingerprints match this run's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.frames import small_frame
from segmentation.tables import CURRENCY_RATES, EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.config import Config
    from segmentation.runtime.context import Context

RATES = "rates"


def shaping(config: Config) -> dict[str, str]:
    """Fingerprint what shapes every table that is made of events."""
    return {
        "sessions": config.sessions.fingerprint,
        "workspace": config.workspace.fingerprint,
        RATES: config.workspace.rates_fingerprint,
    }


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
