"""Monitor the models in use: drift of features and predictions, transition rates and calibration; send alerts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from segmentation.errors import DataError
from segmentation.frames import empty_frame, small_frame
from segmentation.monitoring.alerts import judge_drift, judge_rates, rows_of_tables, sort_alerts, summarise_alerts
from segmentation.monitoring.webhook import check_url, read_secret, send_alerts
from segmentation.runtime.asking import find_baseline
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.monitoring_inputs import (
    compare_predictions,
    compare_transition_rates,
    compare_with_baseline,
)
from segmentation.tables import (
    ALERTS,
    DRIFT,
    EVENTS,
    MONITORED_RATES,
    SEGMENT_ASSIGNMENTS,
    SESSIONS,
    USER_DAYS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from segmentation.tables import Table

READS = (EVENTS, SESSIONS, USER_DAYS, USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES = (DRIFT, MONITORED_RATES, ALERTS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument("--fail-on-alert", action="store_true", help="end with exit code 3 where there is an alert")


def run(ctx: Context) -> RunReport:
    """Write all three tables at the cut; again leaves equal rows. Alerts are published before they are sent.

    Raises:
        ConfigurationError: the webhook is configured wrongly or refuses, or a feature to compare does not exist.
        RetryableError: the webhook cannot be reached.
        DataError: there are alerts, and --fail-on-alert is given.
    """
    as_of, params, webhook = ctx.as_of, ctx.config.monitoring, ctx.config.webhook
    if webhook.url is not None:
        check_url(webhook.url)
        read_secret(webhook)
    baseline = find_baseline(ctx)
    changes, on_drift = compare_with_baseline(ctx, baseline)
    transitions = compare_transition_rates(ctx)
    calibrations, on_outcomes = compare_predictions(ctx)
    drift = judge_drift(changes, params=params)
    rates = judge_rates([*transitions, *calibrations], params=params)
    alerts = sort_alerts([*drift, *rates])
    _write(ctx, rows_of_tables(drift, rates, as_of=as_of, baseline=baseline))
    for alert in alerts:
        ctx.progress.say(f"alert: {alert.metric} of {alert.scope}: {alert.message}")
    if alerts and webhook.url is not None:
        send_alerts(alerts, as_of=as_of, params=webhook)
    if alerts and ctx.options.get("fail_on_alert"):
        raise DataError(f"{summarise_alerts(alerts)}; all alerts are published in table 'alerts'")
    quality = {
        "subjects": len(drift),
        "rates": len(rates),
        "alerts": {f"{a.metric} {a.scope}": a.value for a in alerts},
    }
    return RunReport(as_of=as_of, quality=quality, notes=[*on_drift, *on_outcomes])


def _write(ctx: Context, tables: dict[Table, list[tuple[Any, ...]]]) -> None:
    """Replace the rows of the cut, and publish all tables as based on the same events as the assignments."""
    for table, rows in tables.items():
        schema = table.schema
        frame = small_frame(ctx.spark, rows, schema) if rows else empty_frame(ctx.spark, schema)
        ctx.lake.replace(table, frame.coalesce(1), where=f"as_of = DATE'{ctx.as_of}'")
    base = ctx.lake.publications.current().bases.get(SEGMENT_ASSIGNMENTS.name, 0)
    ctx.lake.publish({table.name: base for table in WRITES})


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
