"""From figures to alerts: what is beyond chance and beyond its threshold. One per metric, scope and cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from segmentation.evaluation.figures import BREACH, INFO, OK
from segmentation.monitoring.drift import Drift
from segmentation.monitoring.rates import CALIBRATION, Rate
from segmentation.tables import ALERTS, DRIFT, MONITORED_RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from segmentation.monitoring.params import MonitoringParams
    from segmentation.tables import Table

Figure = TypeVar("Figure", Drift, Rate)

PSI, JS_DISTANCE, KS = "psi", "js_distance", "ks"
RATE_CHANGE, CALIBRATION_GAP = "rate_change", "calibration_gap"

LISTED = 5
"""Alerts that one line shows at most."""


class Alert(NamedTuple):
    """A breach."""

    metric: str
    scope: str
    value: float
    threshold: float
    q_value: float
    message: str


@dataclass(frozen=True)
class Judged(Generic[Figure]):
    """A figure with its verdict and the alerts that it makes."""

    figure: Figure
    status: str
    alerts: tuple[Alert, ...] = ()


def judge_drift(found: Iterable[Drift], *, params: MonitoringParams) -> list[Judged[Drift]]:
    """Judge distributions: each threshold that is set and exceeded is an alert, unless chance explains the change."""
    limits = {PSI: params.psi_max, JS_DISTANCE: params.js_distance_max, KS: params.ks_max}
    return [_judge(one, [(m, getattr(one, m), limits[m]) for m in limits], _say_drift(one), params) for one in found]


def judge_rates(found: Iterable[Rate], *, params: MonitoringParams) -> list[Judged[Rate]]:
    """Judge rates likewise, by the size of their difference, up or down."""
    judged = []
    for one in found:
        calibrates = one.scope.startswith(CALIBRATION)
        metric, limit = (
            (CALIBRATION_GAP, params.calibration_gap_max) if calibrates else (RATE_CHANGE, params.rate_change_max)
        )
        judged.append(_judge(one, [(metric, one.difference, limit)], _say_rate(one), params))
    return judged


def sort_alerts(judged: Iterable[Judged[Drift] | Judged[Rate]]) -> list[Alert]:
    """Return all alerts in the order of their key."""
    return sorted((alert for one in judged for alert in one.alerts), key=lambda alert: (alert.metric, alert.scope))


def summarise_alerts(alerts: Sequence[Alert]) -> str:
    """Write the number of alerts and the first of them with their values and thresholds, as one line."""
    shown = "; ".join(f"{a.metric} of {a.scope} is {a.value:.3g} (at most {a.threshold:g})" for a in alerts[:LISTED])
    more = " ..." if len(alerts) > LISTED else ""
    return f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}: {shown}{more}"


def rows_of_tables(
    drift: Iterable[Judged[Drift]], rates: Iterable[Judged[Rate]], *, as_of: date, baseline: date | None
) -> dict[Table, list[tuple[Any, ...]]]:
    """Return the rows of `drift`, `monitored_rates` and `alerts` at a cut, in contract order.

    Args:
        drift: judged distributions.
        rates: judged rates.
        as_of: the cut.
        baseline: the earlier cut; None: there is none, and `drift` has no row.
    """
    drift, rates = list(drift), list(rates)
    return {
        DRIFT: drift_rows(drift, as_of=as_of, baseline=baseline) if baseline else [],
        MONITORED_RATES: rate_rows(rates, as_of=as_of),
        ALERTS: alert_rows(sort_alerts([*drift, *rates]), as_of=as_of),
    }


def drift_rows(judged: Iterable[Judged[Drift]], *, as_of: date, baseline: date) -> list[tuple[Any, ...]]:
    """Return the rows of `drift` in contract order."""
    return [
        (
            *(one.scope, as_of, baseline, one.users_before, one.users_now, one.psi, one.js_distance, one.ks),
            *(one.p_value, one.q_value, one.mean_before, one.mean_now),
            *(one.split or (None, None, None, None)),
            status,
        )
        for one, status in ((each.figure, each.status) for each in judged)
    ]


def rate_rows(judged: Iterable[Judged[Rate]], *, as_of: date) -> list[tuple[Any, ...]]:
    """Return the rows of `monitored_rates` in contract order."""
    return [
        (
            *(one.scope, as_of, one.from_date, one.until_date, one.successes, one.trials, one.rate),
            *(one.reference, one.reference_trials, one.lower, one.upper, one.p_value, one.q_value, one.detectable),
            status,
        )
        for one, status in ((each.figure, each.status) for each in judged)
    ]


def alert_rows(alerts: Iterable[Alert], *, as_of: date) -> list[tuple[Any, ...]]:
    """Return the rows of `alerts` in contract order."""
    return [(a.metric, a.scope, as_of, a.value, a.threshold, a.q_value, a.message) for a in alerts]


def _judge(
    one: Figure,
    measured: Sequence[tuple[str, float | None, float | None]],
    message: str,
    params: MonitoringParams,
) -> Judged[Figure]:
    judged = [(metric, value, limit) for metric, value, limit in measured if value is not None and limit is not None]
    if not judged:
        return Judged(one, INFO)
    beyond_chance = one.q_value <= params.false_discovery_rate
    alerts = tuple(
        Alert(metric, one.scope, value, limit, one.q_value, message)
        for metric, value, limit in judged
        if beyond_chance and abs(value) > limit
    )
    return Judged(one, BREACH if alerts else OK, alerts)


def _say_drift(one: Drift) -> str:
    if one.split is None:
        return f"the shares of segments changed: stability index {one.psi:.3g}"
    means = f"mean {_say(one.mean_before)} before, {_say(one.mean_now)} now"
    parts = f"{one.split.psi_mix:.3g} by other shares of segments, {one.split.psi_within:.3g} within segments"
    return f"stability index {one.psi:.3g} ({parts}); {means}"


def _say_rate(one: Rate) -> str:
    when = f"from {one.from_date} until {one.until_date} (exclusive)"
    reference = "nothing to compare with" if one.reference is None else f"{one.reference:.1%} expected"
    rate = "" if one.rate is None else f" ({one.rate:.1%})"
    return f"{one.successes} of {one.trials}{rate} {when}; {reference}"


def _say(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
